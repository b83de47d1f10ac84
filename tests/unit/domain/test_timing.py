from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from dunning.domain.invoice import Contact, Invoice
from dunning.domain.policy import Policy, Window
from dunning.domain.timing import channels_of, effective_due_date, not_chased_because, steps_behind, upcoming
from tests.unit.domain.builders import (
    ACME,
    BRIEF,
    DUE,
    FIRST,
    INVOICE,
    ISSUED,
    OFFICE_HOURS,
    SECOND,
    after_due,
    after_previous,
    before_due,
    policy,
    utc,
)


def comes_next(invoice: Invoice, now: str, follows: Policy = BRIEF, contact: Contact = ACME) -> tuple[str | None, datetime | None]:
    coming = upcoming(invoice, contact, follows, utc(now))
    return coming.step.id if coming.step else None, coming.at


def after(step: str, at: str, follows: Policy = BRIEF) -> Invoice:
    """The invoice when this step has run at that instant."""
    return replace(INVOICE, level=follows.position(step), last_step=step, anchor_at=utc(at))


def test_the_first_reminder_comes_seven_days_after_the_due_date() -> None:
    assert comes_next(INVOICE, "2026-02-08 12:00") == ("first", utc("2026-03-17 09:00"))


def test_the_second_notice_comes_48_hours_after_the_first_really_went() -> None:
    assert comes_next(after("first", "2026-03-17 09:04"), "2026-03-17 09:05") == ("second", utc("2026-03-19 09:04"))


def test_the_collections_team_takes_over_72_hours_after_the_second() -> None:
    assert comes_next(after("second", "2026-03-19 09:04"), "2026-03-19 09:05") == ("escalate", utc("2026-03-22 09:04"))


def test_after_the_last_step_nothing_comes() -> None:
    assert comes_next(after("escalate", "2026-03-22 09:04"), "2026-03-22 09:05") == (None, None)


def test_an_escalated_invoice_has_left_automated_reminders() -> None:
    assert comes_next(replace(after("first", "2026-03-17 09:00"), escalated=True), "2026-03-17 09:05") == (None, None)


@pytest.mark.parametrize(
    ("due", "days", "at", "zone", "instant"),
    [
        ("2026-01-31", 1, "09:00", "UTC", "2026-02-01 09:00"),
        ("2026-02-28", 1, "09:00", "UTC", "2026-03-01 09:00"),
        ("2028-02-28", 1, "09:00", "UTC", "2028-02-29 09:00"),
        ("2028-02-22", 7, "09:00", "UTC", "2028-02-29 09:00"),
        ("2026-12-28", 7, "09:00", "UTC", "2027-01-04 09:00"),
        ("2026-03-22", 7, "09:00", "Europe/Berlin", "2026-03-29 07:00"),  # the morning after the clock went forward
        ("2026-03-21", 7, "09:00", "Europe/Berlin", "2026-03-28 08:00"),
        ("2026-10-18", 7, "09:00", "Europe/Berlin", "2026-10-25 08:00"),
        ("2026-03-01", 7, "02:30", "America/New_York", "2026-03-08 07:30"),  # 02:30 is skipped
        ("2026-10-25", 7, "01:30", "America/New_York", "2026-11-01 05:30"),  # 01:30 comes twice
        ("2026-03-10", 0, "00:00", "Pacific/Kiritimati", "2026-03-09 10:00"),
    ],
)
def test_days_are_calendar_days_where_the_customer_is(due: str, days: int, at: str, zone: str, instant: str) -> None:
    follows = policy(after_due("first", days, time.fromisoformat(at)))
    owed = replace(INVOICE, due_date=date.fromisoformat(due))
    assert comes_next(owed, "2025-12-01 00:00", follows, replace(ACME, timezone=zone)) == ("first", utc(instant))


def test_a_customer_whose_zone_is_not_known_lives_in_the_policys() -> None:
    assert comes_next(INVOICE, "2026-02-08 12:00", replace(BRIEF, timezone="Asia/Tokyo")) == ("first", utc("2026-03-17 00:00"))


