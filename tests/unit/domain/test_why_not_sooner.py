"""What explain says of hours, days of rest and holds: each until its own end, and nothing that is over."""

from dataclasses import replace
from datetime import date

import pytest

from dunning.domain.explaining import explain
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.policy import Window
from tests.unit.domain.builders import INVOICE, ISSUED, PROFILE, case_of, utc, with_plan
from tests.unit.domain.test_explaining import ENGLISH, NOW, only, reasons

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
