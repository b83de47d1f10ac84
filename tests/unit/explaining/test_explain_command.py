"""`dunning explain` as a person reads it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.explaining import Explanation, Next
from dunning.domain.money import Money
from dunning.domain.obstacles import Obstacle
from dunning.domain.policy import Policy
from infra.cli import main
from infra.explaining import explained, explanation_row, print_explanation
from tests.unit.domain.builders import INVOICE, ISSUED, case_of, with_plan

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
OWED = Money(1_200_00, "EUR")
AT = datetime(2026, 4, 7, 8, tzinfo=UTC)


def printed(explanation: Explanation, capsys: pytest.CaptureFixture[str]) -> str:
    assert print_explanation(explanation_row(explanation), as_json=False) == 0
    return capsys.readouterr().out


def test_local_time_and_utc_stand_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    rest = Obstacle("Friday 3 April 2026 is no working day there (Good Friday)", AT)
    coming = Next("in_1", "INV-7", "Europe/London", "mail friendly", "7 days after the due date", "first", AT, None, (rest,), OWED)
    out = printed(Explanation("stripe:cus_1", NOW, (), (coming,)), capsys)
    assert out.splitlines() == [
        "stripe:cus_1, as of Thu 12 Mar 2026 12:00 UTC",
        "",
        "INV-7 (EUR 1,200.00): mail friendly (step first)",
        "  when            Tue 7 Apr 2026 09:00 Europe/London (Tue 7 Apr 2026 08:00 UTC)",
        "  why             7 days after the due date",
        "  why not sooner  Friday 3 April 2026 is no working day there (Good Friday); until Tue 7 Apr 2026 09:00 Europe/London",
    ]


def test_what_is_held_says_what_a_release_would_do(capsys: pytest.CaptureFixture[str]) -> None:
    held = Next("in_1", "INV-7", "UTC", "mail friendly", "7 days after the due date", "first", None, AT, (), OWED)
    out = printed(Explanation("stripe:cus_1", NOW, (Obstacle("on hold"),), (held,)), capsys)
    assert "  on hold\n" in out
    assert "not while it waits for somebody; were that ended now, Tue 7 Apr 2026 08:00 UTC" in out


def test_invoices_of_which_the_same_is_to_be_said_stand_together_with_their_totals(capsys: pytest.CaptureFixture[str]) -> None:
    owed = [*[Money(100_00, "EUR")] * 120, Money(12_000, "JPY"), Money(12_345, "KWD")]
    rows = [
        Next(f"in_{number}", f"Ü-{number}", "UTC", "mail friendly", "7 days after the due date", "first", second, None, (), amount)
        for number, amount in enumerate(owed)
        for second in [AT + timedelta(seconds=number // 14)]
    ]
    later = replace(rows[0], invoice="in_x", number="X-1", at=AT + timedelta(days=1))
    lines = printed(Explanation("stripe:cus_1", NOW, (), (*rows, later)), capsys).splitlines()
    first_five = ", ".join(f"Ü-{number} (EUR 100.00)" for number in range(5))
    assert [line for line in lines if line.endswith("(step first)")] == [
        f"{first_five} and 117 more, 122 invoices of EUR 12,000.00, JPY 12,000, KWD 12.345: mail friendly (step first)",
        "X-1 (EUR 100.00): mail friendly (step first)",
    ]


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


def test_where_a_policy_is_gone_the_one_that_takes_the_invoice_is_told() -> None:
    """Tags choose it, as they will in the daily sweep; it is not the default."""
    tagged = policy_called("wholesale", "if: \"'wholesale' in tags\", priority: 1", days=21)
    book = PolicyBook.of({"standard": policy_called("standard", "", days=3), "wholesale": tagged})
    plan = with_plan(replace(INVOICE, policy="gone", tags=("wholesale",)), ISSUED)
    (row,) = cast("list[dict[str, object]]", explained(case_of(plan), book, NOW)["next"])
    assert (row["step"], row["at"]) == ("letter", "2026-03-31T09:00:00Z")
    assert str(row["why"]).endswith("it follows the policy wholesale instead of gone from the next daily sweep on")


def policy_called(name: str, applies_to: str, *, days: int) -> Policy:
    rule = f"applies_to: {{{applies_to}}}\n" if applies_to else ""
    step = f"steps: [{{id: letter, at: {{after_due: {days}d, time: '09:00'}}, email: friendly}}]"
    return load_policy(f"name: {name}\n{rule}{step}\n", f"{name}.yaml", frozenset())