def test_hours_elapse_whatever_the_clock_on_the_wall_does() -> None:
    berlin = replace(ACME, timezone="Europe/Berlin")
    assert comes_next(after("first", "2026-03-28 08:00"), "2026-03-28 08:01", contact=berlin) == ("second", utc("2026-03-30 08:00"))


@pytest.mark.parametrize(
    ("now", "step", "at"),
    [
        ("2026-03-01 12:00", "upcoming", "2026-03-07 09:00"),
        ("2026-03-07 08:00", "upcoming", "2026-03-07 09:00"),
        ("2026-03-07 11:00", "upcoming", "2026-03-07 11:00"),  # late on its own day: at once
        ("2026-03-08 00:00", "first", "2026-03-17 09:00"),  # its day is over
        ("2026-03-30 08:00", "first", "2026-03-30 09:00"),
    ],
)
def test_a_reminder_before_the_due_date_is_passed_over_once_its_day_is_over(now: str, step: str, at: str) -> None:
    assert comes_next(INVOICE, now, policy(before_due("upcoming", 3), FIRST)) == (step, utc(at))


def test_the_steps_that_were_passed_over_are_named() -> None:
    follows = policy(before_due("early", 10), before_due("upcoming", 3), FIRST)
    assert [step.id for step in upcoming(INVOICE, ACME, follows, utc("2026-03-09 12:00")).missed] == ["early", "upcoming"]


def test_a_step_that_follows_a_passed_over_one_counts_from_its_passing_over() -> None:
    follows = policy(before_due("a", 20), before_due("b", 10), after_previous("c", 24))
    assert comes_next(after("a", "2026-02-18 09:00", follows), "2026-03-09 12:00", follows) == ("c", utc("2026-03-10 12:00"))


@pytest.mark.parametrize(
    ("now", "window", "at"),
    [
        ("2026-04-20 07:30", None, "2026-04-20 09:00"),  # its time is still ahead
        ("2026-04-20 11:30", None, "2026-04-20 11:30"),  # its time is over: now
        ("2026-04-20 11:30", "08-18", "2026-04-20 11:30"),
        ("2026-04-20 19:30", "08-18", "2026-04-21 09:00"),  # closed: tomorrow at its own time
        ("2026-04-20 19:30", "10-18", "2026-04-21 10:00"),  # its own time lies outside: at the opening
        ("2026-04-20 07:30", "10-18", "2026-04-20 10:00"),
        ("2026-04-20 23:59", None, "2026-04-20 23:59"),
    ],
)
def test_an_overdue_invoice_that_comes_late_is_reminded_of_on_the_next_allowed_occasion(now: str, window: str | None, at: str) -> None:
    hours = {"email": Window(int(window[:2]) * 60, int(window[3:]) * 60)} if window else {}
    assert comes_next(INVOICE, now, replace(BRIEF, send_window=hours)) == ("first", utc(at))


WEEKLY = policy(after_due("one", 7), after_due("two", 14), after_due("three", 21))


@pytest.mark.parametrize(
    ("ran", "at", "step", "then"),
    [
        ("one", "2026-03-17 09:00", "two", "2026-03-24 09:00"),  # punctual
        ("one", "2026-03-17 17:40", "two", "2026-03-24 09:00"),  # late in the day is not a day late
        ("one", "2026-04-20 11:30", "two", "2026-04-27 09:00"),  # long overdue when it came
        ("two", "2026-04-27 09:00", "three", "2026-05-04 09:00"),
        ("one", "2026-03-20 09:00", "two", "2026-03-27 09:00"),  # held for three days
    ],
)
def test_catching_up_keeps_the_plans_days_between_two_reminders(ran: str, at: str, step: str, then: str) -> None:
    assert comes_next(after(ran, at, WEEKLY), at, WEEKLY) == (step, utc(then))


