from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.domain.activity import Activity
from dunning.domain.case import Case, EffectState, Mark, Notice
from dunning.domain.decision import decide
from dunning.domain.effects import Channel, Effect
from dunning.domain.errors import NotYet, Retryable
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Invoice, Status
from dunning.domain.planning import backoff
from dunning.domain.policy import Policy
from dunning.domain.settlement import Done, Settled, unfinished
from dunning.domain.works import Verdict, Work
from tests.unit.domain.builders import (
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
    never,
    policy,
    settlement,
    utc,
    with_plan,
    work_off,
)

ENROLLED = with_plan(INVOICE, ISSUED)
CLAIMED = replace(PROFILE, claim=claim(FIRST_AT), due_at=FIRST_AT + timedelta(minutes=20), due_since=FIRST_AT)


def known(settled: Settled) -> Invoice:
    return settled.case.invoices["in_1"]


def said(activities: tuple[Activity, ...]) -> list[tuple[str, str | None]]:
    return [(activity.type.value, activity.step) for activity in activities]


def ran(case: Case, follows: Policy = BRIEF) -> list[Done]:
    return [Done(work, {}) for work in decide(case, lambda _: follows, FIRST_AT)]


def test_the_briefs_plan_from_beginning_to_end() -> None:
    case, told = case_of(ENROLLED, profile=CLAIMED), []
    while case.invoices["in_1"].next_at is not None:
        now = case.invoices["in_1"].next_at
        settled = work_off(case, now)
        case = settled.case
        told += [(now, *row) for row in said(settled.activities)]
    assert told == [
        (utc("2026-03-17 09:00"), "sent", "first"),
        (utc("2026-03-19 09:00"), "sent", "second"),
        (utc("2026-03-22 09:00"), "escalated", "escalate"),
    ]
    ended = case.invoices["in_1"]
    assert (ended.level, ended.escalated, ended.reminders_sent, ended.is_open) == (3, True, 2, True)
    assert case.profile.due_at is None


def test_a_reminder_raises_the_level_and_sets_the_next_step() -> None:
    case = case_of(ENROLLED, profile=CLAIMED)
    after = known(settlement(FIRST_AT).apply(case, ran(case)))
    assert (after.level, after.last_step, after.anchor_at) == (1, "first", FIRST_AT)
    assert (after.next_step, after.next_at) == ("second", FIRST_AT + timedelta(hours=48))
    assert (after.reminders_sent, after.last_reminder_at) == (1, FIRST_AT)


def test_what_went_out_is_logged_with_its_channels_and_its_claim() -> None:
    case = case_of(replace(ENROLLED, level=1, last_step="first", next_step="second"), profile=CLAIMED)
    (activity,) = settlement(FIRST_AT).apply(case, ran(case)).activities
    assert (activity.type.value, activity.channel, activity.claim) == ("sent", "email, sms", "claim-1")


def test_what_is_worth_saying_of_a_message_is_in_the_log() -> None:
    case = case_of(ENROLLED, profile=CLAIMED)
    (done,) = ran(case)
    noted = Done(done.work, {"email:first:in_1": "email had already gone out"})
    (activity,) = settlement(FIRST_AT).apply(case, [noted]).activities
    assert activity.reason == "7 days after the due date; email had already gone out"


def test_a_skipped_step_anchors_the_next_and_is_no_reminder() -> None:
    follows = policy(replace(FIRST, condition=never, condition_text="no"), SECOND, ESCALATE)
    case = case_of(ENROLLED, profile=CLAIMED)
    settled = settlement(FIRST_AT, follows).apply(case, ran(case, follows))
    after = known(settled)
    assert said(settled.activities) == [("skipped", "first")]
    assert (after.level, after.reminders_sent, after.next_at) == (1, 0, FIRST_AT + timedelta(hours=48))


def test_a_skipped_escalation_does_not_hand_over() -> None:
    follows = policy(replace(ESCALATE, at=FIRST.at, condition=never, condition_text="no"))
    case = case_of(replace(ENROLLED, next_step="escalate"), profile=CLAIMED)
    assert known(settlement(FIRST_AT, follows).apply(case, ran(case, follows))).escalated is False


