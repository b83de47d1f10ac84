"""Late fees in the life of a case."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.domain.activity import ActivityType
from dunning.domain.case import Case, Dispute, Notice
from dunning.domain.charging import Debtor, fees_to_charge, proposal_key, reckoned, riders
from dunning.domain.decision import decide, to_ask_about
from dunning.domain.fee_records import Fee, FeeState, as_fee_id, fee_id
from dunning.domain.fees import Amounts, Basis, FeeMode, FeeRefused, LateFee
from dunning.domain.invoice import Invoice, Status
from dunning.domain.planning import next_instant, notices_to_tell
from dunning.domain.policy import AfterDue, Policy, Step
from dunning.domain.rehearsing import turns
from dunning.domain.works import Verdict
from tests.unit.domain.builders import (
    ACME,
    FIRST,
    FIRST_AT,
    INVOICE,
    NINE,
    PROFILE,
    SEEN,
    case_of,
    policy,
    record,
    utc,
    with_plan,
    work_off,
)

FEE = LateFee(Basis.CONTRACT, FeeMode.APPLY, percent=Decimal("1.5"))
PROPOSED = replace(FEE, mode=FeeMode.PROPOSE)
TODAY = Debtor(date(2026, 3, 20), is_business=True, is_disputed=False)
NOW = utc("2026-03-20 09:00")


@pytest.mark.parametrize(
    ("source", "terms", "amount", "said"),
    [
        ("stripe", FEE, 1850, "rounded down to KWD 1.850, to whole steps of KWD 0.010"),
        ("xero", FEE, 1860, "1.5 % of KWD 123.976: KWD 1.85964"),
        ("stripe", replace(FEE, cap=Amounts({"KWD": 1_505})), 1500, "rounded down to KWD 1.500"),
        ("stripe", replace(FEE, percent=Decimal("1.0")), 1230, "rounded down to KWD 1.230"),
    ],
)
def test_a_fee_is_an_amount_that_its_source_takes(source: str, terms: LateFee, amount: int, said: str) -> None:
    dinars = replace(INVOICE, source=source, currency="KWD", total=123_976, amount_due=123_976)
    fee = reckoned(dinars, date(2026, 3, 10), "first", terms, TODAY, NOW)
    assert isinstance(fee, Fee)
    assert fee.amount == amount
    assert fee.lines[-2].startswith(said)
    assert fee.lines[-1] == f"late fee: KWD {amount / 1000:.3f}"


def charging(terms: LateFee) -> Policy:
    """A plan that reminds and charges in its first step, and again a week later."""
    return policy(replace(FIRST, late_fee=terms), Step("again", AfterDue(14, NINE), late_fee=terms))


def overdue(terms: LateFee, *, currency: str = "EUR", amount_due: int = 120_00) -> Case:
    invoice = replace(INVOICE, currency=currency, amount_due=amount_due)
    return case_of(with_plan(invoice, utc("2026-03-10 12:00"), charging(terms)))


def fee_of(case: Case, step: str = "first") -> Fee:
    found = case.invoices["in_1"].fee_of(step)
    assert found is not None
    return found


def fee_seen(step: str = "first", amount: int = 1_80) -> Invoice:
    return replace(INVOICE, id="in_fee", number="F-1", total=amount, amount_due=amount, fee_id=fee_id("stripe:cus_1", "in_1", step))


def test_a_step_that_applies_keeps_what_is_to_be_charged_and_is_due_at_once() -> None:
    settled = work_off(overdue(FEE), FIRST_AT, charging(FEE))
    fee = fee_of(settled.case)
    assert (fee.state, fee.amount, fee.day) == (FeeState.ACCEPTED, 1_80, date(2026, 3, 17))
    assert settled.case.profile.due_at == FIRST_AT
    (work,) = decide(settled.case, lambda _: charging(FEE), FIRST_AT)
    assert (work.verdict, work.step) == (Verdict.CHARGE, "first")
    assert to_ask_about(settled.case, FIRST_AT) == (settled.case.invoices["in_1"],)


def test_a_step_that_proposes_tells_the_team_and_charges_nothing() -> None:
    settled = work_off(overdue(PROPOSED), FIRST_AT, charging(PROPOSED))
    assert fee_of(settled.case).state is FeeState.PROPOSED
    assert [activity.type for activity in settled.activities] == [ActivityType.SENT, ActivityType.FEE_PROPOSED]
    assert settled.activities[1].reason == "EUR 1.80 (1.5 % of EUR 120.00: EUR 1.8000)"
    (work,) = decide(settled.case, lambda _: charging(PROPOSED), FIRST_AT)
    assert (work.verdict, work.effects[0].template, work.effects[0].to) == (Verdict.NOTIFY, "fee_proposal", "collections")
    told = work_off(settled.case, FIRST_AT, charging(PROPOSED)).case
    assert told.profile.notices == {}
    assert told.profile.due_at == utc("2026-03-24 09:00")


def test_a_payment_makes_a_proposal_lapse_and_the_team_hears_nothing_of_it() -> None:
    proposed = work_off(overdue(PROPOSED), FIRST_AT, charging(PROPOSED)).case
    paid = replace(SEEN, status=Status.PAID, amount_due=0, stamp=NOW)
    recorded = record(proposed, paid, NOW, charging(PROPOSED))
    assert fee_of(recorded.case).state is FeeState.LAPSED
    assert [(activity.type, activity.step) for activity in recorded.activities] == [
        (ActivityType.PAID, None),
        (ActivityType.SUPPRESSED, "first"),
    ]
    assert decide(recorded.case, lambda _: charging(PROPOSED), NOW) == ()


@pytest.mark.parametrize("status", [Status.PAID, Status.VOID, Status.UNCOLLECTIBLE])
def test_nothing_is_charged_on_an_invoice_that_was_settled_first(status: Status) -> None:
    accepted = work_off(overdue(FEE), FIRST_AT, charging(FEE)).case
    recorded = record(accepted, replace(SEEN, status=status, amount_due=0, stamp=NOW), NOW, charging(FEE))
    assert fees_to_charge(recorded.case) == ()


def test_a_fee_waits_while_the_case_is_disputed_and_is_charged_when_it_is_over() -> None:
    accepted = work_off(overdue(FEE), FIRST_AT, charging(FEE)).case
    disputed = accepted.with_profile(replace(accepted.profile, disputes={"dp_1": Dispute("dp_1", is_open=True, stamp=NOW)}))
    assert fees_to_charge(disputed) == ()
    assert next_instant(disputed) is None
    over = accepted.with_profile(replace(accepted.profile, disputes={"dp_1": Dispute("dp_1", is_open=False, stamp=NOW)}))
    assert [fee.step for _, fee in fees_to_charge(over)] == ["first"]


def test_a_fees_own_invoice_makes_it_charged_whoever_brings_it() -> None:
    accepted = work_off(overdue(FEE), FIRST_AT, charging(FEE)).case
    seen = replace(
        SEEN, invoice_id="in_fee", number="F-1", total=1_80, amount_due=1_80, stamp=NOW, fee_id=fee_id("stripe:cus_1", "in_1", "first")
    )
    recorded = record(accepted, seen, NOW, charging(FEE))
    assert (fee_of(recorded.case).state, fee_of(recorded.case).invoice) == (FeeState.APPLIED, "in_fee")
    (log,) = recorded.activities
    assert (log.type, log.invoices, log.step) == (ActivityType.FEE_APPLIED, ("in_1", "in_fee"), "first")
    assert log.reason == "EUR 1.80 (1.5 % of EUR 120.00: EUR 1.8000), as invoice F-1 on ACME-0007"
    own = recorded.case.invoices["in_fee"]
    assert (own.fee_for, own.suppressed_for, own.next_at) == ("in_1", "rides_with_parent", None)
    assert record(recorded.case, seen, NOW, charging(FEE)).activities == ()
    assert riders(recorded.case, "in_1") == (own,)
    assert fees_to_charge(recorded.case) == ()


def test_a_fee_charged_before_our_memory_was_lost_is_never_charged_again() -> None:
    bare = overdue(FEE)
    seen = replace(SEEN, invoice_id="in_fee", total=1_80, amount_due=1_80, stamp=NOW, fee_id=fee_id("stripe:cus_1", "in_1", "first"))
    found = record(bare, seen, NOW, charging(FEE)).case
    settled = work_off(found, FIRST_AT, charging(FEE))
    assert fee_of(settled.case).invoice == "in_fee"
    assert settled.activities[-1].reason == "no late fee: this step has had its fee"
    assert fees_to_charge(settled.case) == ()


def test_a_fee_of_an_unknown_invoice_is_still_a_fee_and_follows_no_plan() -> None:
    seen = replace(SEEN, invoice_id="in_fee", stamp=NOW, fee_id="LF-A00000000000", fee_for="in_gone")
    recorded = record(Case(PROFILE), seen, NOW, charging(FEE))
    own = recorded.case.invoices["in_fee"]
    assert (own.fee_for, own.next_at, own.suppressed_for) == ("in_gone", None, "rides_with_parent")


def test_an_invoice_once_taken_for_a_fee_is_reminded_of_again_when_its_source_denies_it() -> None:
    known = record(Case(PROFILE), replace(SEEN, fee_id="LF-A00000000000"), NOW, charging(FEE)).case
    assert known.invoices["in_1"].next_at is None
    mended = record(known, SEEN, NOW, charging(FEE), fetched=True)
    assert mended.case.invoices["in_1"] == record(Case(PROFILE), SEEN, NOW, charging(FEE)).case.invoices["in_1"]
    assert mended.case.invoices["in_1"].next_step == "first"
    assert [(log.type, log.reason) for log in mended.activities] == [(ActivityType.UPDATED, "fee_id")]


def test_a_fee_whose_parent_is_known_stays_one_and_no_other_invoice_becomes_one() -> None:
    fee = replace(SEEN, invoice_id="in_fee", fee_id=fee_id("stripe:cus_1", "in_1", "first"))
    case = record(overdue(FEE), fee, NOW, charging(FEE)).case
    renumbered = record(case, replace(fee, number="F-7", fee_id=None), NOW, charging(FEE), fetched=True).case.invoices["in_fee"]
    assert (renumbered.number, renumbered.fee_id, renumbered.next_at) == ("F-7", fee.fee_id, None)
    told = replace(SEEN, total=130_00, amount_due=130_00, fee_id="LF-A00000000000")
    assert record(case, told, NOW, charging(FEE), fetched=True).case.invoices["in_1"].fee_id is None


def test_a_bookkeepers_copy_of_a_fee_is_owed_by_itself_in_whatever_order_they_are_told() -> None:
    own = replace(SEEN, invoice_id="in_fee", number="F-1", issued_at=NOW, stamp=NOW, fee_id=fee_id("stripe:cus_1", "in_1", "first"))
    own = replace(own, fee_for="in_1")
    copied = replace(own, invoice_id="in_copy", number="F-2", issued_at=NOW + timedelta(days=1))
    for words in permutations((SEEN, own, copied)):
        case = Case(PROFILE)
        for word in (*words, copied, own):
            case = record(case, word, NOW + timedelta(days=2), charging(FEE), fetched=True).case
        assert [fee.id for fee in riders(case, "in_1")] == ["in_fee"]
        assert {fee.invoice for fee in case.invoices["in_1"].fees} <= {"in_fee"}
        assert case.invoices["in_fee"].next_step is None
        assert (case.invoices["in_copy"].fee_id, case.invoices["in_copy"].next_step) == (None, "first")


def test_a_copy_that_was_once_taken_for_a_fee_is_reminded_of_at_its_next_word() -> None:
    own = replace(SEEN, invoice_id="in_fee", issued_at=NOW, stamp=NOW, fee_id=fee_id("stripe:cus_1", "in_1", "first"), fee_for="in_1")
    case = record(overdue(FEE), own, NOW, charging(FEE)).case
    copied = replace(own, invoice_id="in_copy", issued_at=NOW + timedelta(days=1), stamp=NOW + timedelta(days=1))
    taken = replace(case.invoices["in_fee"], id="in_copy", issued_at=copied.issued_at)
    mended = record(case.with_invoice(taken), copied, NOW + timedelta(days=2), charging(FEE), fetched=True)
    assert (mended.case.invoices["in_copy"].is_fee, mended.case.invoices["in_copy"].next_step) == (False, "first")
    assert [fee.id for fee in riders(mended.case, "in_1")] == ["in_fee"]


def test_the_ride_ends_when_the_fee_is_paid() -> None:
    parent = replace(INVOICE, fees=(Fee("first", FeeState.APPLIED, 1_80, date(2026, 3, 17), NOW, invoice="in_fee"),))
    fee = replace(fee_seen(), fee_for="in_1")
    assert riders(case_of(parent, fee), "in_1") == (fee,)
    assert riders(case_of(parent, replace(fee, status=Status.PAID, amount_due=0)), "in_1") == ()


def test_what_is_left_of_a_paid_invoice_becomes_a_task_and_no_reminder() -> None:
    case = case_of(with_plan(INVOICE, NOW, charging(FEE)), replace(fee_seen(), fee_for="in_1"))
    paid = record(case, replace(SEEN, status=Status.PAID, amount_due=0, stamp=NOW), NOW, charging(FEE)).case
    (notice,) = paid.profile.notices.values()
    assert "F-1 (EUR 1.80)" in notice.reason
    later = NOW + timedelta(hours=72)
    (work,) = decide(paid, lambda _: charging(FEE), later)
    assert (work.verdict, work.effects[0].template) == (Verdict.NOTIFY, "notice")
    waived = replace(SEEN, invoice_id="in_fee", number="F-1", status=Status.VOID, total=1_80, amount_due=1_80, stamp=NOW)
    assert decide(record(paid, waived, NOW, charging(FEE)).case, lambda _: charging(FEE), later) == ()


def test_a_later_fee_takes_only_the_days_that_no_earlier_one_took() -> None:
    daily = LateFee(Basis.CONTRACT, FeeMode.APPLY, interest_per_day=Decimal("0.1"))
    first = reckoned(INVOICE, INVOICE.due_date, "first", daily, TODAY, NOW)
    assert isinstance(first, Fee)
    assert (first.amount, first.charged_until) == (1_20, TODAY.today)
    later = replace(TODAY, today=date(2026, 3, 25))
    again = reckoned(INVOICE.with_fee(first), INVOICE.due_date, "again", daily, later, NOW)
    assert isinstance(again, Fee)
    assert again.amount == 60
    waived = replace(first, state=FeeState.DECLINED)
    forgiven = reckoned(INVOICE.with_fee(waived), INVOICE.due_date, "again", daily, later, NOW)
    assert isinstance(forgiven, Fee)
    assert forgiven.amount == 60
    lapsed = replace(first, state=FeeState.LAPSED)
    whole = reckoned(INVOICE.with_fee(lapsed), INVOICE.due_date, "again", daily, later, NOW)
    assert isinstance(whole, Fee)
    assert whole.amount == 1_80


@pytest.mark.parametrize("state", FeeState)
def test_a_step_has_one_fee_ever(state: FeeState) -> None:
    had = INVOICE.with_fee(Fee("first", state, 1, TODAY.today, NOW))
    assert reckoned(had, INVOICE.due_date, "first", FEE, TODAY, NOW) == FeeRefused("this step has had its fee")


def test_a_source_that_takes_no_invoices_from_us_is_proposed_to_only() -> None:
    by_hand = replace(INVOICE, source="manual")
    refused = reckoned(by_hand, INVOICE.due_date, "first", FEE, TODAY, NOW)
    assert isinstance(refused, FeeRefused)
    assert "use mode: propose" in refused.reason
    assert isinstance(reckoned(by_hand, INVOICE.due_date, "first", PROPOSED, TODAY, NOW), Fee)


def test_a_statutory_fee_is_for_businesses_and_the_log_says_why_there_is_none() -> None:
    terms = LateFee(Basis.STATUTORY_EU, FeeMode.APPLY, rates={date(2026, 1, 1): Decimal("2.15")})
    settled = work_off(overdue(terms), FIRST_AT, charging(terms))
    assert settled.case.invoices["in_1"].fees == ()
    assert "not known to be one" in (settled.activities[-1].reason or "")


def test_a_partial_payment_before_the_step_lowers_its_fee_and_one_after_it_does_not() -> None:
    part = overdue(FEE, amount_due=20_00)
    accepted = work_off(part, FIRST_AT, charging(FEE)).case
    assert fee_of(accepted).amount == 30
    less = record(accepted, replace(SEEN, amount_due=10_00, stamp=NOW), NOW, charging(FEE)).case
    assert [fee.amount for _, fee in fees_to_charge(less)] == [30]


@pytest.mark.parametrize(("currency", "owed", "amount"), [("JPY", 12_345, 185), ("KWD", 12_345, 180), ("EUR", 123_45, 1_85)])
def test_a_fee_is_in_the_invoices_own_smallest_unit(currency: str, owed: int, amount: int) -> None:
    accepted = work_off(overdue(FEE, currency=currency, amount_due=owed), FIRST_AT, charging(FEE)).case
    assert fee_of(accepted).amount == amount


def test_the_day_of_a_fee_is_the_customers_own() -> None:
    fixed = LateFee(Basis.CONTRACT, FeeMode.APPLY, interest_per_day=Decimal(1))
    tokyo = replace(ACME, country="JP")
    case = case_of(replace(INVOICE, next_step="again", next_at=utc("2026-03-24 16:00"), level=1, last_step="first", anchor_at=FIRST_AT))
    settled = work_off(case.with_profile(replace(case.profile, contact=tokyo)), utc("2026-03-24 16:00"), charging(fixed))
    assert fee_of(settled.case, "again").day == date(2026, 3, 25)


def test_an_id_names_a_fee_for_ever_and_fits_every_providers_number() -> None:
    name = fee_id("xero:tenant:contact", "inv", "second")
    assert name == "LF-DD50JASGV79G"
    assert len(name) <= 21  # QuickBooks' DocNumber
    assert fee_id("xero:tenant:another", "inv", "second") == name
    assert len({fee_id(f"xero:{t}:c", i, s) for t in "ab" for i in "ab" for s in "ab"}) == 8
    assert as_fee_id(name) == name
    assert [as_fee_id(other) for other in ("LF-202603150001", f"X{name}", f"Late fee {name} on INV-1", None)] == [None] * 4


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_more_money_owed_never_means_fewer_fees(less: int, more: int, currency: str) -> None:
    less, more = sorted((less, more))
    terms = replace(FEE, fixed=Amounts({}, Decimal("2.50")), cap=Amounts({}, Decimal(1000)))
    invoices = [replace(INVOICE, amount_due=owed, currency=currency) for owed in (less, more)]
    fees = [reckoned(invoice, INVOICE.due_date, "first", terms, TODAY, NOW) for invoice in invoices]
    amounts = [fee.amount if isinstance(fee, Fee) else 0 for fee in fees]
    assert amounts == sorted(amounts)


@pytest.mark.parametrize("terms", [FEE, PROPOSED], ids=["apply", "propose"])
def test_a_forecast_goes_on_behind_a_fee(terms: LateFee) -> None:
    follows = charging(terms)
    told = [
        (f"{activity.type.value} {activity.step}", done.at)
        for done in turns(overdue(terms), lambda _: follows, utc("2026-03-11 09:00"), utc("2026-04-30 09:00"))
        for activity in done.activities
        if activity.step
    ]
    kind = "fee_applied" if terms is FEE else "fee_proposed"
    again = utc("2026-03-24 09:00")
    assert [line for line in told if line[0].startswith("fee")] == [(f"{kind} first", FIRST_AT), (f"{kind} again", again)]


def test_credit_that_covers_a_part_bears_no_fee_and_one_that_covers_all_ends_it() -> None:
    follows = charging(FEE)
    (first, *_) = turns(overdue(FEE), lambda _: follows, utc("2026-03-11 09:00"), utc("2026-03-18 09:00"), {"EUR": 100_00})
    assert fee_of(first.case).amount == 30
    accepted = work_off(overdue(FEE), FIRST_AT, follows).case
    (lapse, *_) = turns(accepted, lambda _: follows, FIRST_AT, utc("2026-03-18 09:00"), {"EUR": 500_00})
    assert fee_of(lapse.case).state is FeeState.LAPSED
    assert [activity.reason for activity in lapse.activities] == ["no late fee: what was owed is covered by now"]


def test_nobody_is_asked_about_a_late_fee_of_a_customer_who_is_not_chased() -> None:
    proposed = {proposal_key("in_1", "second"): Notice("a late fee waits", FIRST_AT), "reply:1": Notice("somebody answered", FIRST_AT)}
    assert notices_to_tell(replace(PROFILE, notices=proposed)).keys() == proposed.keys()
    assert notices_to_tell(replace(PROFILE, notices=proposed, do_not_chase=True)).keys() == {"reply:1"}