def test_a_step_moved_by_its_hours_as_planned_does_not_push_the_next() -> None:
    follows = replace(
        policy(after_due("one", 1), after_previous("two", 10), after_due("three", 7)), send_window={"email": Window(480, 1080)}
    )
    assert comes_next(after("two", "2026-03-12 08:00", follows), "2026-03-12 08:00", follows) == ("three", utc("2026-03-17 09:00"))


def test_a_passed_over_reminder_does_not_push_the_one_after_the_due_date() -> None:
    follows = policy(before_due("upcoming", 3), after_due("first", 2))
    passed_over = after("upcoming", "2026-03-09 12:00", follows)
    assert comes_next(passed_over, "2026-03-09 12:00", follows) == ("first", utc("2026-03-12 09:00"))


@pytest.mark.parametrize(
    ("due", "step", "at"),
    [
        (date(2026, 3, 3), "second", "2026-03-19 09:00"),  # earlier: the 48 hours are kept
        (date(2026, 3, 10), "second", "2026-03-19 09:00"),
        (date(2026, 3, 11), "second", "2026-03-20 09:00"),
        (date(2026, 4, 10), "second", "2026-04-19 09:00"),  # later: never ahead of the new date
    ],
)
def test_a_chain_never_runs_ahead_of_a_due_date_that_moved_later(due: date, step: str, at: str) -> None:
    assert comes_next(replace(after("first", "2026-03-17 09:00"), due_date=due), "2026-03-17 10:00") == (step, utc(at))


@pytest.mark.parametrize(
    ("kept", "step"),
    [
        (("first", "second", "escalate"), "escalate"),
        (("second", "escalate"), "escalate"),
        (("first", "escalate"), None),  # two steps lie behind, and there are but two
        (("first", "new", "other"), "other"),
        (("first",), None),
        (("new", "first", "second", "escalate"), "escalate"),
    ],
)
def test_a_step_that_the_policy_drops_does_not_strand_the_invoice(kept: tuple[str, ...], step: str | None) -> None:
    steps = [next((known for known in BRIEF.steps if known.id == name), after_due(name, 30 + n)) for n, name in enumerate(kept)]
    name, _ = comes_next(after("second", "2026-03-19 09:00"), "2026-03-19 10:00", policy(*steps))
    assert name == step


def test_the_steps_behind_are_counted_by_the_last_ones_name() -> None:
    assert steps_behind(replace(INVOICE, level=1, last_step="second"), BRIEF) == 2
    assert steps_behind(replace(INVOICE, level=9, last_step="gone"), BRIEF) == 3
    assert steps_behind(INVOICE, BRIEF) == 0


@pytest.mark.parametrize(
    ("email", "phone", "written_by"),
    [
        ("ap@acme.example", "+431234567", ("email", "sms")),
        ("ap@acme.example", None, ("email",)),
        (None, "+431234567", ("sms",)),
        (None, None, ()),
    ],
)
def test_a_step_writes_where_the_customer_can_be_reached(email: str | None, phone: str | None, written_by: tuple[str, ...]) -> None:
    assert channels_of(SECOND, replace(ACME, email=email, phone=phone)) == written_by


@pytest.mark.parametrize(
    ("contact", "now", "at"),
    [
        (ACME, "2026-03-19 09:00", "2026-03-19 10:00"),  # mail from 8, SMS from 10: both from 10
        (ACME, "2026-03-19 18:30", "2026-03-20 10:00"),
        (replace(ACME, phone=None), "2026-03-19 09:00", "2026-03-19 09:00"),
        (replace(ACME, phone=None), "2026-03-19 18:30", "2026-03-20 08:00"),
        (replace(ACME, email=None), "2026-03-19 18:30", "2026-03-19 18:30"),
        (replace(ACME, email=None, phone=None), "2026-03-19 21:00", "2026-03-19 21:00"),
    ],
)
def test_the_hours_of_mail_and_sms_intersect_only_for_who_has_both(contact: Contact, now: str, at: str) -> None:
    ran = replace(after("first", now), anchor_at=utc(now) - timedelta(hours=48))
    assert comes_next(ran, now, replace(BRIEF, send_window=OFFICE_HOURS), contact) == ("second", utc(at))