def test_a_handed_over_invoice_gets_no_more_automated_mail() -> None:
    follows = policy(replace(FIRST, escalate="collections"), SECOND)
    case = case_of(ENROLLED, profile=CLAIMED)
    settled = settlement(FIRST_AT, follows).apply(case, ran(case, follows))
    assert said(settled.activities) == [("sent", "first"), ("escalated", "first")]
    assert (known(settled).escalated, known(settled).next_at) == (True, None)


def test_a_reminder_before_the_due_date_is_not_counted_as_one() -> None:
    follows = policy(before_due("upcoming", 3), FIRST)
    now = utc("2026-03-07 09:00")
    after = known(work_off(case_of(with_plan(INVOICE, ISSUED, follows), profile=CLAIMED), now, follows))
    assert (after.level, after.reminders_sent, after.last_reminder_at) == (1, 0, now)


@pytest.mark.parametrize(
    ("contact", "why"),
    [
        (Contact(), "no_address: the customer has neither a mail address nor a phone"),
        (Contact(phone="+431234567"), "no_address: the customer has a phone but no mail address, and this step is mail only"),
    ],
)
def test_a_customer_without_the_address_that_a_step_needs_is_said_to_have_none_and_the_plan_goes_on(contact: Contact, why: str) -> None:
    case = case_of(ENROLLED, profile=replace(CLAIMED, contact=contact))
    settled = settlement(FIRST_AT).apply(case, ran(case))
    assert [(activity.type.value, activity.reason) for activity in settled.activities] == [("suppressed", why)]
    assert (known(settled).next_step, known(settled).reminders_sent) == ("second", 0)


def test_an_invoice_paid_while_its_reminder_went_out_has_no_next_step() -> None:
    case = case_of(ENROLLED, profile=CLAIMED)
    done = ran(case)
    paid = case.with_invoice(replace(ENROLLED, status=Status.PAID, next_step=None, next_at=None))
    settled = settlement(FIRST_AT).apply(paid, done)
    assert said(settled.activities) == [("sent", "first")]
    assert known(settled).next_at is None


def test_a_step_that_the_policy_dropped_leads_to_the_next_one() -> None:
    follows = policy(after_due("other", 10))
    case = case_of(replace(ENROLLED, next_step="gone"), profile=CLAIMED)
    settled = settlement(FIRST_AT, follows).apply(case, ran(case, follows))
    assert settled.activities == ()
    assert (known(settled).level, known(settled).next_step, known(settled).next_at) == (0, "other", utc("2026-03-20 09:00"))


def test_three_reminders_for_a_long_overdue_invoice_do_not_come_on_one_day() -> None:
    follows = policy(after_due("one", 7), after_due("two", 14), after_due("three", 21))
    now = utc("2026-05-01 12:00")
    case = case_of(with_plan(INVOICE, now, follows), profile=PROFILE)
    instants = []
    while (at := case.invoices["in_1"].next_at) is not None:
        instants.append(at)
        case = work_off(case, at, follows).case
    assert instants == [now, utc("2026-05-08 09:00"), utc("2026-05-15 09:00")]


MOVED_TO = FIRST_AT + timedelta(days=1)
MOVED = Done(Work("in_1", Verdict.MOVE, "first", "outside the hours", move_to=MOVED_TO), {})


@pytest.mark.parametrize(
    ("meanwhile", "next_at"),
    [
        (ENROLLED, MOVED_TO),
        (replace(ENROLLED, next_at=FIRST_AT + timedelta(days=30)), FIRST_AT + timedelta(days=30)),  # the due date moved later
        (replace(ENROLLED, next_step="other"), FIRST_AT),
        (replace(ENROLLED, status=Status.PAID, next_step=None, next_at=None), None),
        (replace(ENROLLED, next_at=None), None),
    ],
)
def test_moving_never_goes_back_and_revives_nothing(meanwhile: Invoice, next_at: datetime | None) -> None:
    settled = settlement(FIRST_AT).apply(case_of(meanwhile, profile=CLAIMED), [MOVED])
    since = meanwhile.next_at if next_at == MOVED_TO else None
    assert known(settled) == replace(meanwhile, next_at=next_at, waits_since=since)
    assert settled.activities == ()


THANKFUL = replace(BRIEF, on_paid_email="thank_you", send_window=OFFICE_HOURS)
PAID = replace(INVOICE, status=Status.PAID, reminders_sent=1, thanks_at=FIRST_AT)


