"""Steps that a plan puts on different days never fall on one, wherever days of rest and hours move them."""

from dataclasses import replace
from datetime import date, time

import pytest

from dunning.content.holiday_calendars import HolidayCalendar
from dunning.domain.policy import Policy, Window
from dunning.domain.timing import upcoming
from tests.unit.domain.builders import ACME, INVOICE, after_due, before_due, policy, utc

BRITISH = HolidayCalendar("GB")
NINE_AND_SEVEN = policy(after_due("first", 7), after_due("second", 9))
ABOUT_THE_DAY = policy(before_due("upcoming", 3), after_due("first", 0))
AT_NIGHT = replace(policy(after_due("first", 7, time(18, 30)), after_due("second", 8)), send_window={"email": Window(8 * 60, 18 * 60)})


@pytest.mark.parametrize(
    ("follows", "due", "ran", "step", "then"),
    [
        # Seven days after Saturday 3 October is a Saturday, nine days after it the Monday to which that one moves.
        (replace(NINE_AND_SEVEN, calendar=BRITISH), date(2026, 10, 3), "2026-10-12 09:00", "second", "2026-10-13 09:00"),
        # Good Friday to Easter Monday: all of it moves to Tuesday 7 April.
        (replace(NINE_AND_SEVEN, calendar=BRITISH), date(2026, 3, 27), "2026-04-07 09:00", "second", "2026-04-08 09:00"),
        # Three days before 7 April is the Saturday of Easter.
        (replace(ABOUT_THE_DAY, calendar=BRITISH), date(2026, 4, 7), "2026-04-07 09:00", "first", "2026-04-08 09:00"),
        # Half past six in the evening is after hours: eight the next morning.
        (AT_NIGHT, date(2026, 3, 10), "2026-03-18 08:00", "second", "2026-03-19 09:00"),
        # Nothing moved: the plan's own days.
        (NINE_AND_SEVEN, date(2026, 10, 3), "2026-10-10 09:00", "second", "2026-10-12 09:00"),
    ],
)
def test_a_step_that_was_moved_keeps_the_next_off_its_day(follows: Policy, due: date, ran: str, step: str, then: str) -> None:
    first = follows.steps[0].id
    invoice = replace(INVOICE, due_date=due, level=1, last_step=first, anchor_at=utc(ran), last_reminder_at=utc(ran))
    coming = upcoming(invoice, ACME, follows, utc(ran))
    assert (coming.step.id if coming.step else None, coming.at) == (step, utc(then))


def test_two_steps_that_the_plan_itself_puts_on_one_day_both_come_then() -> None:
    follows = policy(after_due("mail", 7), after_due("team", 7, time(15)))
    invoice = replace(INVOICE, level=1, last_step="mail", anchor_at=utc("2026-03-17 09:00"), last_reminder_at=utc("2026-03-17 09:00"))
    assert upcoming(invoice, ACME, follows, utc("2026-03-17 09:00")).at == utc("2026-03-17 15:00")


def test_a_reminder_whose_day_had_passed_keeps_nothing_off_a_day() -> None:
    passed = replace(INVOICE, level=1, last_step="upcoming", anchor_at=utc("2026-03-10 08:00"), last_reminder_at=None)
    assert upcoming(passed, ACME, ABOUT_THE_DAY, utc("2026-03-10 08:00")).at == utc("2026-03-10 09:00")
