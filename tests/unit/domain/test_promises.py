"""Promises to pay: what may be promised, what keeps a promise, and when it is broken."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from dunning.content.holiday_calendars import HolidayCalendar
from dunning.domain.case import Case
from dunning.domain.decision import facts
from dunning.domain.errors import Rejected
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Status
from dunning.domain.planning import next_instant
from dunning.domain.policy import BusinessDays, Days, Policy, PromiseRules, Span
from dunning.domain.promise import Promise
from dunning.domain.promising import Word, promised
from dunning.domain.run_out import run_out_ended
from tests.unit.domain.builders import ACME, BRIEF, FIRST_AT, INVOICE, PROFILE, SEEN, case_of, record, utc, with_plan

GIVEN_AT = utc("2026-03-18 15:00")
FRIDAY = date(2026, 3, 20)
RULES = PromiseRules(max_days=14, max_count=2, grace=Days(0))
FOLLOWS = replace(BRIEF, promise=RULES)
PLANNED = with_plan(INVOICE, FIRST_AT - timedelta(days=20))
OWING = case_of(PLANNED)


def give(case: Case, until: date = FRIDAY, amount: int | None = None, follows: Policy = FOLLOWS, now: datetime = GIVEN_AT) -> Case:
    return promised(case, case.invoices["in_1"], Word(until, amount), follows, now, "person")[0]


def told(case: Case, amount_due: int, now: datetime, status: Status = Status.OPEN, follows: Policy = FOLLOWS) -> list[str]:
    recorded = record(case, replace(SEEN, amount_due=amount_due, status=status, stamp=now), now, follows)
    return [f"{activity.type.value}: {activity.reason}" for activity in recorded.activities]


@pytest.mark.parametrize(
    ("grace", "calendar", "zone", "ends"),
    [
        (Days(0), None, "UTC", "2026-03-21 00:00"),  # Friday is the last day; it is over at midnight
        (Days(2), None, "UTC", "2026-03-23 00:00"),
        (BusinessDays(2), "US", "UTC", "2026-03-25 00:00"),  # Monday and Tuesday are grace, the weekend does not count
        (timedelta(hours=12), None, "UTC", "2026-03-21 12:00"),
        (Days(0), None, "Asia/Tokyo", "2026-03-20 15:00"),  # midnight there
        (Days(9), None, "Europe/London", "2026-03-29 23:00"),  # the clocks go forward on the 29th
    ],
)
def test_the_invoice_waits_until_the_promised_day_and_its_grace_are_over(grace: Span, calendar: str | None, zone: str, ends: str) -> None:
    follows = replace(FOLLOWS, promise=replace(RULES, grace=grace))
    if calendar:
        follows = replace(follows, calendar=HolidayCalendar.of(calendar))
    case = give(case_of(PLANNED, profile=replace(PROFILE, contact=replace(ACME, timezone=zone))), follows=follows)
    assert case.invoices["in_1"].holds[HoldKind.PROMISE].until == utc(ends)
    assert next_instant(case) == utc(ends)


def test_a_promise_says_in_words_what_was_promised() -> None:
    _, logged = promised(OWING, PLANNED, Word(FRIDAY, 60_00), FOLLOWS, GIVEN_AT, "person")
    assert [(activity.type.value, activity.reason) for activity in logged] == [
        ("held", "promise: pays 60.00 EUR by 2026-03-20, until 2026-03-21 00:00 UTC")
    ]


@pytest.mark.parametrize(
    ("until", "amount", "names"),
    [
        (date(2026, 3, 17), None, "in the past"),
        (date(2026, 4, 2), None, "15 days ahead"),
        (FRIDAY, 120_01, "120.01 EUR cannot be promised"),
        (FRIDAY, 0, "120.00 EUR are due"),
    ],
)
def test_what_may_not_be_promised_is_refused_with_the_reason(until: date, amount: int | None, names: str) -> None:
    with pytest.raises(Rejected, match=names):
        give(OWING, until, amount)


def test_the_last_allowed_day_and_today_may_be_promised() -> None:
    assert give(OWING, date(2026, 4, 1)).invoices["in_1"].is_held
    assert give(OWING, date(2026, 3, 18)).invoices["in_1"].is_held


def test_today_is_the_customers_own_day() -> None:
    tokyo = case_of(PLANNED, profile=replace(PROFILE, contact=replace(ACME, timezone="Asia/Tokyo")))  # there it is the 19th
    with pytest.raises(Rejected, match="2026-03-18 lies in the past"):
        give(tokyo, date(2026, 3, 18))


def test_one_promise_too_many_is_refused() -> None:
    twice = give(give(OWING), date(2026, 3, 27))
    assert twice.invoices["in_1"].promises_made == 2
    with pytest.raises(Rejected, match="promised 2 times already"):
        give(twice, date(2026, 3, 28))


def test_the_same_promise_again_changes_nothing() -> None:
    once = give(OWING)
    assert promised(once, once.invoices["in_1"], Word(FRIDAY, 120_00), FOLLOWS, GIVEN_AT + timedelta(hours=1), "person") == (once, ())


def test_nothing_can_be_promised_for_an_invoice_that_is_paid() -> None:
    paid = case_of(replace(PLANNED, status=Status.PAID, amount_due=0))
    with pytest.raises(Rejected, match="owes nothing"):
        give(paid)


@pytest.mark.parametrize(
    ("currency", "promised_sum", "paid", "kept"),
    [
        ("EUR", 60_00, 60_00, True),
        ("EUR", 60_00, 59_99, False),
        ("EUR", 60_00, 90_00, True),
        ("JPY", 6_000, 6_000, True),
        ("KWD", 6_005, 6_004, False),
    ],
)
def test_a_part_that_is_at_least_the_promised_sum_keeps_the_promise(currency: str, promised_sum: int, paid: int, kept: bool) -> None:
    owing = case_of(replace(PLANNED, currency=currency))
    recorded = record(
        give(owing, amount=promised_sum), replace(SEEN, currency=currency, amount_due=120_00 - paid, stamp=GIVEN_AT), GIVEN_AT, FOLLOWS
    )
    invoice = recorded.case.invoices["in_1"]
    assert invoice.is_held is not kept
    assert (invoice.promise is None) is kept
    assert [activity.type.value for activity in recorded.activities] == ["partly_paid", *(["released"] if kept else [])]


def test_parts_add_up_to_the_promised_sum() -> None:
    case = record(give(OWING, amount=60_00), replace(SEEN, amount_due=90_00, stamp=GIVEN_AT), GIVEN_AT, FOLLOWS).case
    assert case.invoices["in_1"].promise == Promise(FRIDAY, 60_00, 120_00)
    later = GIVEN_AT + timedelta(hours=5)
    assert "released: promise: kept: 60.00 EUR by 2026-03-20" in told(case, 60_00, later)


def test_payment_in_full_keeps_a_promise_and_a_void_ends_it() -> None:
    assert told(give(OWING), 0, GIVEN_AT, Status.PAID) == [
        "paid: paid in full at its source",
        "released: promise: kept: 120.00 EUR by 2026-03-20",
    ]
    assert told(give(OWING), 120_00, GIVEN_AT, Status.VOID) == ["closed: void", "released: promise: the invoice is void"]


def test_a_promise_to_pay_is_not_kept_by_credit() -> None:
    credited = replace(SEEN, status=Status.PAID, amount_due=0, stamp=GIVEN_AT, by_credit=True)
    recorded = record(give(OWING), credited, GIVEN_AT, FOLLOWS)
    invoice = recorded.case.invoices["in_1"]
    assert (invoice.promise, invoice.is_held) == (None, False)
    assert recorded.activities[-1].reason == "promise: the invoice is settled by credit"


def test_a_broken_promise_lets_the_plan_go_on_and_is_told_to_the_team_once() -> None:
    over = utc("2026-03-21 00:00")
    broken, logged = run_out_ended(give(OWING, amount=60_00), over, "run_step")
    invoice = broken.invoices["in_1"]
    assert [(activity.type.value, activity.reason) for activity in logged] == [
        ("released", "promise: broken: 60.00 EUR by 2026-03-20 did not arrive")
    ]
    assert (invoice.is_held, invoice.promise, invoice.promise_broken) == (False, None, True)
    assert [notice.reason for notice in broken.profile.notices.values()] == [
        "a promise for invoice ACME-0007 was broken: 60.00 EUR by 2026-03-20 did not arrive"
    ]
    assert facts(invoice, broken.profile, FOLLOWS, over)["promise_broken"] is True
    assert run_out_ended(broken, over, "run_step") == (broken, ())


def test_a_promise_that_is_renewed_holds_until_the_new_day() -> None:
    renewed = give(give(OWING), date(2026, 3, 27))
    assert renewed.invoices["in_1"].holds[HoldKind.PROMISE].until == utc("2026-03-28 00:00")
    assert run_out_ended(renewed, utc("2026-03-21 00:00"), "run_step") == (renewed, ())


@pytest.mark.parametrize(
    ("promised_sum", "credited", "kept_at"),
    [
        (60_00, 30_00, 30_00),  # 90 are owed, of which 60 are to come
        (60_00, 70_00, 0),  # all that is left
        (None, 30_00, 0),
    ],
)
def test_a_credit_note_over_a_part_keeps_no_promise_and_what_is_left_of_it_must_still_come(
    promised_sum: int | None, credited: int, kept_at: int
) -> None:
    case = give(case_of(replace(PLANNED, credited=0)), amount=promised_sum)
    steps = [(120_00 - credited, True), (kept_at + 1, True), (kept_at, False)]
    for hours, (due, waits) in enumerate(steps, 1):
        at, status = GIVEN_AT + timedelta(hours=hours), Status.OPEN if due else Status.PAID
        case = record(case, replace(SEEN, amount_due=due, status=status, credited=credited, stamp=at), at, FOLLOWS).case
        assert (case.invoices["in_1"].amount_due, HoldKind.PROMISE in case.invoices["in_1"].holds) == (due, waits)
