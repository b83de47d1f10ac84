"""Which invoices wait together for a person's word, and what lets them go."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dunning.domain.activity import ActivityType
from dunning.domain.approval import waits_for_approval
from dunning.domain.case import Case
from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.domain.decision import decide, to_ask_about
from dunning.domain.fees import Amounts
from dunning.domain.holding import hold_invoice, release_invoice
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Approval, ApprovalState, Invoice, Status
from dunning.domain.planning import rearmed
from dunning.domain.policy import Policy, Scope
from dunning.domain.settlement import Done
from dunning.domain.works import Verdict, Work
from tests.unit.domain.builders import (
    ACME,
    FIRST,
    FIRST_AT,
    INVOICE,
    PROFILE,
    SECOND,
    SEEN,
    case_of,
    policy,
    record,
    settlement,
    utc,
    work_off,
)

LIMIT = Amounts({"EUR": 1000_00})
JOINT = replace(policy(replace(FIRST, approve_above=LIMIT), replace(SECOND, approve_above=LIMIT)), scope=Scope.CUSTOMER)
A = replace(INVOICE, id="a", number="A", amount_due=600_00, next_step="first", next_at=FIRST_AT)
B = replace(A, id="b", number="B")
FOUR, TEN = FIRST_AT + timedelta(hours=19), FIRST_AT + timedelta(hours=25)
"""Four in the night after, and ten the next morning; the step's own hour is nine."""


def asked(*invoices: Invoice, follows: Policy = JOINT) -> Case:
    """The case once the question is put down and told."""
    case = case_of(*invoices)
    for _ in range(2):
        case = work_off(case, FIRST_AT, follows).case
    assert case.profile.due_at is None
    return case


def decided(case: Case, now: datetime = FIRST_AT, follows: Policy = JOINT) -> tuple[Work, ...]:
    return decide(case, lambda _: follows, now)


def mails(works: tuple[Work, ...]) -> set[tuple[str, ...]]:
    return {effect.invoices for work in works if work.verdict is Verdict.RUN for effect in work.effects}


def questions(works: tuple[Work, ...]) -> set[tuple[str, ...]]:
    return {work.together or (work.invoice,) for work in works if work.verdict is Verdict.ASK}


def held(case: Case) -> Case:
    return hold_invoice(case, case.invoices["a"], HoldKind.DISPUTE, Hold(TEN), "test")[0]


def answered(case: Case, state: ApprovalState) -> Case:
    known = case.invoices["a"]
    assert known.approval is not None
    return case.with_invoice(replace(known, approval=replace(known.approval, state=state), next_at=TEN))


HAPPENINGS: dict[str, tuple[Callable[[Case], Case], set[tuple[str, ...]]]] = {
    "one is disputed": (held, {("b",)}),
    "one falls due later": (lambda case: case.with_invoice(replace(case.invoices["a"], next_at=TEN + timedelta(days=9))), {("b",)}),
    "one is declined": (lambda case: answered(case, ApprovalState.DECLINED), {("b",)}),
    "one is approved": (lambda case: answered(case, ApprovalState.APPROVED), {("a", "b")}),
}


@pytest.mark.parametrize("happening", HAPPENINGS)
def test_what_is_within_the_limit_without_the_other_comes_free_at_once(happening: str) -> None:
    happens, sent = HAPPENINGS[happening]
    case = rearmed(happens(asked(A, B)), TEN, lambda _: JOINT)
    assert case.profile.due_at is not None
    assert case.profile.due_at <= TEN
    assert mails(decided(case, TEN)) == sent


def test_a_question_that_was_withdrawn_for_a_hold_stands_again_after_it() -> None:
    case = held(asked(A, B))
    freed, _ = release_invoice(case, case.invoices["a"], HoldKind.DISPUTE, "over", TEN, "test")
    assert rearmed(freed, TEN, lambda _: JOINT).profile.due_at is None
    assert decided(freed, TEN) == ()


def test_what_comes_free_in_the_night_leaves_at_the_steps_own_hour_in_one_message() -> None:
    third = replace(A, id="c", number="C", amount_due=300_00)
    case = rearmed(held(asked(A, B, third)), FOUR, lambda _: JOINT)
    night = work_off(case, FOUR, JOINT)
    assert night.activities == ()
    assert night.case.profile.due_at == utc("2026-03-18 09:00")
    assert mails(decided(night.case, utc("2026-03-18 09:00"))) == {("b", "c")}


def test_a_message_that_comes_free_is_one_about_all_its_invoices() -> None:
    many = [replace(A, id=f"in_{n:03}", number=f"N{n}", amount_due=10_01) for n in range(100)]
    case = asked(*many)
    paid = replace(SEEN, invoice_id="in_007", number="N7", amount_due=9_01, stamp=TEN)
    case = rearmed(record(case, paid, TEN, JOINT, fetched=True).case, TEN, lambda _: JOINT)
    assert [len(rows) for rows in mails(decided(case, TEN))] == [100]


def test_more_than_one_message_holds_is_asked_about_to_the_last() -> None:
    many = [replace(A, id=f"in_{n:03}", number=f"N{n}", amount_due=8_00) for n in range(130)]
    case, works = case_of(*many), tuple[Work, ...]()
    for _ in range(4):
        works += decided(case)
        case = work_off(case, FIRST_AT, JOINT).case
    assert mails(works) == set()
    assert all(waits_for_approval(invoice) for invoice in case.invoices.values())
    assert case.profile.due_at is None


