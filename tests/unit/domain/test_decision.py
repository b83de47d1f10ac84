from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.domain.case import Case, Dispute, EffectState, Mark, Notice, Profile
from dunning.domain.decision import MOST_AT_ONCE, decide, due_invoices, facts
from dunning.domain.effects import Channel
from dunning.domain.errors import Permanent
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Invoice, Status
from dunning.domain.policy import Facts, Policy, Step
from dunning.domain.timing import days_overdue
from dunning.domain.works import Verdict, Work
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
    before_due,
    case_of,
    claim,
    never,
    policy,
    utc,
)

DUE_NOW = replace(INVOICE, next_step="first", next_at=FIRST_AT)
SECOND_AT = utc("2026-03-19 12:00")
SECOND_DUE = replace(INVOICE, level=1, last_step="first", anchor_at=FIRST_AT, next_step="second", next_at=SECOND_AT, reminders_sent=1)
ESCALATION_DUE = replace(INVOICE, level=2, last_step="second", next_step="escalate", next_at=utc("2026-03-22 09:00"))


def decided(case: Case, now: datetime, follows: Policy = BRIEF) -> tuple[Work, ...]:
    return decide(case, lambda _: follows, now)


def only(case: Case, now: datetime, follows: Policy = BRIEF) -> Work:
    (work,) = decided(case, now, follows)
    return work


def test_the_first_reminder_is_a_mail() -> None:
    work = only(case_of(DUE_NOW), FIRST_AT)
    assert (work.verdict, work.step, work.reason) == (Verdict.RUN, "first", "7 days after the due date")
    assert [(effect.channel, effect.template, effect.to) for effect in work.effects] == [(Channel.EMAIL, "friendly", "ap@acme.example")]


def test_nothing_is_decided_before_its_instant() -> None:
    assert decided(case_of(DUE_NOW), FIRST_AT - timedelta(seconds=1)) == ()


@pytest.mark.parametrize(
    ("contact", "sent"),
    [
        (ACME, [("email", "ap@acme.example"), ("sms", "+431234567")]),
        (replace(ACME, phone=None), [("email", "ap@acme.example")]),
        (replace(ACME, email=None), [("sms", "+431234567")]),
        (Contact(), []),
    ],
)
def test_the_second_notice_goes_wherever_the_customer_can_be_reached(contact: Contact, sent: list[tuple[str, str]]) -> None:
    work = only(case_of(SECOND_DUE, profile=replace(PROFILE, contact=contact)), SECOND_AT)
    assert work.verdict is Verdict.RUN
    assert [(effect.channel.value, effect.to) for effect in work.effects] == sent


def test_the_escalation_tells_the_team_and_not_the_customer() -> None:
    work = only(case_of(ESCALATION_DUE), utc("2026-03-22 09:00"))
    assert [(effect.channel, effect.kind, effect.to) for effect in work.effects] == [(Channel.TEAM, "escalation", "collections")]


def test_mail_goes_first_then_sms_then_our_own_people() -> None:
    everything = replace(SECOND, id="all", escalate="collections")
    work = only(case_of(replace(DUE_NOW, next_step="all")), FIRST_AT, policy(everything))
    assert [effect.channel for effect in work.effects] == [Channel.EMAIL, Channel.SMS, Channel.TEAM]


def test_every_message_has_its_own_name_for_ever() -> None:
    both = case_of(SECOND_DUE, replace(SECOND_DUE, id="in_2"))
    keys = [effect.key for work in decided(both, SECOND_AT) for effect in work.effects]
    assert keys == ["email:second:in_1", "sms:second:in_1", "email:second:in_2", "sms:second:in_2"]


@pytest.mark.parametrize(
    "silent",
    [
        replace(DUE_NOW, status=Status.PAID),
        replace(DUE_NOW, status=Status.VOID),
        replace(DUE_NOW, status=Status.UNCOLLECTIBLE),
        replace(DUE_NOW, next_at=None),
    ],
)
def test_what_is_settled_or_has_no_plan_is_left_alone(silent: Invoice) -> None:
    assert decided(case_of(silent), FIRST_AT + timedelta(days=365)) == ()


