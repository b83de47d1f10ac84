"""The whole policy language, as it is read once the engine acts on all of it; and that until then none of it is accepted."""

from datetime import date, time, timedelta
from decimal import Decimal

import pytest

from dunning.content.conditions import Expression, Purpose
from dunning.content.holiday_calendars import HolidayCalendar
from dunning.content.policy_features import NOT_YET
from dunning.domain.fees import Amounts, Basis, FeeMode, LateFee
from dunning.domain.policy import (
    AfterDue,
    AfterPrevious,
    AppliesTo,
    BeforeDue,
    BusinessDays,
    CatchUp,
    Days,
    MessageLimit,
    OnPartialPayment,
    OnReply,
    PartialPaymentRule,
    PromiseRules,
    Scope,
    Span,
)
from tests.unit.content.plans import fee_of, load, problems, with_step, with_timings, with_top

EVERYTHING = """
name: plan
applies_to: {if: "country in ['GB', 'IE'] and one_off", priority: 10}
timezone: Europe/London
calendar: GB-SCT
send_window: {email: "08:30-17:30", sms: "10:00-19:00"}
minimum_balance: {USD: "5.00", default: "5.00"}
scope: customer
min_gap: 1d
max_messages: {count: 3, per: 7d}
catch_up: latest
first_contacts_per_day: 200
on_reply: {hold: until_handled, notify: collections}
on_partial_payment: {hold: 2d}
promise: {max_days: 21, max_count: 3, grace: 2bd}
on_paid: {email: thank_you}
digest_to: finance@example.com
approve_above: {EUR: "5000.00", JPY: "800000", default: "5000"}
attach: invoice_pdf
steps:
  - {id: upcoming, at: {before_due: 2bd, time: "09:00"}, email: upcoming, attach: none}
  - {id: first, at: {after_due: 5bd, time: "09:00"}, email: friendly}
  - id: second
    at: {after_previous: 2bd, time: "10:00"}
    email: {template: second_notice, to: [billing, manager], cc: owner, sender: Anna Berger}
  - id: third
    at: {after_previous: 3d, time: "10:00"}
    email: {template: second_notice, cc: [owner, boss@example.com]}
    approve_above: "100"
  - id: escalate
    at: {after_previous: 72h}
    escalate: {team: collections, if: "amount_due > 100.50"}
    late_fee: {percent: "1.5", minimum: {EUR: "5.00"}, cap: "250.00", basis: contract, mode: propose}
"""


def test_everything_in_one_plan_is_understood() -> None:
    policy = load(EVERYTHING)
    rule = "country in ['GB', 'IE'] and one_off"
    assert policy.applies_to == AppliesTo(Expression(rule, Purpose.ASSIGNMENT), rule, 10)
    assert policy.calendar == HolidayCalendar("GB-SCT")
    assert (policy.scope, policy.min_gap, policy.catch_up) == (Scope.CUSTOMER, Days(1), CatchUp.LATEST)
    assert policy.max_messages == MessageLimit(3, Days(7))
    assert policy.first_contacts_per_day == 200
    assert policy.on_reply == OnReply(None, "collections")
    assert policy.on_partial_payment == OnPartialPayment(PartialPaymentRule.HOLD, Days(2))
    assert policy.promise == PromiseRules(21, 3, BusinessDays(2))
    assert policy.digest_to == ("finance@example.com",)
    upcoming, first, second, third, escalate = policy.steps
    assert upcoming.at == BeforeDue(2, time(9), business=True)
    assert first.at == AfterDue(5, time(9), business=True)
    assert second.at == AfterPrevious(timedelta(days=2), BusinessDays(2), time(10))
    assert third.at == AfterPrevious(timedelta(days=3), Days(3), time(10))
    assert [step.attach_invoice_pdf for step in policy.steps] == [False, True, True, True, False]
    assert (second.email, second.email_to, second.email_cc, second.sender) == (
        "second_notice",
        ("billing", "manager"),
        ("owner",),
        "Anna Berger",
    )
    assert third.email_cc == ("owner", "boss@example.com")
    assert second.approve_above == Amounts({"EUR": 5_000_00, "JPY": 800_000}, Decimal(5000))
    assert third.approve_above == Amounts({}, Decimal(100))
    assert (escalate.escalate, escalate.escalate_condition_text) == ("collections", "amount_due > 100.50")
    assert escalate.escalate_condition is not None
    assert escalate.late_fee == LateFee(
        Basis.CONTRACT, FeeMode.PROPOSE, percent=Decimal("1.5"), minimum=Amounts({"EUR": 5_00}), cap=Amounts({}, Decimal("250.00"))
    )


