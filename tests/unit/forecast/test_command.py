"""`dunning simulate` as a person runs it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.cli import main
from infra.forecast import words
from infra.forecast.shapes import Decision
from tests.unit.forecast.books import STANDARD, csv_of, plan

SAMPLE = Path("infra/samples/invoices.csv")
LATER = 'steps:\n  - {id: only, at: {after_due: 20d, time: "09:00"}, email: friendly}\n'


def simulate(capsys: pytest.CaptureFixture[str], *arguments: Path | str, invoices: Path = SAMPLE) -> tuple[int, str, str]:
    usual = ["simulate", "--invoices", str(invoices), "--policy", str(STANDARD), "--days", "40", "--start", "2026-03-02"]
    try:
        status = main([*usual, *map(str, arguments)])
    except SystemExit as exc:
        status = int(exc.code or 0)
    said = capsys.readouterr()
    return status, said.out, said.err


def test_the_table_tells_who_gets_what_and_how_it_ends(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = simulate(capsys)
    assert (status, err) == (0, "")
    assert "7 invoices of 6 customers, 2 March 2026 to 11 April 2026." in out
    assert "さくら商店" in out
    assert "KWD 415.250" in out
    assert "\x1b" not in out


def test_json_has_the_documented_shape(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = simulate(capsys, "--json")
    document = json.loads(out)
    assert status == 0
    assert list(document) == ["policies", "start", "end", "totals", "messages", "decisions", "invoices"]
    assert document["totals"]["by_step"][0] == {"step": "first", "channel": "email", "messages": 7}
    assert document["messages"][0] == {
        "at": "2026-03-11T09:00:00Z",
        "local": "2026-03-11T09:00:00+00:00",
        "timezone": "Europe/London",
        "customer": "manual:harbour",
        "name": "Harbour & Sons Ltd",
        "channel": "email",
        "kind": "reminder",
        "template": "friendly",
        "step": "first",
        "to": "accounts@harbour.example",
        "invoices": [{"number": "2026-0101", "step": "first", "currency": "GBP", "amount_due": 125000}],
        "totals": [{"currency": "GBP", "amount_due": 125000}],
        "reason": "7 days after the due date",
    }
    assert set(document["invoices"][0]) >= {"customer", "number", "ending", "level", "next_step", "next_at", "reason"}


def test_the_difference_to_another_policy_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = plan(tmp_path, "later", LATER)
    status, out, _ = simulate(capsys, "--against", other)
    assert status == 0
    assert "first standard, then later" in out
    assert "hears less" in out
    document = json.loads(simulate(capsys, "--against", other, "--json")[1])
    assert list(document) == ["policies", "start", "end", "totals", "steps", "endings", "unchanged", "changed"]
    assert document["changed"][0]["change"] == "less"
    assert document["changed"][0]["second"][0]["at"] == "2026-03-24T09:00:00Z"


def test_a_book_without_addresses_is_run_and_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv_of(tmp_path, "acme,R-1,EUR,100.00,2026-03-10", names="customer_id,invoice_number,currency,amount,due_on")
    status, out, err = simulate(capsys, invoices=path)
    assert status == 0
    assert "names no mail address" in err
    assert "mail first" in out


EUROS = """
applies_to: {if: "currency == 'EUR'", priority: 10}
steps:
  - id: only
    at: {after_due: 20d, time: "09:00"}
    email: friendly
    late_fee: {fixed: {EUR: "5.00"}, basis: contract, mode: propose}
"""


def test_a_policy_that_is_not_for_all_the_invoices_says_for_which_not_and_a_fee_that_is_refused_is_no_message_unsent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = "customer_id,email,invoice_number,currency,amount,due_on"
    rows = [f"{name},{name}@x.example,{name}-1,{currency},100.000,2026-03-01" for name, currency in (("a", "KWD"), ("b", "KWD"))]
    path = csv_of(tmp_path, *rows, "c,c@x.example,c-1,EUR,100.00,2026-03-01", names=names)
    status, out, err = simulate(capsys, "--policy", plan(tmp_path, "euros", EUROS), invoices=path)
    assert status == 0
    assert err.startswith("euros would not apply to 2 of 3 invoices (a-1, b-1): they do not meet its applies_to")
    assert err.count("\n") == 1
    assert out.count("no late fee") == 2
    assert "not sent" not in out
    document = json.loads(simulate(capsys, "--policy", tmp_path / "euros.yaml", "--json", invoices=path)[1])
    (refused,) = {one["reason"] for one in document["decisions"] if one["type"] == "suppressed"}
    assert refused == "no late fee: the policy names no fixed fee in KWD"
    at = datetime(2026, 3, 23, tzinfo=UTC)
    assert (
        words.why(Decision(at, "UTC", "manual:a", "A", "suppressed", "only", ("a-1",), refused)) == "the policy names no fixed fee in KWD"
    )
    everybody = plan(tmp_path, "standard", EUROS)
    assert simulate(capsys, "--policy", everybody, invoices=path)[2] == ""


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--days", "0"], "1 to 3660"),
        (["--days", "1e3"], "1 to 3660"),
        (["--days", "99999999999999999999"], "1 to 3660"),
        (["--start", "monday"], "2026-03-02T08:00:00Z"),
        (["--policy", "no/such.yaml"], "no such file"),
        (["--invoices", "no/such.csv"], "no such file"),
        (["--against", "README.md"], "only *.yaml is deployed"),
    ],
)
def test_a_bad_argument_is_refused_in_one_line(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = simulate(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert complaint in err