@pytest.mark.parametrize(
    "profile",
    [
        *(replace(PROFILE, holds={kind: Hold(ISSUED)}) for kind in HoldKind),
        replace(PROFILE, disputes={"dp_1": Dispute("dp_1", is_open=True, stamp=ISSUED)}),
        replace(
            PROFILE,
            disputes={"dp_1": Dispute("dp_1", is_open=False, stamp=ISSUED), "dp_2": Dispute("dp_2", is_open=True, stamp=ISSUED)},
        ),
        replace(PROFILE, holds={HoldKind.REPLY: Hold(ISSUED)}, disputes={"dp_1": Dispute("dp_1", is_open=False, stamp=ISSUED)}),
    ],
)
def test_a_held_customer_is_not_reminded(profile: Profile) -> None:
    case = case_of(DUE_NOW, profile=profile)
    assert due_invoices(case, FIRST_AT) == ()
    assert decided(case, FIRST_AT) == ()


def test_when_every_hold_has_ended_the_step_runs() -> None:
    ended = replace(PROFILE, disputes={"dp_1": Dispute("dp_1", is_open=False, stamp=ISSUED)})
    assert only(case_of(DUE_NOW, profile=ended), FIRST_AT + timedelta(days=9)).verdict is Verdict.RUN


def test_a_condition_that_is_not_met_skips_the_step_and_says_which() -> None:
    doubting = replace(SECOND, condition=never, condition_text="amount_due > 500")
    work = only(case_of(SECOND_DUE), SECOND_AT, policy(FIRST, doubting, ESCALATE))
    assert (work.verdict, work.reason, work.effects) == (Verdict.SKIP, "condition not met: amount_due > 500", ())


def test_a_condition_that_cannot_be_evaluated_is_for_a_person() -> None:
    def broken(_: Facts) -> bool:
        raise Permanent("no such word")

    with pytest.raises(Permanent):
        decided(case_of(SECOND_DUE), SECOND_AT, policy(FIRST, replace(SECOND, condition=broken)))


@pytest.mark.parametrize(
    ("contact", "now", "moved_to"),
    [
        (ACME, "2026-03-19 12:00", None),
        (ACME, "2026-03-19 18:00", "2026-03-20 10:00"),  # mail and SMS: 10 to 18
        (ACME, "2026-03-20 08:30", "2026-03-20 10:00"),
        (replace(ACME, phone=None), "2026-03-20 08:30", None),
        (replace(ACME, email=None), "2026-03-19 19:30", None),
        (replace(ACME, timezone="America/New_York"), "2026-03-19 12:00", "2026-03-19 14:00"),
        (Contact(), "2026-03-20 03:00", None),
    ],
)
def test_outside_its_hours_a_step_is_moved_and_never_lost(contact: Contact, now: str, moved_to: str | None) -> None:
    case = case_of(SECOND_DUE, profile=replace(PROFILE, contact=contact))
    work = only(case, utc(now), replace(BRIEF, send_window=OFFICE_HOURS))
    assert work.verdict is (Verdict.MOVE if moved_to else Verdict.RUN)
    assert work.move_to == (utc(moved_to) if moved_to else None)


def test_a_late_worker_moves_a_step_to_tomorrow_at_its_own_time() -> None:
    work = only(case_of(DUE_NOW), utc("2026-03-17 18:02"), replace(BRIEF, send_window=OFFICE_HOURS))
    assert work.move_to == utc("2026-03-18 09:00")


def test_a_condition_is_asked_only_when_the_step_may_run() -> None:
    def not_yet(_: Facts) -> bool:
        raise AssertionError("asked outside the hours")

    follows = replace(policy(replace(FIRST, condition=not_yet)), send_window=OFFICE_HOURS)
    assert only(case_of(DUE_NOW), utc("2026-03-17 20:00"), follows).verdict is Verdict.MOVE


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        ("2026-03-07 09:00", Verdict.RUN),
        ("2026-03-09 09:00", Verdict.RUN),  # released the day before: still true
        ("2026-03-10 23:00", Verdict.RUN),
        ("2026-03-11 00:00", Verdict.SKIP),  # released when it is overdue
        ("2026-04-11 09:00", Verdict.SKIP),
    ],
)
def test_what_is_overdue_is_not_announced_as_due_soon(now: str, verdict: Verdict) -> None:
    waiting = replace(INVOICE, next_step="upcoming", next_at=utc("2026-03-07 09:00"))
    assert only(case_of(waiting), utc(now), policy(before_due("upcoming", 3), FIRST)).verdict is verdict


