from dataclasses import replace
from datetime import date, timedelta

import pytest

from dunning.domain.case import Case, Dispute, Notice, Profile
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Invoice, Status
from dunning.domain.planning import next_instant, planned, rearmed, timing_in_words, timing_of, with_thanks
from dunning.domain.policy import AfterPrevious, Step
from tests.unit.domain.builders import (
    ACME,
    BRIEF,
    ESCALATE,
    FIRST,
    FIRST_AT,
    INVOICE,
    ISSUED,
    OFFICE_HOURS,
    PROFILE,
    SECOND,
    after_due,
    before_due,
    case_of,
    claim,
    policy,
    utc,
    with_plan,
)

ENROLLED = with_plan(INVOICE, ISSUED)
SOONER = replace(ENROLLED, id="in_2", next_at=FIRST_AT - timedelta(days=3))
THANKED = replace(INVOICE, id="in_3", status=Status.PAID, thanks_at=FIRST_AT - timedelta(days=5))


def held(*kinds: HoldKind) -> Profile:
    return replace(PROFILE, holds=dict.fromkeys(kinds, Hold(ISSUED)))


def disputed(*states: str) -> Profile:
    return replace(PROFILE, disputes={f"dp_{n}": Dispute(f"dp_{n}", state == "open", ISSUED) for n, state in enumerate(states)})


@pytest.mark.parametrize(
    ("profile", "waits"),
    [
        (PROFILE, False),
        (held(HoldKind.DISPUTE), True),
        (held(HoldKind.PROMISE, HoldKind.REPLY), True),
        (disputed("open"), True),
        (disputed("closed"), False),
        (disputed("open", "closed"), True),  # two disputes: both must end
        (disputed("closed", "closed"), False),
        (replace(disputed("closed"), holds={HoldKind.REPLY: Hold(ISSUED)}), True),  # the dispute ended, the reply waits
    ],
)
def test_reminders_wait_until_every_hold_and_dispute_has_ended(profile: Profile, waits: bool) -> None:
    assert next_instant(case_of(ENROLLED, profile=profile)) == (None if waits else FIRST_AT)


@pytest.mark.parametrize(
    ("profile", "at"),
    [
        (PROFILE, THANKED.thanks_at),
        (held(HoldKind.REPLY), THANKED.thanks_at),
        (disputed("open"), THANKED.thanks_at),
        (held(HoldKind.OPERATOR), None),
        (held(HoldKind.PARKED), None),
        (held(HoldKind.UNDELIVERABLE, HoldKind.REPLY), None),
    ],
)
def test_a_thank_you_waits_only_for_a_person_or_an_address(profile: Profile, at: object) -> None:
    assert next_instant(case_of(THANKED, profile=profile)) == at


def test_our_own_people_are_told_even_of_a_held_case() -> None:
    profile = replace(held(HoldKind.UNDELIVERABLE), notices={"bounce": Notice("mail bounced", ISSUED)})
    assert next_instant(case_of(ENROLLED, profile=profile)) == ISSUED


def test_a_customers_one_timer_is_the_earliest_of_all_invoices() -> None:
    profile = rearmed(case_of(ENROLLED, SOONER), ISSUED).profile
    assert (profile.due_at, profile.due_since) == (SOONER.next_at, SOONER.next_at)


@pytest.mark.parametrize(
    "case",
    [
        case_of(),
        case_of(replace(INVOICE, status=Status.PAID)),
        case_of(ENROLLED, profile=held(HoldKind.OPERATOR)),
        case_of(replace(ENROLLED, status=Status.VOID)),
    ],
)
def test_a_case_with_nothing_to_decide_has_no_timer(case: Case) -> None:
    armed = case.with_profile(replace(case.profile, due_at=FIRST_AT, due_since=FIRST_AT))
    assert rearmed(armed, ISSUED).profile.due_at is None


def test_a_timer_that_stands_right_is_left_alone() -> None:
    armed = rearmed(case_of(ENROLLED, SOONER), ISSUED)
    assert rearmed(armed, ISSUED + timedelta(days=1)) is armed


def test_while_a_claim_is_live_the_timer_belongs_to_it() -> None:
    working = case_of(SOONER, profile=replace(PROFILE, claim=claim(ISSUED), due_at=ISSUED + timedelta(minutes=20)))
    assert rearmed(working, ISSUED + timedelta(minutes=19)) is working
    assert rearmed(working, ISSUED + timedelta(minutes=20)).profile.due_at == SOONER.next_at


def test_news_during_a_backoff_do_not_hurry_the_next_try() -> None:
    retry_at = FIRST_AT + timedelta(minutes=8)
    backing_off = case_of(ENROLLED, profile=replace(PROFILE, retries=3, due_at=retry_at, due_since=FIRST_AT))
    assert rearmed(backing_off, FIRST_AT + timedelta(minutes=1)) is backing_off


