"""`dunning explain` as a person reads it."""

from datetime import UTC, datetime

import pytest

from dunning.domain.explaining import Explanation, Next, Obstacle
from infra.cli import main
from infra.explaining import explanation_row, print_explanation

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
AT = datetime(2026, 4, 7, 8, tzinfo=UTC)


def printed(explanation: Explanation, capsys: pytest.CaptureFixture[str]) -> str:
    assert print_explanation(explanation_row(explanation), as_json=False) == 0
    return capsys.readouterr().out


def test_local_time_and_utc_stand_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    rest = Obstacle("Friday 3 April 2026 is no working day there (Good Friday)", AT)
    coming = Next("in_1", "INV-7", "Europe/London", "mail friendly", "7 days after the due date", "first", AT, None, (rest,))
    out = printed(Explanation("stripe:cus_1", NOW, (), (coming,)), capsys)
    assert out.splitlines() == [
        "stripe:cus_1, as of Thu 12 Mar 2026 12:00 UTC",
        "",
        "INV-7: mail friendly (step first)",
        "  when            Tue 7 Apr 2026 09:00 Europe/London (Tue 7 Apr 2026 08:00 UTC)",
        "  why             7 days after the due date",
        "  why not sooner  Friday 3 April 2026 is no working day there (Good Friday); until Tue 7 Apr 2026 09:00 Europe/London",
    ]


def test_what_is_held_says_what_a_release_would_do(capsys: pytest.CaptureFixture[str]) -> None:
    held = Next("in_1", "INV-7", "UTC", "mail friendly", "7 days after the due date", "first", None, AT)
    out = printed(Explanation("stripe:cus_1", NOW, (Obstacle("on hold"),), (held,)), capsys)
    assert "  on hold\n" in out
    assert "not while it is held; were it released now, Tue 7 Apr 2026 08:00 UTC" in out


def test_nothing_owed_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing is owed" in printed(Explanation("stripe:cus_1", NOW, (), ()), capsys)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://127.0.0.1:9", "no local cloud answers at"),
        ("http://example.com", "not a local cloud's"),
        ("ftp://x", "not a local cloud's"),
    ],
)
def test_a_place_where_nothing_answers_is_refused(url: str, complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "stripe:cus_1", "--url", url]) == 2
    assert complaint in capsys.readouterr().err