def test_a_step_that_the_policy_dropped_is_planned_anew() -> None:
    work = only(case_of(replace(DUE_NOW, next_step="gone")), FIRST_AT)
    assert (work.verdict, work.effects) == (Verdict.REPLAN, ())


def test_at_most_twenty_invoices_at_once_the_longest_waiting_first() -> None:
    many = [replace(DUE_NOW, id=f"in_{n:02}", next_at=FIRST_AT - timedelta(minutes=n)) for n in range(MOST_AT_ONCE + 5)]
    works = decided(case_of(*many), FIRST_AT)
    assert [work.invoice for work in works] == [f"in_{n:02}" for n in range(MOST_AT_ONCE + 4, 4, -1)]


def test_thanks_and_reminders_together_are_at_most_twenty() -> None:
    thanked = [replace(INVOICE, id=f"paid_{n}", status=Status.PAID, thanks_at=FIRST_AT) for n in range(3)]
    owed = [replace(DUE_NOW, id=f"in_{n:02}") for n in range(MOST_AT_ONCE)]
    works = decided(case_of(*owed, *thanked), FIRST_AT, replace(BRIEF, on_paid_email="thank_you"))
    assert [work.verdict for work in works] == [Verdict.THANK] * 3 + [Verdict.RUN] * (MOST_AT_ONCE - 3)


THANKFUL = replace(BRIEF, on_paid_email="thank_you", send_window=OFFICE_HOURS)
PAID = replace(INVOICE, status=Status.PAID, amount_due=0, reminders_sent=1, thanks_at=FIRST_AT)


def test_a_payment_is_thanked_for_by_mail() -> None:
    (effect,) = only(case_of(PAID), FIRST_AT, THANKFUL).effects
    assert (effect.kind, effect.template, effect.to) == ("thank_you", "thank_you", "ap@acme.example")


@pytest.mark.parametrize(
    ("contact", "follows"),
    [(replace(ACME, email=None), THANKFUL), (ACME, BRIEF)],
)
def test_when_there_is_nobody_to_thank_the_timer_still_ends(contact: Contact, follows: Policy) -> None:
    work = only(case_of(PAID, profile=replace(PROFILE, contact=contact)), FIRST_AT, follows)
    assert (work.verdict, work.effects) == (Verdict.THANK, ())


def test_a_late_thank_you_waits_for_the_morning_too() -> None:
    work = only(case_of(PAID), utc("2026-03-17 22:00"), THANKFUL)
    assert (work.verdict, work.move_to) == (Verdict.MOVE, utc("2026-03-18 08:00"))


@pytest.mark.parametrize(
    ("holds", "thanked"),
    [((), True), ((HoldKind.REPLY,), True), ((HoldKind.OPERATOR,), False), ((HoldKind.PARKED,), False), ((HoldKind.UNDELIVERABLE,), False)],
)
def test_a_person_or_a_dead_address_stops_thanks_too(holds: tuple[HoldKind, ...], thanked: bool) -> None:
    profile = replace(PROFILE, holds=dict.fromkeys(holds, Hold(ISSUED)))
    assert bool(decided(case_of(PAID, profile=profile), FIRST_AT, THANKFUL)) == thanked


def test_the_team_is_told_of_what_a_person_must_look_at() -> None:
    notices = {"bounce-1": Notice("mail bounced", FIRST_AT, ("in_1",)), "later": Notice("not yet", FIRST_AT + timedelta(hours=1))}
    work = only(case_of(profile=replace(PROFILE, notices=notices, holds={HoldKind.UNDELIVERABLE: Hold(ISSUED)})), FIRST_AT)
    assert [(effect.key, effect.channel, effect.reason) for effect in work.effects] == [("notice:bounce-1", Channel.TEAM, "mail bounced")]