def test_a_timer_of_another_day_is_no_backoff_though_the_last_try_failed() -> None:
    tomorrow = replace(PROFILE, retries=1, due_at=FIRST_AT + timedelta(days=1), due_since=FIRST_AT + timedelta(days=1))
    assert rearmed(case_of(ENROLLED, profile=tomorrow), FIRST_AT).profile.due_at == ENROLLED.next_at


def test_payment_during_a_backoff_ends_it() -> None:
    backing_off = replace(PROFILE, retries=3, due_at=FIRST_AT + timedelta(minutes=8), due_since=FIRST_AT)
    assert rearmed(case_of(replace(INVOICE, status=Status.PAID), profile=backing_off), FIRST_AT).profile.due_at is None


@pytest.mark.parametrize(
    ("reminders", "template", "contact", "now", "at"),
    [
        (1, "thank_you", ACME, "2026-03-20 12:00", "2026-03-20 12:00"),
        (1, "thank_you", ACME, "2026-03-20 21:00", "2026-03-21 08:00"),
        (1, "thank_you", ACME, "2026-03-20 03:00", "2026-03-20 08:00"),
        (1, "thank_you", replace(ACME, timezone="Asia/Tokyo"), "2026-03-20 12:00", "2026-03-20 23:00"),
        (0, "thank_you", ACME, "2026-03-20 12:00", None),
        (1, None, ACME, "2026-03-20 12:00", None),
        (1, "thank_you", Contact(phone="+431234567"), "2026-03-20 12:00", None),
    ],
)
def test_who_was_reminded_is_thanked_at_a_decent_hour(
    reminders: int, template: str | None, contact: Contact, now: str, at: str | None
) -> None:
    follows = replace(BRIEF, on_paid_email=template, send_window=OFFICE_HOURS)
    paid = replace(INVOICE, status=Status.PAID, reminders_sent=reminders)
    assert with_thanks(paid, contact, follows, utc(now)).thanks_at == (utc(at) if at else None)


def test_planning_twice_is_planning_once() -> None:
    follows = policy(before_due("upcoming", 3), FIRST)
    late = utc("2026-03-09 12:00")
    once = planned(INVOICE, ACME, follows, late, "test")
    twice = planned(once.invoice, ACME, follows, late, "test")
    assert [activity.step for activity in once.activities] == ["upcoming"]
    assert once.invoice.anchor_at == late
    assert (twice.invoice, twice.activities) == (once.invoice, ())


@pytest.mark.parametrize(
    ("owed", "reason"),
    [
        (replace(INVOICE, collects_automatically=True), "charge_automatically"),
        (replace(INVOICE, due_date=None), "no_due_date"),
        (replace(INVOICE, amount_due=0), "nothing_due"),
    ],
)
def test_silence_is_logged_once_with_its_reason(owed: Invoice, reason: str) -> None:
    once = planned(owed, ACME, BRIEF, ISSUED, "test")
    assert [(activity.type.value, activity.reason) for activity in once.activities] == [("suppressed", reason)]
    assert planned(once.invoice, ACME, BRIEF, ISSUED, "test").activities == ()


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (before_due("upcoming", 3), "3 days before the due date"),
        (before_due("upcoming", 1), "1 day before the due date"),
        (before_due("upcoming", 0), "on the due date"),
        (after_due("due", 0), "on the due date"),
        (after_due("due", 1), "1 day after the due date"),
        (FIRST, "7 days after the due date"),
        (SECOND, "48 h after the step before"),
        (ESCALATE, "72 h after the step before"),
        (replace(SECOND, at=AfterPrevious(timedelta(minutes=90))), "90 min after the step before"),
    ],
)
def test_the_log_says_when_a_step_was_meant_as_a_person_would(step: Step, words: str) -> None:
    assert timing_in_words(step) == words


@pytest.mark.parametrize(
    ("step", "counts_from", "words"),
    [
        (FIRST, date(2026, 3, 20), "7 days after the day the plan started again"),
        (after_due("due", 0), date(2026, 3, 20), "on the day the plan started again"),
        (before_due("upcoming", 1), date(2026, 3, 20), "1 day before the day the plan started again"),
        (SECOND, date(2026, 3, 20), "48 h after the step before"),
        (FIRST, date(2026, 3, 1), "7 days after the due date"),  # the due date is later, and counts
        (FIRST, None, "7 days after the due date"),
    ],
)
def test_a_plan_that_was_started_again_counts_from_that_day_in_words_too(step: Step, counts_from: date | None, words: str) -> None:
    assert timing_of(step, replace(INVOICE, counts_from=counts_from), BRIEF) == words
