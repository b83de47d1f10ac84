"""`dunning`: what it says to arguments it cannot take."""

import socket
from pathlib import Path

import pytest

from infra.cli import main


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says on its error channel when it refuses with status 2: one line."""
    try:
        status = main(arguments)
    except SystemExit as exc:
        status = int(exc.code or 0)
    said = capsys.readouterr().err
    assert status == 2
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize(
    ("arguments", "names", "remedy"),
    [
        (["up", "--port", "http"], "'http'", "0 to 65535"),
        (["up", "--port", "65536"], "'65536'", "0 to 65535"),
        (["up", "--start", "yesterday"], "'yesterday'", "2026-03-02T08:00:00Z"),
        (["up", "--start", "2026-03-02T08:00:00"], "no zone", "Z"),
        (["up", "--start", "0001-01-01T00:00:00+05:00"], "'0001-01-01T00:00:00+05:00'", "2000"),
        (["up", "--policies", "no/such/place"], "'no/such/place'", "directory"),
        (["up", "--sample"], "--sample", "dunning --help"),
        (["fly"], "'fly'", "up"),
        ([], "command", "--help"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line_with_its_remedy(
    arguments: list[str], names: str, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(arguments, capsys)
    assert names in said
    assert remedy in said


def test_a_port_in_use_is_refused_before_anything_starts(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refusal(["up", "--port", str(port)], capsys)
    assert f"127.0.0.1:{port}" in said
    assert "--port" in said


def test_a_policy_that_does_not_load_is_named_with_file_step_and_field(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "standard.yaml").write_text(
        'name: standard\ntimezone: UTC\nsteps:\n  - id: first\n    at: {after_due: 7d, time: "09:00"}\n    email: no_such\n'
    )
    said = refusal(["up", "--port", "0", "--policies", str(tmp_path)], capsys)
    for place in ("standard.yaml", "first", "email", "no_such"):
        assert place in said
