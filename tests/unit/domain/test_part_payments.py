"""What a partial payment does to the plan: it goes on, starts again, or waits a while."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dunning.domain.case import Case
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Invoice
from dunning.domain.policy import BusinessDays, Days, OnPartialPayment, PartialPaymentRule, Policy, Span
from dunning.domain.recording import Recorded
from dunning.domain.run_out import run_out_ended
from tests.unit.domain.builders import BRIEF, FIRST_AT, INVOICE, ISSUED, SEEN, case_of, record, utc, with_plan, work_off

CONTINUE = BRIEF
RESTART = replace(BRIEF, on_partial_payment=OnPartialPayment(PartialPaymentRule.RESTART))
REMINDED = work_off(case_of(with_plan(INVOICE, ISSUED)), FIRST_AT).case
"""The first reminder went out on 17 March; the second is due on the 19th."""
PAID_AT = utc("2026-03-18 14:00")


def waits(span: Span) -> Policy:
    return replace(BRIEF, on_partial_payment=OnPartialPayment(PartialPaymentRule.HOLD, span))


def part_paid(follows: Policy, left: int = 50_00, case: Case = REMINDED, now: datetime = PAID_AT) -> Recorded:
    return record(case, replace(SEEN, amount_due=left, stamp=now), now, follows)


def invoice_after(follows: Policy, left: int = 50_00) -> Invoice:
    return part_paid(follows, left).case.invoices["in_1"]


def test_continue_leaves_the_plan_as_it_is() -> None:
    before, after = REMINDED.invoices["in_1"], invoice_after(CONTINUE)
    assert (after.level, after.next_step, after.next_at, after.holds) == (1, "second", before.next_at, {})
    assert [activity.reason for activity in part_paid(CONTINUE).activities] == ["120.00 → 50.00 EUR"]


@pytest.mark.parametrize(
    ("known", "seen", "is_paid"),
    [(0, 70_00, False), (10_00, 80_00, False), (0, 69_99, True), (70_00, 70_00, True), (None, 70_00, True), (0, None, True)],
)
def test_what_was_credited_is_no_part_payment(known: int | None, seen: int | None, is_paid: bool) -> None:
    """120.00 were owed and 50.00 are: where any of it was paid, or nobody says, the policy's rule for payments applies."""
    before = REMINDED.with_invoice(replace(REMINDED.invoices["in_1"], credited=known))
    recorded = record(before, replace(SEEN, amount_due=50_00, stamp=PAID_AT, credited=seen), PAID_AT, RESTART)
    after = recorded.case.invoices["in_1"]
    assert (after.level == 0) is is_paid
    assert (recorded.activities[0].type.value, recorded.activities[0].reason == "amount_due, by credit") == (
        "partly_paid" if is_paid else "updated",
        not is_paid,
    )
    assert after.credited == (known if seen is None else seen)


def test_restart_begins_again_with_the_first_step_counted_from_the_payment() -> None:
    after = invoice_after(RESTART)
    assert (after.level, after.last_step, after.next_step, after.next_at) == (0, None, "first", utc("2026-03-25 09:00"))
    assert [activity.reason for activity in part_paid(RESTART).activities] == [
        "120.00 → 50.00 EUR; the plan starts again, counted from today"
    ]


def test_restart_before_the_due_date_keeps_the_due_dates_own_plan() -> None:
    early = part_paid(RESTART, case=case_of(with_plan(INVOICE, ISSUED)), now=utc("2026-03-01 10:00")).case.invoices["in_1"]
    assert (early.next_step, early.next_at) == ("first", FIRST_AT)


def test_an_invoice_that_our_own_people_have_is_not_started_again() -> None:
    escalated = case_of(replace(REMINDED.invoices["in_1"], level=3, last_step="escalate", escalated=True, next_step=None, next_at=None))
    recorded = part_paid(RESTART, case=escalated)
    after = recorded.case.invoices["in_1"]
    assert (after.level, after.next_step) == (3, None)
    assert [activity.reason for activity in recorded.activities] == [
        "120.00 → 50.00 EUR; the plan is not started again: our own people have taken over"
    ]