def test_our_own_people_are_told_at_any_hour() -> None:
    late = after("second", "2026-03-19 23:00")
    assert comes_next(late, "2026-03-19 23:00", replace(BRIEF, send_window=OFFICE_HOURS)) == ("escalate", utc("2026-03-22 23:00"))


CAREFUL = replace(BRIEF, minimum_balance={"EUR": 5_00, "JPY": 500}, default_minimum="7.50")
FULL = replace(CAREFUL, remind_charge_automatically=True, no_due_date_after=30)


@pytest.mark.parametrize(
    ("owed", "follows", "reason"),
    [
        (INVOICE, CAREFUL, None),
        (replace(INVOICE, collects_automatically=True), CAREFUL, "charge_automatically"),
        (replace(INVOICE, collects_automatically=True), FULL, None),
        (replace(INVOICE, due_date=None), CAREFUL, "no_due_date"),
        (replace(INVOICE, due_date=None), FULL, None),
        (replace(INVOICE, due_date=None, issued_at=None), FULL, "no_due_date"),
        (replace(INVOICE, collects_automatically=True, due_date=None), CAREFUL, "charge_automatically"),
        (replace(INVOICE, amount_due=0), BRIEF, "nothing_due"),
        (replace(INVOICE, amount_due=-5_00), BRIEF, "nothing_due"),
        (replace(INVOICE, amount_due=4_99), CAREFUL, "below_minimum_balance"),
        (replace(INVOICE, amount_due=5_00), CAREFUL, None),
        (replace(INVOICE, amount_due=1), BRIEF, None),
        (replace(INVOICE, amount_due=499, currency="JPY"), CAREFUL, "below_minimum_balance"),
        (replace(INVOICE, amount_due=500, currency="JPY"), CAREFUL, None),
        (replace(INVOICE, amount_due=7_499, currency="KWD"), CAREFUL, "below_minimum_balance"),  # 7.499 of 7.500 dinars
        (replace(INVOICE, amount_due=7_500, currency="KWD"), CAREFUL, None),
        (replace(INVOICE, amount_due=7, currency="KRW"), CAREFUL, "below_minimum_balance"),  # 7.50 is 8 won
        (replace(INVOICE, amount_due=8, currency="KRW"), CAREFUL, None),
    ],
)
def test_who_is_left_alone_and_why(owed: Invoice, follows: Policy, reason: str | None) -> None:
    assert not_chased_because(owed, follows, owed.amount_due) == reason


@pytest.mark.parametrize(
    ("due", "issued", "days", "effective"),
    [
        (DUE, ISSUED, 30, DUE),
        (None, ISSUED, 30, date(2026, 3, 10)),
        (None, ISSUED, None, None),
        (None, None, 30, None),
        (None, utc("2026-01-31 12:00"), 28, date(2026, 2, 28)),
        (None, utc("2026-01-31 23:30"), 28, date(2026, 3, 1)),  # already February where the seller is
    ],
)
def test_a_due_date_that_is_missing_may_be_counted_from_the_day_of_issue(
    due: date | None, issued: datetime | None, days: int | None, effective: date | None
) -> None:
    follows = replace(BRIEF, timezone="Europe/Berlin", no_due_date_after=days)
    assert effective_due_date(replace(INVOICE, due_date=due, issued_at=issued), follows) == effective


def test_where_the_customer_lives_does_not_change_the_day_of_issue() -> None:
    follows = replace(BRIEF, no_due_date_after=30)
    owed = replace(INVOICE, due_date=None)
    tokyo = replace(ACME, timezone="Asia/Tokyo")
    late_evening = replace(owed, issued_at=utc("2026-02-08 20:00"))
    assert comes_next(late_evening, "2026-02-08 20:00", follows, tokyo) == ("first", utc("2026-03-17 00:00"))


def test_what_is_not_due_has_no_next_step() -> None:
    assert comes_next(replace(INVOICE, due_date=None), "2026-02-08 12:00") == (None, None)
