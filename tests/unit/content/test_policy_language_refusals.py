"""What the wider policy language refuses, and where it says the mistake is; and how policies are chosen."""

from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from dunning.content.conditions import NEW_INVOICE
from dunning.content.policy_book import PolicyBook
from dunning.domain.errors import Rejected
from dunning.domain.policy import (
    AfterPrevious,
    BusinessDays,
    Days,
    Timing,
)
from tests.unit.content.plans import ALL, FIRST, TEAMS, load, problems, with_step, with_timings, with_top

BAD_FEES = [
    ('percent: "1.5"', 'step "a": field "late_fee.basis": missing: say by what right, as basis: contract or statutory_uk or statutory_eu'),
    ('percent: "1.5", basis: custom', 'field "late_fee.basis": must be contract or statutory_uk or statutory_eu'),
    ('percent: "1", basis: contract, tax_code: {}', 'field "late_fee.tax_code": names nothing: write {xero: "NONE"}, or remove it'),
    ('percent: "1", basis: contract, tax_code: {quickbooks: 5}', 'field "late_fee.tax_code.quickbooks"'),
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
    ("max_messages: {count: 33, per: 7d}", 'field "max_messages.count": must be a whole number from 1 to 32'),
    ("max_messages: {count: 3}", 'field "max_messages.per": missing'),
    ("max_messages: {count: 0, per: 7d}", 'field "max_messages.count": must be a whole number from 1'),
    ("max_messages: {count: 3, per: 0d}", '"0d" is no time at all'),
    ("catch_up: all", 'field "catch_up": must be next or latest'),
    ("first_contacts_per_day: many", 'field "first_contacts_per_day": must be a whole number'),
    ("first_contacts_per_day: true", 'field "first_contacts_per_day": must be a whole number'),
    ("on_reply: {}", 'field "on_reply": does nothing'),
    (
        "on_reply: collections",
        'field "on_reply": "collections" is not a duration: write "2d", "2bd" (business days), "48h" or "90m"; or until_handled',
    ),
    ("on_reply: 2", 'field "on_reply": must be a mapping'),
    ("on_reply: 0d", 'field "on_reply": "0d" is no time at all'),
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


@pytest.mark.parametrize(
    ("timings", "fits"),
    [
        (('{after_due: 7d, time: "09:00"}', '{after_previous: 30d, time: "08:00"}', '{after_due: 8d, time: "09:00"}'), False),
        (('{after_due: 7d, time: "09:00"}', '{after_previous: 30d, time: "08:00"}', '{after_due: 37d, time: "08:00"}'), False),
        (('{after_due: 7d, time: "09:00"}', '{after_previous: 30d, time: "08:00"}', '{after_due: 37d, time: "08:01"}'), True),
        (('{after_due: 7d, time: "09:00"}', "{after_previous: 48h}", '{after_due: 9d, time: "09:00"}'), False),
        (('{after_due: 7d, time: "09:00"}', "{after_previous: 48h}", "{after_previous: 48h}", '{after_due: 11d, time: "08:00"}'), False),
        (('{after_due: 7d, time: "09:00"}', "{after_previous: 48h}", "{after_previous: 48h}", '{after_due: 14d, time: "08:00"}'), True),
        (('{before_due: 3d, time: "09:00"}', '{after_previous: 2d, time: "09:00"}', '{after_due: 0d, time: "09:00"}'), True),
        (('{before_due: 3d, time: "09:00"}', '{after_previous: 4d, time: "09:00"}', '{after_due: 0d, time: "09:00"}'), False),
        (('{after_due: 7d, time: "09:00"}', '{after_previous: 5bd, time: "09:00"}', '{after_due: 13d, time: "09:00"}'), False),
        (('{after_due: 7d, time: "09:00"}', '{after_previous: 5bd, time: "09:00"}', '{after_due: 15d, time: "09:00"}'), True),
    ],
)
def test_a_step_by_the_due_date_must_not_lie_before_those_that_follow_one_another(timings: tuple[str, ...], *, fits: bool) -> None:
    last = len(timings) - 1
    if fits:
        assert len(load(with_timings(*timings)).steps) == len(timings)
    else:
        assert f'step "s{last}": field "at": is not later than step "s{last - 1}" before it' in problems(with_timings(*timings))


def test_a_late_fee_before_the_due_date_is_refused_for_it_is_never_charged() -> None:
    early = with_step('email: upcoming, late_fee: {percent: "1.5", basis: contract}').replace("after_due", "before_due")
    assert problems(early) == (
        'plan.yaml: step "a": field "late_fee": is never charged: no invoice is overdue before its due date: '
        "move it to a step with after_due"
    )
    load(early.replace("before_due", "after_due"))


@pytest.mark.parametrize("place", ['if: "amount_due + 1", email: friendly', 'escalate: {team: sales, if: "amount_due + 1"}'])
def test_a_condition_that_is_no_question_is_refused_at_its_place(place: str) -> None:
    assert "'amount_due + 1' is not answered by yes or no: compare it" in problems(with_step(place))
    assert "'tags' is not answered by yes or no" in problems(with_top('applies_to: {if: "tags", priority: 1}'))


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