def test_thanks_are_said_once() -> None:
    settled = work_off(case_of(PAID, profile=CLAIMED), FIRST_AT, THANKFUL)
    assert [(activity.type.value, activity.channel) for activity in settled.activities] == [("sent", "email")]
    assert known(settled).thanks_at is None
    assert decide(settled.case, lambda _: THANKFUL, FIRST_AT + timedelta(days=9)) == ()


def test_thanks_that_come_too_late_in_the_day_wait_for_the_morning() -> None:
    settled = work_off(case_of(PAID, profile=CLAIMED), utc("2026-03-17 22:00"), THANKFUL)
    assert settled.activities == ()
    assert (known(settled).thanks_at, settled.case.profile.due_at) == (utc("2026-03-18 08:00"), utc("2026-03-18 08:00"))


def test_thanks_to_nobody_end_without_a_word() -> None:
    settled = work_off(case_of(PAID, profile=CLAIMED), FIRST_AT, BRIEF)
    assert (settled.activities, known(settled).thanks_at) == ((), None)


def test_a_notice_is_told_once() -> None:
    profile = replace(CLAIMED, notices={"bounce-1": Notice("mail bounced", FIRST_AT, ("in_1",)), "later": Notice("more", MOVED_TO)})
    settled = work_off(case_of(profile=profile), FIRST_AT)
    assert [(activity.type.value, activity.reason, activity.invoices) for activity in settled.activities] == [
        ("notified", "mail bounced", ("in_1",))
    ]
    assert list(settled.case.profile.notices) == ["later"]


def test_work_about_an_invoice_that_moved_elsewhere_is_dropped() -> None:
    empty = case_of(profile=CLAIMED)
    assert settlement(FIRST_AT).apply(empty, [MOVED]) == Settled(empty)


def test_a_claim_that_ended_leaves_the_timer_at_the_next_instant() -> None:
    profile = settlement(FIRST_AT).release(case_of(ENROLLED, profile=replace(CLAIMED, retries=3))).profile
    assert (profile.claim, profile.retries, profile.due_at, profile.due_since) == (None, 0, FIRST_AT, FIRST_AT)


@pytest.mark.parametrize(("retries", "minutes"), [(0, 1), (1, 2), (2, 4), (3, 8), (4, 16), (5, 32), (6, 60), (7, 60), (1000, 60)])
def test_each_failure_waits_twice_as_long_an_hour_at_most(retries: int, minutes: int) -> None:
    assert backoff(retries) == timedelta(minutes=minutes)


def test_what_may_work_later_is_postponed_and_remembers_what_was_done() -> None:
    marks = {"email:second:in_1": Mark(EffectState.DONE)}
    profile = settlement(FIRST_AT).postpone(case_of(ENROLLED, profile=replace(CLAIMED, retries=2)), marks).profile
    assert (profile.due_at, profile.due_since, profile.retries) == (FIRST_AT + timedelta(minutes=4), FIRST_AT, 3)
    assert profile.claim is not None
    assert profile.claim.effects == marks
    assert not profile.claimed_at(FIRST_AT)


@pytest.mark.parametrize(
    ("retries", "retry_in", "waits"),
    [
        (0, timedelta(seconds=12), timedelta(minutes=1)),
        (6, timedelta(seconds=12), timedelta(minutes=8)),
        (2, timedelta(minutes=20), timedelta(minutes=20)),
        (0, timedelta(days=1), timedelta(hours=1)),
    ],
)
def test_a_source_at_its_limit_is_asked_again_soon_after_it_takes_requests(retries: int, retry_in: timedelta, waits: timedelta) -> None:
    case = case_of(ENROLLED, profile=replace(CLAIMED, retries=retries))
    assert settlement(FIRST_AT).postpone(case, {}, Retryable("full", FIRST_AT + retry_in)).profile.due_at == FIRST_AT + waits


@pytest.mark.parametrize("retries", [1, 6])
def test_who_waits_for_its_turn_waits_exactly_so_long_however_often(retries: int) -> None:
    case = case_of(ENROLLED, profile=replace(CLAIMED, retries=retries))
    turn = FIRST_AT + timedelta(seconds=7)
    waiting = settlement(FIRST_AT).postpone(case, {}, NotYet("full", turn)).profile
    assert (waiting.due_at, waiting.due_since, waiting.retries) == (turn, FIRST_AT, retries)