def test_the_designs_own_illustration_loads() -> None:
    policy = load(
        """
name: plan
applies_to: {if: "true", priority: 0}     # the first policy that matches, lowest priority first; equal priorities are refused
timezone: Europe/London                    # when the customer has none (a country gives one only if it has exactly one)
calendar: GB                               # skip weekends and public holidays (subdivision: GB-SCT); absent: every day will do
send_window: {email: "08:30-17:30", sms: "10:00-19:00"}   # customer's local time, [start, end), "24:00" allowed
minimum_balance: {USD: "5.00", EUR: "5.00", default: "5.00"}   # per invoice, or per customer and currency, as scope says
scope: customer                            # or invoice: one message per customer, or per invoice
min_gap: 1d                                # between reminders to one customer; d compares local dates, h elapses
max_messages: {count: 3, per: 7d}
catch_up: next                             # or latest
on_reply: {hold: until_handled, notify: collections}    # or a duration
on_partial_payment: continue               # or restart, {hold: 2d}
promise: {max_days: 14, max_count: 2, grace: 2bd}
on_paid: {email: thank_you}
digest_to: finance@example.com
steps:
  - id: upcoming
    at: {before_due: 3d, time: "09:00"}
    email: upcoming
  - id: first
    at: {after_due: 7d, time: "09:00"}     # d counts calendar days, bd business days, at a local time
    email: friendly
  - id: second
    at: {after_previous: 48h}              # h and m elapse from when the previous step really ran or was skipped
    if: "not replied"
    email: {template: second_notice, cc: owner, sender: owner}
    sms: second_notice
  - id: escalate
    at: {after_previous: 72h}
    escalate: {team: collections}
    late_fee: {percent: "1.5", basis: contract, mode: propose}   # propose to the team, or apply
"""
    )
    assert [step.id for step in policy.steps] == ["upcoming", "first", "second", "escalate"]


def test_what_is_not_said_changes_nothing() -> None:
    assert load(with_top("timezone: UTC")) == load(with_top("timezone: UTC"), NOT_YET)


TOO_EARLY = [
    ("applies_to", with_top('applies_to: {if: "one_off", priority: 1}')),
    ("approve_above", with_top('approve_above: "5000"')),
    ("approve_above", with_step('email: friendly, approve_above: "5000"')),
    ("after_previous_days", with_timings('{after_due: 7d, time: "09:00"}', '{after_previous: 2d, time: "09:00"}')),
    ("attach", with_top("attach: invoice_pdf")),
    ("attach", with_step("email: friendly, attach: invoice_pdf")),
    ("business_days", with_timings('{after_due: 7bd, time: "09:00"}')),
    ("calendar", with_top("calendar: GB")),
    ("catch_up", with_top("catch_up: latest")),
    ("digest_to", with_top("digest_to: finance@example.com")),
    ("email.cc", with_step("email: {template: friendly, cc: owner}")),
    ("email.sender", with_step("email: {template: friendly, sender: owner}")),
    ("email.to", with_step("email: {template: friendly, to: billing}")),
    ("escalate.if", with_step('escalate: {team: sales, if: "replied"}')),
    ("first_contacts_per_day", with_top("first_contacts_per_day: 5")),
    ("late_fee", with_step('email: friendly, late_fee: {percent: "1", basis: contract}')),
    ("max_messages", with_top("max_messages: {count: 3, per: 7d}")),
    ("min_gap", with_top("min_gap: 1d")),
    ("on_partial_payment", with_top("on_partial_payment: restart")),
    ("on_reply", with_top("on_reply: {hold: 2d}")),
    ("promise", with_top("promise: {max_days: 14}")),
    ("scope", with_top("scope: customer")),
]


@pytest.mark.parametrize(("feature", "text"), TOO_EARLY, ids=[feature for feature, _ in TOO_EARLY])
def test_what_the_engine_does_not_yet_do_is_refused_and_loads_once_it_does(feature: str, text: str) -> None:
    refused = problems(text, NOT_YET | {feature})
    assert "not yet understood by this version" in refused or "this version understands only" in refused
    assert len(refused.split("\n")) == 1
    assert load(text, NOT_YET - {feature}) != load(with_top("timezone: UTC"), NOT_YET)


