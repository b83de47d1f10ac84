"""Which policy an invoice follows, and from when on another: worked cases of a collections manager."""

from dataclasses import replace

import pytest

from dunning.domain.activity import ActivityType
from dunning.domain.assignment import Assignment, assignment_facts
from dunning.domain.case import Case, EffectState, Mark
from dunning.domain.invoice import Contact, Invoice, Snapshot
from dunning.domain.money import Money
from dunning.domain.policy import Facts, Policy, Step
from dunning.domain.recording import Recorded, Recorder
from tests.unit.domain.builders import (
    ACME,
    BRIEF,
    ESCALATE,
    FIRST,
    FIRST_AT,
    INVOICE,
    ISSUED,
    PROFILE,
    SECOND,
    SEEN,
    STRIPE_TERMINAL,
    after_due,
    case_of,
    claim,
    utc,
    with_plan,
    work_off,
)

LATER = utc("2026-03-12 10:00")
LARGE = Policy("large", "UTC", (after_due("call", 2), FIRST), revision="1")
STANDARD = replace(BRIEF, revision="1")


def large_or_standard(facts: Facts) -> Policy:
    return LARGE if float(str(facts["amount_due"])) >= 1000 or "vip" in str(facts["tags"]) else STANDARD


def recorded(case: Case, seen: Snapshot, *policies: Policy, now: object = LATER) -> Recorded:
    """Take a fetched snapshot in, where these policies exist; the last is the default."""
    book = {policy.name: policy for policy in policies}

    def choose(facts: Facts) -> Policy:
        wanted = large_or_standard(facts).name
        return book.get(wanted, policies[-1])

    def named(invoice: Invoice) -> Policy:
        return book.get(invoice.policy or "", policies[-1])

    at = utc("2026-03-12 10:00") if now is LATER else utc(str(now))
    recorder = Recorder(named, STRIPE_TERMINAL, at, "stripe_webhook", Assignment(choose, book.__contains__))
    return recorder.record(case, replace(seen, stamp=at), fetched=True)


def only(found: Recorded) -> Invoice:
    (invoice,) = found.case.invoices.values()
    return invoice


@pytest.mark.parametrize(
    ("amount", "currency", "seen"),
    [(100_000, "EUR", "1000.00"), (100_000, "JPY", "100000"), (1_234, "KWD", "1.234")],
)
def test_the_amount_is_in_major_units_of_its_currency(amount: int, currency: str, seen: str) -> None:
    found = assignment_facts(replace(INVOICE, amount_due=amount, currency=currency), ACME)["amount_due"]
    assert found == Money(amount, currency).as_decimal()
    assert str(found) == seen


def test_tags_are_the_customers_and_the_invoices_own() -> None:
    contact = replace(ACME, tags=("vip", "north"), is_business=True)
    facts = assignment_facts(replace(INVOICE, tags=("north", "project"), subscription=True), contact)
    assert (facts["tags"], facts["is_business"]) == (("vip", "north", "project"), True)
    assert (facts["subscription"], facts["one_off"], facts["country"], facts["source"]) == (True, False, "US", "stripe")
    assert assignment_facts(INVOICE, Contact())["country"] == ""


def test_a_new_invoice_gets_the_policy_that_is_for_it() -> None:
    found = recorded(case_of(), replace(SEEN, amount_due=5_000_00), LARGE, STANDARD)
    assert (only(found).policy, only(found).next_step) == ("large", "call")
    assert [activity.reason for activity in found.activities] == ["follows the policy large"]


def test_before_the_first_message_a_changed_amount_chooses_again() -> None:
    case = case_of(with_plan(INVOICE, ISSUED, STANDARD))
    found = recorded(case, replace(SEEN, amount_due=5_000_00), LARGE, STANDARD)
    assert (only(found).policy, only(found).next_step, only(found).next_at) == ("large", "call", LATER)
    assert "follows the policy large instead of standard" in [activity.reason for activity in found.activities]


def test_a_tag_that_is_learned_of_before_the_first_message_chooses_again_without_another_change() -> None:
    case = case_of(with_plan(INVOICE, ISSUED, STANDARD))
    found = recorded(case, replace(SEEN, contact=replace(ACME, tags=("vip",))), LARGE, STANDARD)
    assert only(found).policy == "large"
    assert found.case.profile.contact.tags == ("vip",)


def test_after_the_first_message_the_policy_stays_whatever_the_amount() -> None:
    case = work_off(case_of(with_plan(INVOICE, ISSUED, STANDARD)), FIRST_AT, STANDARD).case
    found = recorded(case, replace(SEEN, amount_due=5_000_00), LARGE, STANDARD, now="2026-03-18 10:00")
    assert (only(found).policy, only(found).next_step) == ("standard", "second")


