"""The whole policy language, as it is read once the engine acts on all of it; and that until then none of it is accepted."""

from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from dunning.content.conditions import NEW_INVOICE, Expression, Purpose
from dunning.content.holiday_calendars import HolidayCalendar
from dunning.content.policy_book import PolicyBook
from dunning.content.policy_features import NOT_YET
from dunning.content.policy_loader import load_policy
from dunning.domain.errors import Rejected
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
    Policy,
    PromiseRules,
    Scope,
    Span,
    Step,
    Timing,
)

TEAMS = frozenset({"collections", "sales"})
ALL = frozenset[str]()
FIRST = '{id: first, at: {after_due: 7d, time: "09:00"}, email: friendly}'


def load(text: str, not_yet: frozenset[str] = ALL) -> Policy:
    return load_policy(text, "plan.yaml", TEAMS, not_yet=not_yet)


def with_top(line: str) -> str:
    return f"name: plan\n{line}\nsteps: [{FIRST}]"


def with_step(rest: str) -> str:
    return f'name: plan\nsteps:\n  - {{id: a, at: {{after_due: 7d, time: "09:00"}}, {rest}}}'


def with_timings(*timings: str) -> str:
    steps = [f"  - {{id: s{number}, at: {timing}, email: friendly}}" for number, timing in enumerate(timings)]
    return "\n".join(["name: plan", "steps:", *steps])


def step_of(rest: str) -> Step:
    return load(with_step(rest)).steps[0]


def fee_of(rest: str) -> LateFee:
    fee = step_of(f"late_fee: {{{rest}}}").late_fee
    assert fee is not None
    return fee


def problems(text: str, not_yet: frozenset[str] = ALL) -> str:
    with pytest.raises(Rejected) as rejected:
        load(text, not_yet)
    return str(rejected.value)


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
    assert load(with_top("on_reply: {notify: sales}")).on_reply == OnReply(None, "sales")


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


BAD_FEES = [
    ('percent: "1.5"', 'step "a": field "late_fee.basis": missing: say by what right, as basis: contract or statutory_uk or statutory_eu'),
    ('percent: "1.5", basis: custom', 'field "late_fee.basis": must be contract or statutory_uk or statutory_eu'),
    ("basis: contract", 'step "a": field "late_fee": charges nothing'),
    ("percent: 1.5, basis: contract", 'field "late_fee.percent": 1.5 may lose digits when read as a number: put it in quotes, as "1.5"'),
    ('percent: "150", basis: contract', "'150' is not a percentage"),
    ('percent: "0", basis: contract', "'0' is not a percentage"),
    ('percent: "-1", basis: contract', "'-1' is not a percentage"),
    ('percent: "1", basis: contract, mode: now', 'field "late_fee.mode": must be propose or apply'),
    ('percent: "1", basis: contract, rates: {2025-08-07: "4"}', 'field "late_fee.rates": reference rates belong to statutory_uk'),
    ('interest_per_day: "1", interest_per_year: "9", basis: contract', "interest by the day and by the year at once"),
    ('percent: "1", basis: contract, minimum: {EUR: 50}, cap: {EUR: 20}', 'field "late_fee.minimum": is more than the cap in EUR'),
    ('percent: "1", basis: contract, minimum: "50", cap: "20"', 'field "late_fee.minimum": is more than the cap in EUR'),
    ('fixed: {eur: "25.00"}, basis: contract', 'field "late_fee.fixed.eur": neither default nor a currency'),
    ("fixed: {EUR: 25.50}, basis: contract", 'field "late_fee.fixed.EUR": 25.5 loses cents'),
    ('fixed: {JPY: "25.50"}, basis: contract', "more decimals than JPY has"),
    ("fixed: {}, basis: contract", 'field "late_fee.fixed": names no amount'),
    ("fixed: lots, basis: contract", "field \"late_fee.fixed\": 'lots' is not an amount"),
    ("basis: statutory_uk", 'field "late_fee.rates": missing: give the Bank of England\'s base rate by the day from which it was in force'),
    ("basis: statutory_eu", "missing: give the ECB's reference rate"),
    ('basis: statutory_uk, percent: "1", rates: {2025-08-07: "4"}', 'field "late_fee.percent": statutory_uk sets what may be charged'),
    ('basis: statutory_uk, rates: {August: "4"}', 'field "late_fee.rates.August": "August" is not a date'),
    ('basis: statutory_uk, rates: {2025-08-07: "four"}', "field \"late_fee.rates.2025-08-07\": 'four' is not a percentage"),
    ('percent: "1", basis: contract, compounding: true', 'field "late_fee.compounding": unknown key'),
]