def test_days_that_are_not_yet_understood_are_offered_in_hours() -> None:
    text = with_timings('{after_due: 7d, time: "09:00"}', "{after_previous: 2d}")
    refused = problems(text, frozenset({"after_previous_days"}))
    assert 'field "at.after_previous": "2d" counts calendar days, and this is not yet understood' in refused
    assert 'write "48h"' in refused


def test_every_feature_that_is_kept_back_is_tried() -> None:
    assert {feature for feature, _ in TOO_EARLY} >= NOT_YET


SPANS: list[tuple[str, Span]] = [("1d", Days(1)), ("2bd", BusinessDays(2)), ("36h", timedelta(hours=36)), ("90m", timedelta(minutes=90))]


@pytest.mark.parametrize(("text", "gap"), [*SPANS, ("0h", timedelta())])
def test_a_gap_is_in_days_that_compare_dates_or_in_hours_that_elapse(text: str, gap: Span) -> None:
    assert load(with_top(f"min_gap: {text}")).min_gap == gap


@pytest.mark.parametrize(("text", "hold"), SPANS)
def test_a_reply_holds_for_a_time_or_until_it_is_handled(text: str, hold: Span) -> None:
    assert load(with_top(f"on_reply: {{hold: {text}}}")).on_reply == OnReply(hold)
    assert load(with_top(f"on_reply: {text}")).on_reply == OnReply(hold)
    assert load(with_top("on_reply: {notify: sales}")).on_reply == OnReply(None, "sales")
    assert load(with_top("on_reply: until_handled")).on_reply == OnReply(None)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("continue", OnPartialPayment()),
        ("restart", OnPartialPayment(PartialPaymentRule.RESTART)),
        ("{hold: 48h}", OnPartialPayment(PartialPaymentRule.HOLD, timedelta(hours=48))),
    ],
)
def test_a_partial_payment_continues_restarts_or_holds(text: str, rule: OnPartialPayment) -> None:
    assert load(with_top(f"on_partial_payment: {text}")).on_partial_payment == rule


def test_a_promise_has_usual_bounds_where_the_policy_names_none() -> None:
    assert load(with_top("promise: {max_days: 7}")).promise == PromiseRules(7, 2, Days(0))


def test_several_people_may_get_the_digest() -> None:
    assert load(with_top("digest_to: [a@example.com, b.c+d@example.co.uk]")).digest_to == ("a@example.com", "b.c+d@example.co.uk")


@pytest.mark.parametrize(
    ("text", "fee"),
    [
        ('fixed: "25.00", basis: contract', LateFee(Basis.CONTRACT, fixed=Amounts({}, Decimal("25.00")))),
        (
            'fixed: {EUR: "25.00", JPY: 3000, KWD: "7.500"}, basis: contract, mode: apply',
            LateFee(Basis.CONTRACT, FeeMode.APPLY, fixed=Amounts({"EUR": 25_00, "JPY": 3000, "KWD": 7_500})),
        ),
        (
            'fixed: "25.00", basis: contract, booked_to: {quickbooks: "19"}, tax_code: {quickbooks: " 5 ", xero: NONE}',
            LateFee(
                Basis.CONTRACT,
                fixed=Amounts({}, Decimal("25.00")),
                booked_to={"quickbooks": "19"},
                tax_code={"quickbooks": "5", "xero": "NONE"},
            ),
        ),
        ('interest_per_day: "0.05", basis: contract', LateFee(Basis.CONTRACT, interest_per_day=Decimal("0.05"))),
        (
            "interest_per_year: 9, percent: 2, basis: contract",
            LateFee(Basis.CONTRACT, percent=Decimal(2), interest_per_year=Decimal(9)),
        ),
        (
            'basis: statutory_uk, rates: {2025-08-07: "4.00", 2025-12-18: "3.75"}, cap: {GBP: 500}',
            LateFee(
                Basis.STATUTORY_UK,
                cap=Amounts({"GBP": 500_00}),
                rates={date(2025, 8, 7): Decimal("4.00"), date(2025, 12, 18): Decimal("3.75")},
            ),
        ),
        ('basis: statutory_eu, rates: {2016-03-16: "0.00"}', LateFee(Basis.STATUTORY_EU, rates={date(2016, 3, 16): Decimal(0)})),
    ],
)
def test_a_late_fee_is_read_with_its_basis(text: str, fee: LateFee) -> None:
    assert fee_of(text) == fee