@pytest.mark.parametrize(
    ("span", "until"),
    [
        (timedelta(hours=48), "2026-03-20 14:00"),
        (Days(2), "2026-03-20 00:00"),  # days compare dates: the 18th and the 19th
        (BusinessDays(2), "2026-03-20 00:00"),
    ],
)
def test_hold_pauses_this_invoice_for_the_span(span: Span, until: str) -> None:
    recorded = part_paid(waits(span))
    after = recorded.case.invoices["in_1"]
    assert (after.level, after.next_step) == (1, "second")
    assert after.holds[HoldKind.PARTIAL_PAYMENT].until == utc(until)
    assert [activity.type.value for activity in recorded.activities] == ["partly_paid", "held"]


def test_a_second_part_makes_the_pause_longer() -> None:
    once = part_paid(waits(timedelta(hours=48))).case
    twice = part_paid(waits(timedelta(hours=48)), 40_00, once, PAID_AT + timedelta(hours=5)).case
    assert twice.invoices["in_1"].holds[HoldKind.PARTIAL_PAYMENT].until == utc("2026-03-20 19:00")


@pytest.mark.parametrize(
    ("currency", "minimum", "left", "silent"),
    [
        ("EUR", 5_00, 4_99, True),
        ("EUR", 5_00, 5_00, False),
        ("JPY", 500, 499, True),
        ("JPY", 500, 500, False),
        ("KWD", 5_000, 4_999, True),
        ("KWD", 5_000, 5_000, False),
    ],
)
def test_what_is_left_below_the_minimum_balance_is_not_worth_a_reminder(currency: str, minimum: int, left: int, silent: bool) -> None:
    follows = replace(CONTINUE, minimum_balance={currency: minimum})
    case = case_of(replace(REMINDED.invoices["in_1"], currency=currency))
    recorded = record(case, replace(SEEN, currency=currency, amount_due=left, stamp=PAID_AT), PAID_AT, follows)
    assert recorded.case.invoices["in_1"].suppressed_for == ("below_minimum_balance" if silent else None)
    assert [activity.type.value for activity in recorded.activities] == ["partly_paid", *(["suppressed"] if silent else [])]


@pytest.mark.parametrize(("currency", "least"), [("EUR", 5_00), ("JPY", 5), ("KWD", 5_000)])
def test_the_default_minimum_is_five_of_the_major_unit_in_every_currency(currency: str, least: int) -> None:
    follows = replace(CONTINUE, default_minimum="5.00")
    case = case_of(replace(REMINDED.invoices["in_1"], currency=currency))
    for left, silent in ((least, False), (least - 1, True)):
        seen = replace(SEEN, currency=currency, amount_due=left, stamp=PAID_AT)
        assert bool(record(case, seen, PAID_AT, follows).case.invoices["in_1"].suppressed_for) is silent


RULES = st.sampled_from([CONTINUE, RESTART, waits(Days(3)), waits(timedelta(hours=30))])


@given(RULES, st.lists(st.integers(1, 119_00), min_size=1, max_size=4, unique=True), st.integers(1, 30))
def test_only_restart_sets_a_stage_back_and_the_same_news_twice_changes_nothing(follows: Policy, lefts: list[int], hours: int) -> None:
    case, now = REMINDED, FIRST_AT
    for left in sorted(lefts, reverse=True):
        now += timedelta(hours=hours)
        recorded = part_paid(follows, left, case, now)
        before, after = case.invoices["in_1"], recorded.case.invoices["in_1"]
        assert after.level == (0 if follows is RESTART else before.level)
        assert after.next_at is not None
        again = part_paid(follows, left, recorded.case, now + timedelta(minutes=2))
        assert (again.case, again.activities) == (recorded.case, ())
        case = recorded.case


@settings(max_examples=25)
@given(RULES, st.lists(st.integers(1, 200), max_size=5))
def test_however_often_a_part_is_paid_the_plan_ends(follows: Policy, hours: list[int]) -> None:
    case, now, left = REMINDED, FIRST_AT, 119_00
    payments = [FIRST_AT + timedelta(hours=sum(hours[: n + 1])) for n in range(len(hours))]
    while now < FIRST_AT + timedelta(days=90):
        now += timedelta(hours=6)
        if payments and payments[0] <= now:
            payments.pop(0)
            left -= 10_00
            case = part_paid(follows, left, case, now).case
        case = work_off(_without_holds(case, now), now, follows).case
    invoice = case.invoices["in_1"]
    assert (invoice.last_step, invoice.next_step, invoice.escalated) == ("escalate", None, True)


def _without_holds(case: Case, now: datetime) -> Case:
    return run_out_ended(case, now, "test")[0]