@pytest.mark.parametrize(("fee", "problem"), BAD_FEES, ids=[fee for fee, _ in BAD_FEES])
def test_a_bad_fee_is_refused_at_its_place(fee: str, problem: str) -> None:
    assert problem in problems(with_step(f"late_fee: {{{fee}}}"))


BAD_STEPS = [
    ("email: {cc: owner}", 'field "email.template": missing: say what to send'),
    ("email: {template: no_such}", 'field "email.template": no template "no_such"'),
    ("email: {template: friendly, bcc: owner}", 'field "email.bcc": unknown key; did you mean "cc"?'),
    ("email: {template: friendly, to: Billing Office}", '"Billing Office" is not a role of a contact'),
    ("email: {template: friendly, to: someone@example.com}", '"someone@example.com" is not a role of a contact'),
    ("email: {template: friendly, cc: [owner, 7]}", 'field "email.cc": must be text or a list of texts'),
    ("email: {template: friendly, cc: not@anaddress}", '"not@anaddress" is not a mail address'),
    ('email: {template: friendly, cc: "a@example.com\\nBcc: b@example.com"}', "is not a mail address"),
    ('email: {template: friendly, sender: "Anna\\r\\nBcc: b@example.com"}', "is not a name to sign with"),
    ('email: {template: friendly, sender: "Anna <a@example.com>"}', "is not a name to sign with"),
    ('escalate: {team: sales, if: "replyed"}', 'field "escalate.if": there is no "replyed"; did you mean "replied"?'),
    ("sms: friendly, attach: invoice_pdf", 'field "attach": there is no mail to attach it to'),
    ("email: friendly, attach: statement", 'field "attach": must be invoice_pdf or none'),
    ("email: friendly, approve_above: lots", "field \"approve_above\": 'lots' is not an amount"),
]


@pytest.mark.parametrize(("step", "problem"), BAD_STEPS, ids=[step for step, _ in BAD_STEPS])
def test_a_bad_step_is_refused_at_its_place(step: str, problem: str) -> None:
    found = problems(with_step(step))
    assert found.startswith('plan.yaml: step "a": ')
    assert problem in found


BAD_TOPS = [
    ('applies_to: {if: "true"}', 'field "applies_to.priority": missing'),
    ("applies_to: {priority: 1}", 'field "applies_to.if": missing'),
    ('applies_to: {if: "days_overdue > 3", priority: 1}', 'field "applies_to.if": there is no "days_overdue"'),
    ('applies_to: {if: "true", priority: high}', 'field "applies_to.priority": must be a whole number from 0'),
    ('applies_to: {if: "true", priority: 1, unless: x}', 'field "applies_to.unless": unknown key'),
    ("calendar: England", '"England" is not a country'),
    ("calendar: GB-SCO", 'field "calendar": GB has no part "SCO"; did you mean "SCT"?'),
    ("scope: company", 'field "scope": must be customer or invoice'),
    ("min_gap: soon", 'field "min_gap": "soon" is not a duration: write "2d", "2bd" (business days), "48h" or "90m"'),
    ("max_messages: {count: 3}", 'field "max_messages.per": missing'),
    ("max_messages: {count: 0, per: 7d}", 'field "max_messages.count": must be a whole number from 1'),
    ("max_messages: {count: 3, per: 0d}", '"0d" is no time at all'),
    ("catch_up: all", 'field "catch_up": must be next or latest'),
    ("first_contacts_per_day: many", 'field "first_contacts_per_day": must be a whole number'),
    ("first_contacts_per_day: true", 'field "first_contacts_per_day": must be a whole number'),
    ("on_reply: {}", 'field "on_reply": does nothing'),
    ("on_reply: {hold: for_ever}", 'field "on_reply.hold": "for_ever" is not a duration'),
    ("on_reply: {notify: nobody}", 'field "on_reply.notify": no team "nobody" (known: collections, sales)'),
    ("on_partial_payment: stop", 'field "on_partial_payment": must be continue, restart or {hold: 2d}'),
    ("on_partial_payment: {}", 'field "on_partial_payment": must be continue, restart or {hold: 2d}'),
    ("promise: {max_days: 0}", 'field "promise.max_days": must be a whole number from 1 to 365'),
    ("promise: {grace: late}", 'field "promise.grace": "late" is not a duration'),
    ("promise: {max: 3}", 'field "promise.max": unknown key'),
    ("digest_to: finance", 'field "digest_to": "finance" is not a mail address'),
    ("digest_to: []", 'field "digest_to": must be text or a list of texts'),
    ("attach: yes", 'field "attach": must be invoice_pdf or none'),
    ("approve_above: 10.5", 'field "approve_above": 10.5 loses cents'),
]