MAIL_DONE = {"email:second:in_1": Mark(EffectState.DONE)}
MAIL_DONE_SMS_STARTED = {**MAIL_DONE, "sms:second:in_1": Mark(EffectState.STARTED)}


@pytest.mark.parametrize(
    ("marks", "now", "holds", "carried_out"),
    [
        ({}, "2026-03-19 18:05", (), None),  # nothing went out: it is moved
        (MAIL_DONE, "2026-03-19 12:00", (), ["email", "sms"]),
        (MAIL_DONE, "2026-03-19 18:05", (), ["email", "sms"]),  # mail is over for today, SMS still may
        (MAIL_DONE, "2026-03-19 20:05", (), ["email"]),  # the SMS is left away
        (MAIL_DONE_SMS_STARTED, "2026-03-19 20:05", (), ["email", "sms"]),
        (MAIL_DONE, "2026-03-19 12:00", (HoldKind.DISPUTE,), ["email"]),
    ],
)
def test_a_step_that_has_begun_is_finished_and_its_mail_does_not_go_out_again_tomorrow(
    marks: Mapping[str, Mark], now: str, holds: tuple[HoldKind, ...], carried_out: list[str] | None
) -> None:
    profile = replace(PROFILE, holds=dict.fromkeys(holds, Hold(ISSUED)), claim=claim(utc(now), marks))
    work = only(case_of(SECOND_DUE, profile=profile), utc(now), replace(BRIEF, send_window=OFFICE_HOURS))
    if carried_out is None:
        assert work.verdict is Verdict.MOVE
    else:
        assert work.verdict is Verdict.RUN
        assert [effect.channel.value for effect in work.effects] == carried_out


def test_of_a_held_case_only_the_begun_step_is_looked_at() -> None:
    profile = replace(PROFILE, holds={HoldKind.DISPUTE: Hold(ISSUED)}, claim=claim(SECOND_AT, MAIL_DONE))
    case = case_of(SECOND_DUE, replace(SECOND_DUE, id="in_2"), profile=profile)
    assert [invoice.id for invoice in due_invoices(case, SECOND_AT)] == ["in_1"]
    assert [work.invoice for work in decided(case, SECOND_AT)] == ["in_1"]


def test_a_begun_step_that_the_policy_dropped_is_planned_anew() -> None:
    case = case_of(SECOND_DUE, profile=replace(PROFILE, claim=claim(SECOND_AT, MAIL_DONE)))
    assert only(case, SECOND_AT, policy(FIRST)).verdict is Verdict.REPLAN


def test_what_is_left_away_is_said() -> None:
    now = utc("2026-03-19 20:05")
    case = case_of(SECOND_DUE, profile=replace(PROFILE, claim=claim(now, MAIL_DONE)))
    assert only(case, now, replace(BRIEF, send_window=OFFICE_HOURS)).reason == "48 h after the step before; sms left away"


def test_a_condition_is_not_asked_again_of_a_step_that_has_begun() -> None:
    case = case_of(SECOND_DUE, profile=replace(PROFILE, claim=claim(SECOND_AT, MAIL_DONE)))
    follows = policy(FIRST, replace(SECOND, condition=never, condition_text="replied"), ESCALATE)
    assert only(case, SECOND_AT, follows).verdict is Verdict.RUN


def test_thanks_that_went_out_are_not_moved_to_the_morning() -> None:
    late = utc("2026-03-17 22:00")
    case = case_of(PAID, profile=replace(PROFILE, claim=claim(late, {"thanks:in_1": Mark(EffectState.DONE)})))
    assert only(case, late, THANKFUL).verdict is Verdict.THANK