def test_what_has_begun_under_a_claim_keeps_its_policy() -> None:
    profile = replace(PROFILE, claim=claim(LATER, {"email:first:in_1": Mark(EffectState.DONE)}))
    case = case_of(with_plan(INVOICE, ISSUED, STANDARD), profile=profile)
    assert only(recorded(case, replace(SEEN, amount_due=5_000_00), LARGE, STANDARD)).policy == "standard"


def test_a_policy_that_is_gone_hands_over_to_the_one_for_it_from_the_next_step_on() -> None:
    gentle = replace(STANDARD, name="gentle")
    case = work_off(case_of(with_plan(replace(INVOICE, policy="gentle"), ISSUED, gentle)), FIRST_AT, gentle).case
    found = recorded(case, SEEN, STANDARD, now="2026-03-18 10:00")
    assert (only(found).policy, only(found).level, only(found).next_step) == ("standard", 1, "second")
    assert only(found).next_at == utc("2026-03-19 09:00")


def test_the_same_invoice_again_writes_nothing() -> None:
    first = recorded(case_of(), SEEN, LARGE, STANDARD).case
    again = recorded(first, SEEN, LARGE, STANDARD, now="2026-03-13 10:00")
    assert (again.case, again.activities) == (first, ())


NEW = after_due("new", 9)
EDITS = [
    ("removed, with more after it", (FIRST, ESCALATE), "escalate", "2026-03-20 09:00"),
    ("renamed", (FIRST, replace(SECOND, id="firm"), ESCALATE), "firm", "2026-03-19 09:00"),
    ("added before the level", (after_due("early", 1), FIRST, SECOND), "second", "2026-03-19 09:00"),
    ("added after the level", (FIRST, NEW, SECOND), "new", "2026-03-19 09:00"),
    ("the step behind renamed", (replace(FIRST, id="hello"), SECOND), "second", "2026-03-19 09:00"),
    ("the step behind removed", (replace(SECOND, at=after_due("x", 8).at), ESCALATE), "second", "2026-03-18 10:00"),
    ("both sides renamed", (replace(FIRST, id="a"), replace(SECOND, id="b"), replace(ESCALATE, id="c")), "b", "2026-03-19 09:00"),
    ("reordered", (replace(SECOND, at=after_due("x", 1).at), FIRST, ESCALATE), "escalate", "2026-03-20 09:00"),
]


@pytest.mark.parametrize(("steps", "next_step", "next_at"), [row[1:] for row in EDITS], ids=[row[0] for row in EDITS])
def test_an_edited_policy_goes_on_behind_the_level_reached(steps: tuple[Step, ...], next_step: str, next_at: str) -> None:
    """The first step ran on 17 March at nine; then the policy is edited, before the second would."""
    case = work_off(case_of(with_plan(INVOICE, ISSUED, STANDARD)), FIRST_AT, STANDARD).case
    edited = replace(STANDARD, steps=steps, revision="2")
    found = recorded(case, SEEN, edited, now="2026-03-18 10:00")
    assert (only(found).next_step, only(found).next_at) == (next_step, utc(next_at))
    assert only(found).level == 1


def test_a_policy_whose_rest_was_cut_off_ends_as_a_task_for_the_team() -> None:
    case = work_off(case_of(with_plan(INVOICE, ISSUED, STANDARD)), FIRST_AT, STANDARD).case
    found = recorded(case, SEEN, replace(STANDARD, steps=(FIRST,), revision="2"), now="2026-03-18 10:00")
    assert only(found).next_step is None
    assert [activity.type for activity in found.activities] == [ActivityType.PLAN_ENDED]
    assert list(found.case.profile.notices) == ["plan_ended:in_1"]
    again = recorded(found.case, SEEN, replace(STANDARD, steps=(FIRST,), revision="2"), now="2026-03-19 10:00")
    assert (again.case, again.activities) == (found.case, ())


def test_a_step_added_to_a_plan_that_has_ended_is_taken_up() -> None:
    short = replace(STANDARD, steps=(FIRST,))
    case = work_off(case_of(with_plan(INVOICE, ISSUED, short)), FIRST_AT, short).case
    found = recorded(case, SEEN, replace(STANDARD, revision="2"), now="2026-03-18 10:00")
    assert only(found).next_step == "second"


def test_a_step_that_was_put_later_does_not_run_at_its_old_hour() -> None:
    case = case_of(with_plan(INVOICE, ISSUED, STANDARD))
    later = replace(STANDARD, steps=(after_due("first", 10), SECOND), revision="2")
    found = recorded(case, SEEN, later, now="2026-03-17 09:00")
    assert (only(found).next_step, only(found).next_at) == ("first", utc("2026-03-20 09:00"))