@pytest.mark.parametrize(("line", "problem"), BAD_TOPS, ids=[line for line, _ in BAD_TOPS])
def test_a_bad_setting_is_refused_at_its_place(line: str, problem: str) -> None:
    assert problem in problems(with_top(line))


@pytest.mark.parametrize(
    ("timings", "fits"),
    [
        (('{before_due: 2bd, time: "09:00"}', '{after_due: 2bd, time: "09:00"}'), True),
        (('{after_due: 2bd, time: "09:00"}', '{after_due: 2bd, time: "10:00"}'), True),
        (('{after_due: 2bd, time: "09:00"}', '{after_due: 2bd, time: "09:00"}'), False),
        (('{after_due: 2bd, time: "09:00"}', '{after_due: 5d, time: "09:00"}'), True),
        (('{after_due: 2bd, time: "09:00"}', '{after_due: 4d, time: "09:00"}'), False),  # Friday and two are Tuesday: four days
        (('{after_due: 5bd, time: "09:00"}', '{after_due: 7d, time: "09:00"}'), False),
        (('{after_due: 7d, time: "09:00"}', '{after_due: 6bd, time: "09:00"}'), True),
        (('{after_due: 7d, time: "09:00"}', '{after_due: 5bd, time: "09:00"}'), False),
        (('{before_due: 7d, time: "09:00"}', '{before_due: 3bd, time: "09:00"}'), True),
        (('{before_due: 3bd, time: "09:00"}', '{before_due: 3d, time: "09:00"}'), False),
    ],
)
def test_steps_in_business_and_calendar_days_must_surely_follow_one_another(timings: tuple[str, ...], *, fits: bool) -> None:
    if fits:
        assert len(load(with_timings(*timings)).steps) == 2
    else:
        assert 'step "s1": field "at": is not later than step "s0" before it' in problems(with_timings(*timings))


AFTER_FIRST: list[tuple[str, Timing]] = [
    ("{after_previous: 48h}", AfterPrevious(timedelta(hours=48))),
    ('{after_previous: 2d, time: "10:00"}', AfterPrevious(timedelta(days=2), Days(2), time(10))),
    ('{after_previous: 1bd, time: "10:00"}', AfterPrevious(timedelta(days=1), BusinessDays(1), time(10))),
]


@pytest.mark.parametrize(("timing", "read"), AFTER_FIRST)
def test_a_step_may_follow_after_hours_or_days(timing: str, read: Timing) -> None:
    assert load(with_timings('{after_due: 7d, time: "09:00"}', timing)).steps[1].at == read


@pytest.mark.parametrize(
    ("timing", "problem"),
    [
        ("{after_previous: 2d}", 'field "at.time": missing: say at which local time'),
        ('{after_previous: 0d, time: "09:00"}', '"0d": a step cannot follow on the same day'),
        ('{after_previous: 2xd, time: "09:00"}', '"2xd" is not a number of calendar days or business days'),
        ('{after_previous: 48h, time: "09:00"}', "after_previous elapses from the step before"),
    ],
)
def test_a_step_that_follows_badly_is_refused(timing: str, problem: str) -> None:
    assert problem in problems(with_timings('{after_due: 7d, time: "09:00"}', timing))


def write(folder: Path, name: str, applies_to: str) -> None:
    line = f"applies_to: {applies_to}\n" if applies_to else ""
    (folder / f"{name}.yaml").write_text(f"name: {name}\n{line}steps: [{FIRST}]\n", encoding="utf-8")


def test_an_invoice_follows_the_first_policy_that_is_for_it(tmp_path: Path) -> None:
    write(tmp_path, "standard", "")
    write(tmp_path, "large", '{if: "amount_due >= 10000", priority: 1}')
    write(tmp_path, "british", "{if: \"country == 'GB'\", priority: 2}")
    write(tmp_path, "important", "{if: \"'vip' in tags\", priority: 3}")
    book = PolicyBook.load(tmp_path, TEAMS, validate=True, not_yet=ALL)
    chosen = [
        book.assigned({**NEW_INVOICE, "tags": (), **facts}).name
        for facts in ({}, {"amount_due": Decimal(10000), "country": "GB"}, {"country": "GB", "tags": ("vip",)}, {"tags": ("vip",)})
    ]
    assert chosen == ["standard", "large", "british", "important"]


def test_equal_priorities_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "standard", '{if: "true", priority: 5}')
    write(tmp_path, "large", '{if: "amount_due >= 10000", priority: 5}')
    with pytest.raises(Rejected, match=r'large and standard: field "applies_to\.priority": both say 5'):
        PolicyBook.load(tmp_path, TEAMS, not_yet=ALL)
