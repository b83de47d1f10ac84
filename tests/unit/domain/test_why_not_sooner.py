"""What explain says of hours, days of rest and holds: each until its own end, and nothing that is over."""

from dataclasses import replace
from datetime import date

import pytest

from dunning.domain.explaining import explain
from dunning.domain.fees import Amounts
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Approval, ApprovalState
from dunning.domain.policy import Scope, Window
from tests.unit.domain.builders import BRIEF, INVOICE, ISSUED, PROFILE, before_due, case_of, policy, utc, with_plan
from tests.unit.domain.test_explaining import ENGLISH, LIMITED, NOW, only, reasons, told

EASTER = (
    "no working days there: Friday 3 April (Good Friday), Saturday 4 April to Sunday 5 April (weekend), Monday 6 April 2026 (Easter Monday)"
)


def test_a_day_of_rest_is_named() -> None:
    easter = replace(INVOICE, due_date=date(2026, 3, 27))
    one = only(case_of(with_plan(easter, ISSUED, ENGLISH)), ENGLISH)
    assert one.at == utc("2026-04-07 08:00")
    assert reasons(one) == [EASTER]
    sunday = replace(INVOICE, due_date=date(2026, 3, 15))
    assert reasons(only(case_of(with_plan(sunday, ISSUED, ENGLISH)), ENGLISH)) == ["Sunday 22 March 2026 is no working day there (weekend)"]


def test_the_hours_are_named() -> None:
    early = replace(ENGLISH, send_window={"email": Window(600, 1020)})
    one = only(case_of(with_plan(INVOICE, ISSUED, early)), early)
    assert (one.at, reasons(one)) == (utc("2026-03-17 10:00"), ["09:00 lies outside the hours 10:00-17:00"])


NOON = replace(ENGLISH, send_window={"email": Window(660, 720)})
TUESDAY = utc("2026-04-07 10:00")


@pytest.mark.parametrize("stands", ["2026-04-02 10:00", "2026-04-07 10:00"])
def test_after_hours_before_easter_the_hours_end_the_next_day_and_the_days_of_rest_are_named(stands: str) -> None:
    """Whether the step has been put off already, or its instant passed and that is still to come."""
    invoice = replace(with_plan(replace(INVOICE, due_date=date(2026, 3, 26)), ISSUED, NOON), next_at=utc(stands))
    (one,) = explain(case_of(invoice), lambda _: NOON, utc("2026-04-02 17:00")).next
    assert one.at == TUESDAY
    found = {obstacle.words: obstacle.until for obstacle in one.not_sooner}
    assert found == {"it is 18:00 there, outside the hours 11:00-12:00": utc("2026-04-03 10:00"), EASTER: TUESDAY}


def test_what_is_over_is_no_reason_any_more() -> None:
    """The plan named a Saturday, weeks ago; since then a hold has run out."""
    invoice = replace(with_plan(replace(INVOICE, due_date=date(2026, 3, 14)), ISSUED, ENGLISH), next_at=utc("2026-03-23 09:00"))
    over = replace(PROFILE, holds={HoldKind.PROMISE: Hold(utc("2026-03-20 09:00"), utc("2026-03-31 09:00"))})
    explanation = explain(case_of(invoice, profile=over), lambda _: ENGLISH, utc("2026-03-31 10:00"))
    assert (explanation.obstacles, reasons(explanation.next[0])) == ((), [])


def test_a_hold_that_ends_on_a_weekend_is_followed_by_the_weekend() -> None:
    until = utc("2026-03-21 12:00")
    held = replace(with_plan(INVOICE, ISSUED, ENGLISH), holds={HoldKind.PROMISE: Hold(NOW, until)})
    one = only(case_of(held), ENGLISH)
    assert one.at == utc("2026-03-23 09:00")
    weekend = "no working days there: Saturday 21 March to Sunday 22 March 2026 (weekend)"
    assert [(obstacle.words, obstacle.until) for obstacle in one.not_sooner if "hours" not in obstacle.words] == [
        ("on hold since 12 March 2026, for a promise to pay", until),
        (weekend, one.at),
    ]


def test_hours_that_keep_it_back_to_one_instant_are_named_once() -> None:
    """Its own time lies before they open, and so does the time that it is now."""
    invoice = replace(with_plan(INVOICE, ISSUED, NOON), next_at=utc("2026-03-17 09:00"))
    (one,) = explain(case_of(invoice), lambda _: NOON, utc("2026-03-17 10:00")).next
    assert [(obstacle.words, obstacle.until) for obstacle in one.not_sooner] == [
        ("09:00 lies outside the hours 11:00-12:00", utc("2026-03-17 11:00"))
    ]


def test_what_is_skipped_if_nobody_approves_it_in_time_says_so() -> None:
    follows = policy(replace(before_due("upcoming", 1), approve_above=Amounts({"EUR": 99_00})), BRIEF.steps[0])
    asked = Approval("upcoming", ApprovalState.ASKED, INVOICE.amount_due)
    one = only(case_of(replace(with_plan(replace(INVOICE, due_date=date(2026, 3, 13)), ISSUED, follows), approval=asked)), follows)
    (waits,) = one.not_sooner
    assert waits.words == "a person has not approved it yet, and it is skipped if nobody does before its day is over"
    assert (waits.until, one.if_released) == (utc("2026-03-14 00:00"), NOW)


def test_a_promised_invoice_whose_siblings_wait_for_an_approval_waits_for_it_too() -> None:
    follows, until = replace(LIMITED, scope=Scope.CUSTOMER), utc("2026-03-20 12:00")
    asked = Approval("first", ApprovalState.ASKED, 60_00, together=True)
    one = replace(with_plan(replace(INVOICE, amount_due=60_00), ISSUED, follows), next_at=NOW, approval=asked)
    promised = replace(one, id="a", number="A", holds={HoldKind.PROMISE: Hold(NOW, until)})
    siblings = [replace(one, id=name, number=name.upper()) for name in ("b", "c")]
    first, *others = told(case_of(promised, *siblings), follows).next
    assert (first.at, first.if_released) == (None, until)
    assert reasons(first) == ["a person has not approved it yet", "on hold since 12 March 2026, for a promise to pay"]
    assert [(other.at, reasons(other)) for other in others] == [(None, ["a person has not approved it yet"])] * 2