def test_mails_to_different_people_are_counted_by_themselves() -> None:
    people = (Person("billing", "bill@acme.example"), Person("manager", "boss@acme.example"))
    contact = replace(ACME, settings=CustomerSettings(people=people))
    first, second = (
        replace(FIRST, id=name, approve_above=LIMIT, email_to=(role,)) for name, role in (("first", "billing"), ("second", "manager"))
    )
    follows = replace(policy(first, second), scope=Scope.CUSTOMER)
    case = case_of(A, replace(B, next_step="second"), profile=replace(PROFILE, contact=contact))
    assert mails(decided(case, follows=follows)) == {("a",), ("b",)}


FEE = replace(INVOICE, id="fee", number="LF", amount_due=40_00, fee_id="LF-1", fee_for="a")


@pytest.mark.parametrize("scope", Scope)
def test_the_late_fees_that_a_message_asks_for_count(scope: Scope) -> None:
    follows = replace(JOINT, scope=scope)
    case = case_of(replace(A, amount_due=990_00), FEE)
    (work,) = decided(case, follows=follows)
    assert work.verdict is Verdict.ASK
    assert "invoice A waits for your approval: 1,030.00 EUR is owed, 40.00 EUR of it late fees, and steps over 1,000.00 EUR" in work.reason
    waiting = asked(replace(A, amount_due=990_00), FEE, follows=follows)
    swept = record(waiting, replace(SEEN, invoice_id="a", number="A", total=A.total, amount_due=990_00, stamp=TEN), TEN, follows).case
    assert rearmed(swept, TEN, lambda _: follows).profile.due_at is None


def test_one_over_the_limit_alone_waits_with_the_others_of_its_message() -> None:
    assert questions(decided(case_of(replace(A, amount_due=1200_00), B))) == {("a", "b")}


def test_what_falls_due_while_others_wait_is_asked_about_with_them() -> None:
    case = asked(A, B).with_invoice(replace(B, id="c", number="C", next_at=TEN))
    assert questions(decided(case, TEN)) == {("c", "a", "b")}


def test_a_question_that_was_withdrawn_before_it_was_told_is_not_told() -> None:
    case = work_off(case_of(A, B), FIRST_AT, JOINT).case
    assert len(case.profile.notices) == 1
    works = decided(held(case))
    assert mails(works) == {("b",)}
    assert [work.verdict for work in works] == [Verdict.RUN]


def test_a_question_that_was_never_told_is_told_when_it_stands_again() -> None:
    case = held(work_off(case_of(A, B), FIRST_AT, JOINT).case)
    both, _ = hold_invoice(case, case.invoices["b"], HoldKind.DISPUTE, Hold(TEN), "test")
    waits = rearmed(both, FIRST_AT, lambda _: JOINT)
    assert waits.profile.due_at is None
    for name in ("a", "b"):
        waits, _ = release_invoice(waits, waits.invoices[name], HoldKind.DISPUTE, "over", TEN, "test")
    again = rearmed(waits, TEN, lambda _: JOINT)
    assert again.profile.due_at is not None
    assert [work.verdict for work in decided(again, TEN)] == [Verdict.NOTIFY]


def test_what_was_declined_counts_with_nothing_however_it_was_asked_about() -> None:
    """Asked about alone, declined, and below the limit by now: it is skipped, so the other is within the limit."""
    case = case_of(A, B)
    declined = replace(A, approval=Approval("first", ApprovalState.DECLINED, 1200_00))
    assert mails(decided(case.with_invoice(declined))) == {("b",)}


@pytest.mark.parametrize("gone", ["a", "b", "c"])
def test_a_question_is_told_whichever_of_its_invoices_is_paid_while_it_is_being_put_down(gone: str) -> None:
    third = replace(A, id="c", number="C")
    case = case_of(A, B, third)
    done = [Done(work, {}) for work in decided(case)]
    paid = case.with_invoice(replace(case.invoices[gone], status=Status.PAID, next_step=None, next_at=None))
    settled = settlement(FIRST_AT, JOINT).apply(paid, done)
    assert [one.invoices for one in settled.activities if one.type is ActivityType.HELD] == [("a", "b", "c")]
    (told,) = decided(settlement(FIRST_AT, JOINT).release(settled.case))
    assert told.verdict is Verdict.NOTIFY


def test_the_lowest_limit_of_the_steps_in_a_message_counts() -> None:
    second = replace(SECOND, condition=None, sms=None, approve_above=Amounts({"EUR": 1500_00}))
    follows = replace(policy(JOINT.steps[0], second), scope=Scope.CUSTOMER)
    later = replace(B, next_step="second", level=1, last_step="first")
    assert questions(decided(case_of(A, later), follows=follows)) == {("a", "b")}


def test_mails_with_other_copies_are_other_messages() -> None:
    copied = replace(SECOND, condition=None, sms=None, approve_above=LIMIT, email_cc=("boss@acme.example",))
    follows = replace(policy(JOINT.steps[0], copied), scope=Scope.CUSTOMER)
    later = replace(B, next_step="second", level=1, last_step="first")
    assert mails(decided(case_of(A, later), follows=follows)) == {("a",), ("b",)}


@pytest.mark.parametrize("whose", ["the customer", "each invoice"])
def test_the_source_is_not_asked_about_a_question_while_it_is_held(whose: str) -> None:
    case = asked(A, B)
    case = case.with_profile(replace(case.profile, look_at=TEN))
    assert rearmed(case, FOUR, lambda _: JOINT).profile.due_at == TEN
    if whose == "the customer":
        case = case.with_profile(replace(case.profile, holds={HoldKind.OPERATOR: Hold(FOUR)}))
    else:
        case = case_of(*(replace(one, holds={HoldKind.DISPUTE: Hold(FOUR)}) for one in case.invoices.values()), profile=case.profile)
    assert rearmed(case, FOUR).profile.due_at is None
    assert to_ask_about(case, TEN) == ()