@pytest.mark.parametrize(
    ("now", "zone", "days"),
    [
        ("2026-03-10 12:00", None, 0),
        ("2026-03-11 00:00", None, 1),
        ("2026-03-09 23:59", None, -1),
        ("2026-03-17 09:00", None, 7),
        ("2026-03-10 16:00", "Asia/Tokyo", 1),  # the 11th has come there
        ("2026-03-11 03:00", "America/New_York", 0),
        ("2026-04-10 00:00", "Europe/Berlin", 31),
    ],
)
def test_days_overdue_are_counted_where_the_customer_is(now: str, zone: str | None, days: int) -> None:
    assert days_overdue(INVOICE, replace(ACME, timezone=zone), BRIEF, utc(now)) == days


def test_without_a_due_date_nothing_is_overdue() -> None:
    assert days_overdue(replace(INVOICE, due_date=None), ACME, BRIEF, FIRST_AT) == 0


def test_a_due_date_counted_from_the_day_of_issue_becomes_overdue_as_any_other() -> None:
    assert days_overdue(replace(INVOICE, due_date=None), ACME, replace(BRIEF, no_due_date_after=30), FIRST_AT) == 7


def test_a_condition_may_ask_for_what_the_case_knows() -> None:
    assert facts(SECOND_DUE, PROFILE, BRIEF, SECOND_AT) == {
        "amount_due": Decimal("120.00"),
        "currency": "EUR",
        "days_overdue": 9,
        "level": 1,
        "reminders_sent": 1,
        "replied": False,
        "opened": False,
        "promise_broken": False,
        "country": "US",
        "tags": (),
        "source": "stripe",
        "is_business": False,
    }


@pytest.mark.parametrize(("minor", "currency", "major"), [(500, "JPY", "500"), (5_500, "KWD", "5.500"), (1, "EUR", "0.01")])
def test_a_condition_compares_amounts_in_the_currencys_own_units(minor: int, currency: str, major: str) -> None:
    asked = facts(replace(INVOICE, amount_due=minor, currency=currency), Profile("stripe:cus_1"), BRIEF, FIRST_AT)
    assert (asked["amount_due"], asked["country"]) == (Decimal(major), "")


STEPS = st.sampled_from([FIRST, SECOND, ESCALATE, replace(SECOND, id="never", condition=never)])
HOLDS = st.sets(st.sampled_from(HoldKind), max_size=1)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    invoices = [
        replace(
            INVOICE,
            id=f"in_{n}",
            status=draw(st.sampled_from([Status.OPEN, Status.OPEN, Status.PAID, Status.VOID])),
            due_date=draw(st.dates(date(2026, 3, 1), date(2026, 3, 31))),
            next_step=draw(STEPS).id,
            next_at=FIRST_AT + timedelta(minutes=draw(st.integers(-60, 60))),
            thanks_at=draw(st.none() | st.just(FIRST_AT)),
        )
        for n in range(draw(st.integers(0, 6)))
    ]
    return case_of(*invoices, profile=replace(PROFILE, holds=dict.fromkeys(draw(HOLDS), Hold(ISSUED))))


FOLLOWED: tuple[Step, ...] = (FIRST, SECOND, ESCALATE, replace(SECOND, id="never", condition=never))
WORKING_HOURS = replace(policy(*FOLLOWED), send_window=OFFICE_HOURS, on_paid_email="thank_you")


@given(cases(), st.integers(0, 48 * 60))
def test_deciding_twice_decides_the_same_in_whatever_order_the_case_was_read(case: Case, minutes: int) -> None:
    now = FIRST_AT + timedelta(minutes=minutes)
    reversed_case = replace(case, invoices=dict(reversed(list(case.invoices.items()))))
    assert decided(reversed_case, now, WORKING_HOURS) == decided(case, now, WORKING_HOURS)


@given(cases(), st.integers(0, 48 * 60))
def test_no_customer_is_written_to_outside_the_hours_or_about_what_is_settled(case: Case, minutes: int) -> None:
    now = FIRST_AT + timedelta(minutes=minutes)
    for work in decided(case, now, WORKING_HOURS):
        for effect in work.effects:
            if effect.channel is Channel.TEAM:
                continue
            window = OFFICE_HOURS[effect.channel.value]
            assert window.start <= now.hour * 60 + now.minute < window.end
            assert case.invoices[work.invoice].is_open or effect.kind == "thank_you"
        assert work.move_to is None or work.move_to > now
