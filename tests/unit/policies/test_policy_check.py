"""`dunning policy check`: what a person sees before a deployment."""

import os
from pathlib import Path

import pytest

from infra.cli import main

STANDARD = Path("shared/dunning/content/policies/standard.yaml").read_text(encoding="utf-8")
GOOD = 'name: mine\nsteps:\n  - {id: first, at: {after_due: 7d, time: "09:00"}, email: friendly}\n'


def check(capsys: pytest.CaptureFixture[str], *arguments: Path | str) -> tuple[int, str, str]:
    """The status, what is printed, and what is complained of."""
    status = main(["policy", "check", *map(str, arguments)])
    said = capsys.readouterr()
    return status, said.out, said.err


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_policy_that_loads_is_told_step_by_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = check(capsys, written(tmp_path / "standard.yaml", STANDARD))
    assert (status, err) == (0, "")
    told = " ".join(out.split())
    assert "1 first 7 days after the due date, at 09:00" in told
    assert "2 second 48 h after the step before" in told
    assert "only if not replied" in told
    assert "3 escalate 72 h after the step before handed to the team collections" in told
    assert "mail 08:00-18:00, SMS 08:00-20:00" in told
    assert "no reminder below 1.00 in any currency" in told


def test_the_rules_of_a_careful_plan_are_told_in_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = (
        "applies_to: {if: \"country == 'DE'\", priority: 3}\n"
        'approve_above: {EUR: "10000.00", JPY: 1000000, KWD: "1000.5"}\n'
        "on_partial_payment: {hold: 2d}\non_reply: {hold: 2bd, notify: collections}\nfirst_contacts_per_day: 50\n"
        "promise: {max_days: 7, max_count: 1, grace: 2bd}\n"
    )
    told = " ".join(check(capsys, written(tmp_path / "mine.yaml", GOOD.replace("steps:", rules + "steps:")))[1].split())
    for words in (
        "with country == 'DE' (priority 3)",
        "every step waits for a person above EUR 10,000.00, JPY 1,000,000, KWD 1,000.500",
        "a part paid reminders wait 2 days",
        "reminders wait for 2 working days; told to collections",
        "at most 50 a day",
        "at most 7 days ahead and once for an invoice, broken 2 working days after its date",
    ):
        assert words in told
    usual = " ".join(check(capsys, written(tmp_path / "mine.yaml", GOOD))[1].split())
    assert "a part paid the plan goes on" in usual
    assert "large sums" not in usual


def test_a_draft_may_have_any_file_name_but_not_in_the_folder_it_is_deployed_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = written(tmp_path / "draft of spring.yaml", STANDARD)
    status, out, err = check(capsys, draft)
    assert status == 0
    assert "standard loads" in out
    assert err == f'{draft}: field "name": warning: "standard" is not the name of its file: rename it to standard.yaml before deploying\n'
    status, _, err = check(capsys, tmp_path)
    assert status == 1
    assert '"standard" is not the name of its file' in err


def test_every_problem_names_file_step_field_and_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = GOOD.replace("7d", "7 days").replace("email: friendly", "email: freindly") + "when: noon\n"
    path = written(tmp_path / "mine.yaml", bad)
    status, out, err = check(capsys, path)
    assert (status, out) == (1, "")
    lines = err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"{path}: ") for line in lines)
    assert 'field "when": unknown key' in err
    assert 'step "first": field "at.after_due"' in err
    assert 'step "first": field "email": no template "freindly"; did you mean "friendly"?' in err


def test_one_bad_policy_does_not_hide_the_good_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = written(tmp_path / "mine.yaml", GOOD), written(tmp_path / "other.yaml", "name: other\n")
    status, out, err = check(capsys, good, bad)
    assert status == 1
    assert "mine loads" in out
    assert "other.yaml" in err


def test_teams_are_those_that_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path / "mine.yaml", GOOD.replace("email: friendly", "escalate: {team: legal}"))
    assert 'no team "legal"' in check(capsys, path)[2]
    assert check(capsys, path, "--team", "legal", "--team", "collections")[0] == 0


def test_a_folder_is_read_as_it_would_be_deployed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path / "standard.yaml", STANDARD)
    written(tmp_path / "mine.yaml", GOOD)
    written(tmp_path / "notes.txt", "not a policy")
    status, out, err = check(capsys, tmp_path)
    assert (status, err) == (0, "")
    assert out.index("mine loads") < out.index("standard loads")


def test_a_folder_without_a_plan_for_new_invoices_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path / "mine.yaml", GOOD)
    written(tmp_path / "yours.yaml", GOOD.replace("mine", "yours"))
    status, _, err = check(capsys, tmp_path)
    assert status == 1
    assert 'no policy is called "standard"' in err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\xff\xfe\x00", "line 1: not UTF-8 text: save it as UTF-8"),
        (GOOD.encode() + b"# \xe4\n", "line 4: not UTF-8 text"),
        (b"steps: [", "not YAML"),
        (b"- first\n- second\n", "a policy is a mapping"),
        (b"", "a policy is a mapping"),
        (b"name: &a mine\nsteps: *a\n", "an anchor"),
        (b"name: mine\n" + b"# long\n" * 60_000, "more than 400,000 bytes"),
    ],
    ids=["binary", "latin-1", "broken", "list", "empty", "anchor", "huge"],
)
def test_a_file_that_is_no_policy_gets_one_clean_line(
    content: bytes, complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "mine.yaml", content)
    status, out, err = check(capsys, path)
    assert (status, out) == (1, "")
    assert err.count("\n") == 1
    assert err.startswith(str(path))
    assert complaint in err


def test_paths_that_are_no_files_get_one_clean_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "empty").mkdir()
    for name, complaint in {
        "gone.yaml": "a link to a file that is not there",
        "loop.yaml": "cannot be read",
        "pipe.yaml": "not a file",
        "missing.yaml": "no such file",
        "empty": "no policy (*.yaml) here",
        "mine.yaml/inside": "no such file",
    }.items():
        status, _, err = check(capsys, tmp_path / name)
        assert status == 1
        assert complaint in err
        assert err.count("\n") == 1


def test_a_link_to_a_policy_is_followed_and_another_suffix_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    real = written(tmp_path / "real.txt", GOOD)
    (tmp_path / "mine.yaml").symlink_to(real)
    assert check(capsys, tmp_path / "mine.yaml")[0] == 0
    status, _, err = check(capsys, real)
    assert status == 1
    assert "rename it to real.yaml" in err


def test_files_that_say_the_same_priority_are_refused_as_their_folder_would_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def ranked(name: str, priority: int) -> Path:
        rule = f'name: {name}\napplies_to: {{if: "true", priority: {priority}}}'
        return written(tmp_path / f"{name}.yaml", GOOD.replace("name: mine", rule))

    mine, yours, theirs = ranked("mine", 3), ranked("yours", 3), ranked("theirs", 4)
    status, out, err = check(capsys, mine, yours)
    assert (status, err) == (1, 'mine and yours: field "applies_to.priority": both say 3: give each policy its own\n')
    assert "yours loads" in out
    assert check(capsys, mine, theirs)[0] == 0
    assert check(capsys, mine, mine)[0] == 0