def test_being_postponed_is_no_crash() -> None:
    profile = settlement(FIRST_AT).postpone(case_of(ENROLLED, profile=CLAIMED), {}).profile
    assert profile.claim is not None
    assert profile.claim.attempt == 0  # whoever takes over counts one up


def test_while_an_outcome_is_unknown_the_claim_stays_until_it_runs_out() -> None:
    marks = {"sms:second:in_1": Mark(EffectState.STARTED)}
    profile = settlement(FIRST_AT).keep(case_of(ENROLLED, profile=CLAIMED), marks).profile
    assert profile.claim == claim(FIRST_AT, marks)
    assert (profile.due_at, profile.due_since) == (FIRST_AT + timedelta(minutes=20), FIRST_AT)
    assert profile.claimed_at(FIRST_AT + timedelta(minutes=19))


def test_what_no_retry_will_help_is_held_for_a_person() -> None:
    disputed = replace(CLAIMED, retries=3, holds={HoldKind.REPLY: Hold(ISSUED)})
    settled = settlement(FIRST_AT).park(case_of(ENROLLED, profile=disputed), "the template fails", {})
    profile = settled.case.profile
    assert (profile.claim, profile.due_at, profile.due_since, profile.retries) == (None, None, None, 0)
    assert profile.holds == {HoldKind.REPLY: Hold(ISSUED), HoldKind.PARKED: Hold(FIRST_AT, reason="the template fails")}
    assert [(activity.type.value, activity.reason) for activity in settled.activities] == [("held", "parked: the template fails")]
    assert settled.case.invoices == {"in_1": ENROLLED}


def effect(key: str) -> Effect:
    return Effect(key, Channel.EMAIL, "reminder", "friendly", "first", ("in_1",), "ap@acme.example")


def test_only_the_marks_of_unfinished_work_are_still_needed() -> None:
    finished = Work("in_1", Verdict.RUN, "first", "due", (effect("a"), effect("b")))
    marks = {"a": Mark(EffectState.DONE), "b": Mark(EffectState.DONE), "c": Mark(EffectState.STARTED)}
    assert unfinished(case_of(), marks, [Done(finished, {})]) == {"c": Mark(EffectState.STARTED)}


def test_what_was_reported_sent_while_we_settled_is_not_forgotten() -> None:
    reported = {"c": Mark(EffectState.DONE), "d": Mark(EffectState.STARTED)}
    case = case_of(profile=replace(PROFILE, claim=claim(FIRST_AT, reported)))
    assert unfinished(case, {"c": Mark(EffectState.STARTED)}, []) == {"c": Mark(EffectState.DONE)}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    invoices = [
        with_plan(replace(INVOICE, id=f"in_{n}", due_date=draw(st.dates(date(2026, 1, 1), date(2026, 3, 31)))), ISSUED)
        for n in range(draw(st.integers(1, 4)))
    ]
    return case_of(*invoices, profile=CLAIMED)


@given(cases())
def test_settling_again_after_a_lost_race_computes_the_same(case: Case) -> None:
    done = ran(case)
    assert settlement(FIRST_AT).apply(case, done) == settlement(FIRST_AT).apply(case, done)


@given(cases(), st.integers(0, 60 * 24 * 60))
def test_levels_only_rise_and_no_timer_lies_in_the_past(case: Case, minutes: int) -> None:
    now = FIRST_AT + timedelta(minutes=minutes)
    after = work_off(case, now).case
    for before, later in zip(case.invoices.values(), after.invoices.values(), strict=True):
        assert later.level >= before.level
        assert later == before or later.next_at is None or later.next_at >= now


@given(cases(), st.lists(st.integers(1, 5 * 24 * 60), min_size=30, max_size=30))
def test_however_late_the_workers_are_every_step_runs_once(case: Case, delays: list[int]) -> None:
    """Each turn comes late by an arbitrary delay; nothing is repeated and nothing left out."""
    sent: list[tuple[str, str | None]] = []
    for delay in delays:
        if case.profile.due_at is None:
            break
        settled = work_off(case, case.profile.due_at + timedelta(minutes=delay))
        sent += [(activity.invoices[0], activity.step) for activity in settled.activities]
        case = settled.case
    wanted = [(invoice, step.id) for invoice in case.invoices for step in BRIEF.steps]
    assert sorted(sent, key=str) == sorted(wanted, key=str)
