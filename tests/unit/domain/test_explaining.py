"""What happens next, when, and why; and why not sooner."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from dunning.content.holiday_calendars import HolidayCalendar
from dunning.domain.bouncing import sent_again
from dunning.domain.case import Case, Dispute, Profile
from dunning.domain.customer_settings import CustomerSettings
from dunning.domain.explaining import Explanation, Next, explain
from dunning.domain.fee_records import Fee, FeeState
from dunning.domain.fees import Amounts, Basis, FeeMode, LateFee
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Approval, ApprovalState, Contact, Status
from dunning.domain.planning import planned
from dunning.domain.policy import Days, MessageLimit, Policy, Scope, Step, Window
from tests.unit.domain.builders import (
    BRIEF,
    FIRST_AT,
    INVOICE,
    ISSUED,
    PROFILE,
    after_due,
    case_of,
    claim,
    never,
    policy,
    utc,
    with_plan,
    work_off,
)

NOW = utc("2026-03-12 12:00")
DO_NOT_CHASE = "the customer is marked do_not_chase: the team is told of each invoice when its step would have run"
LIMITED = replace(BRIEF, steps=tuple(replace(step, approve_above=Amounts({"EUR": 99_00})) for step in BRIEF.steps))
ENGLISH = replace(BRIEF, timezone="Europe/London", calendar=HolidayCalendar("GB"), send_window={"email": Window(540, 1020)})


def told(case: Case, follows: Policy = BRIEF) -> Explanation:
    return explain(case, lambda _: follows, NOW)


def only(case: Case, follows: Policy = BRIEF) -> Next:
    (one,) = told(case, follows).next
    return one


def reasons(one: Next) -> list[str]:
    return [obstacle.words for obstacle in one.not_sooner]


def test_the_next_step_is_told_with_its_instant_and_its_reason() -> None:
    one = only(case_of(with_plan(INVOICE, ISSUED)))
    assert (one.what, one.step, one.at) == ("mail friendly", "first", FIRST_AT)
    assert (one.why, one.not_sooner) == ("7 days after the due date (10 March 2026)", ())


def test_a_step_that_follows_another_names_it_and_its_condition() -> None:
    after = work_off(case_of(with_plan(INVOICE, ISSUED)), FIRST_AT).case
    (one,) = explain(after, lambda _: BRIEF, FIRST_AT).next
    assert one.what == "mail second_notice and SMS second_notice"
    assert one.why == "48 h after the step before (first); only if not replied"


def test_a_gap_that_will_come_is_foreseen() -> None:
    follows = replace(BRIEF, steps=BRIEF.steps[:1], min_gap=Days(2))
    other = replace(INVOICE, id="in_2", number="ACME-0008", due_date=date(2026, 3, 11))
    first, second = told(case_of(with_plan(INVOICE, ISSUED), with_plan(other, ISSUED)), follows).next
    assert (first.at, first.not_sooner) == (FIRST_AT, ())
    assert (second.at, reasons(second)) == (utc("2026-03-19 09:00"), ["too soon after the message before"])


def test_a_limit_that_is_reached_is_told() -> None:
    follows = replace(BRIEF, max_messages=MessageLimit(1, Days(7)))
    reminded = replace(PROFILE, reminded_at=(utc("2026-03-13 09:00"),))
    one = only(case_of(with_plan(INVOICE, ISSUED), profile=reminded), follows)
    assert (one.at, reasons(one)) == (utc("2026-03-20 09:00"), ["the policy's limit of 1 reminders in a span is reached"])


def test_a_hold_without_an_end_leaves_no_instant_but_says_what_a_release_would_do() -> None:
    held = replace(PROFILE, holds={HoldKind.OPERATOR: Hold(NOW, reason="by Anna")})
    explanation = told(case_of(with_plan(INVOICE, ISSUED), profile=held))
    assert [one.words for one in explanation.obstacles] == ["on hold since 12 March 2026, until a person releases it: by Anna"]
    assert (explanation.next[0].at, explanation.next[0].if_released) == (None, FIRST_AT)


def test_a_hold_with_an_end_puts_the_instant_there() -> None:
    until = utc("2026-03-20 15:00")
    one = only(case_of(with_plan(replace(INVOICE, holds={HoldKind.PROMISE: Hold(NOW, until)}), ISSUED)))
    assert one.at == until
    assert [(obstacle.words, obstacle.until) for obstacle in one.not_sooner] == [
        ("on hold since 12 March 2026, for a promise to pay", until)
    ]


def test_an_open_dispute_is_told() -> None:
    disputed = replace(PROFILE, disputes={"dp_1": Dispute("dp_1", is_open=True, stamp=NOW)})
    explanation = told(case_of(with_plan(INVOICE, ISSUED), profile=disputed))
    assert [one.words for one in explanation.obstacles] == ["a payment is disputed since 12 March 2026"]
    assert (explanation.next[0].at, explanation.next[0].if_released) == (None, FIRST_AT)


def test_refusals_and_claims_are_told() -> None:
    refused = replace(PROFILE, retries=3, due_at=NOW + timedelta(minutes=8))
    (obstacle,) = told(case_of(with_plan(INVOICE, ISSUED), profile=refused)).obstacles
    assert (obstacle.words, obstacle.until) == (
        "sending was refused or others' mail went first, or the source could not be asked, 3 times; it is tried again",
        NOW + timedelta(minutes=8),
    )
    claimed = replace(PROFILE, claim=claim(NOW))
    assert told(case_of(with_plan(INVOICE, ISSUED), profile=claimed)).obstacles[0].until == NOW + timedelta(minutes=20)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"amount_due": 99}, "it is below the smallest sum that the policy reminds about"),
        ({"collects_automatically": True}, "its source charges it by itself"),
        ({"due_date": None}, "it has no due date"),
        ({"amount_due": 0}, "nothing is owed"),
    ],
)
def test_why_nothing_comes_at_all_is_told(changes: dict[str, object], why: str) -> None:
    follows = replace(BRIEF, minimum_balance={"EUR": 100})
    invoice = {name: getattr(INVOICE, name) for name in INVOICE.__slots__} | changes
    silent = planned(type(INVOICE)(**invoice), PROFILE.contact, follows, ISSUED, "test").invoice
    one = only(case_of(silent), follows)
    assert (one.what, one.why, one.at) == ("nothing", why, None)


def test_what_is_with_the_team_or_at_its_end_says_so() -> None:
    handed_over = only(case_of(replace(INVOICE, escalated=True)))
    assert (handed_over.what, handed_over.why) == ("nothing automatic", "it was handed over to our own people")
    short = replace(BRIEF, steps=BRIEF.steps[:1])
    ended = work_off(case_of(with_plan(INVOICE, ISSUED, short)), FIRST_AT, short).case
    task = only(ended, short)
    assert (task.what, task.at) == ("the team is told", FIRST_AT + timedelta(hours=72))
    assert only(case_of(replace(INVOICE, level=1, last_step="first")), short).why == "its plan has ended, and the team was told"


def test_what_credit_covers_says_so() -> None:
    covered = replace(with_plan(INVOICE, ISSUED), suppressed_for="covered_by_credit", next_at=utc("2026-03-18 09:00"))
    one = only(case_of(covered))
    assert (one.at, reasons(one)) == (utc("2026-03-18 09:00"), ["the customer's credit covers it; it is looked at again"])


def test_what_waits_for_a_persons_approval_says_so() -> None:
    waiting = replace(with_plan(INVOICE, ISSUED), approval=Approval("first", ApprovalState.ASKED, INVOICE.amount_due))
    one = only(case_of(waiting), LIMITED)
    assert (one.at, one.if_released, reasons(one)) == (None, FIRST_AT, ["a person has not approved it yet"])
    assert one.what == "mail friendly"


def test_what_a_person_will_be_asked_is_told_with_the_sum() -> None:
    others = [with_plan(replace(INVOICE, id=name, number=name.upper(), amount_due=50_00), ISSUED, LIMITED) for name in ("a", "b", "c")]
    first, *_ = told(case_of(*others), replace(LIMITED, scope=Scope.CUSTOMER)).next
    assert (first.what, first.at) == ("a person is asked to approve it", FIRST_AT)
    assert first.why == (
        "one message about 3 invoices (A, B, C) waits for your approval: together 150.00 EUR are owed, "
        "and steps over 99.00 EUR wait for a person"
    )


def test_a_held_invoice_does_not_lend_its_stage_to_the_message_about_another() -> None:
    """What a release would do is told of the held one alone; its sibling is told as it will be."""
    follows = replace(BRIEF, scope=Scope.CUSTOMER, steps=(BRIEF.steps[0], replace(after_due("second", 14), email="second_notice")))
    older = replace(INVOICE, number="OLD", due_date=date(2026, 3, 3), level=1, last_step="first", reminders_sent=1)
    older = replace(older, anchor_at=utc("2026-03-10 09:00"))
    older = replace(with_plan(older, ISSUED, follows), id="in_0", holds={HoldKind.DISPUTE: Hold(NOW)})
    held, sibling = told(case_of(older, with_plan(INVOICE, ISSUED, follows)), follows).next
    assert (held.what, held.at, held.if_released) == ("mail second_notice", None, FIRST_AT)
    assert (sibling.what, sibling.at) == ("mail friendly", FIRST_AT)
    free = replace(older, holds={})
    assert [one.what for one in told(case_of(free, with_plan(INVOICE, ISSUED, follows)), follows).next] == [
        "mail second_notice",
        "mail second_notice (of the step second, in one message with others)",
    ]


@pytest.mark.parametrize(
    ("mode", "said"),
    [(FeeMode.PROPOSE, "mail friendly and a late fee is proposed to the team"), (FeeMode.APPLY, "mail friendly and a late fee is charged")],
)
def test_what_becomes_of_a_late_fee_is_told(mode: FeeMode, said: str) -> None:
    fee = LateFee(Basis.CONTRACT, mode, percent=Decimal("1.5"))
    follows = replace(BRIEF, steps=(replace(BRIEF.steps[0], late_fee=fee), *BRIEF.steps[1:]))
    assert only(case_of(with_plan(INVOICE, ISSUED, follows)), follows).what == said


def test_what_is_owed_is_told() -> None:
    assert only(case_of(with_plan(INVOICE, ISSUED))).owed == INVOICE.money_due


def test_an_operators_hold_that_ends_by_itself_does_not_say_that_somebody_must_end_it() -> None:
    held = replace(PROFILE, holds={HoldKind.OPERATOR: Hold(NOW, utc("2026-03-20 09:00"), "ask legal")})
    explanation = told(case_of(with_plan(INVOICE, ISSUED), profile=held))
    assert [one.words for one in explanation.obstacles] == ["on hold since 12 March 2026: ask legal"]
    assert explanation.next[0].at == utc("2026-03-20 09:00")


def test_a_mark_of_the_source_leaves_what_would_come_without_it() -> None:
    marked = replace(PROFILE, contact=replace(PROFILE.contact, settings=CustomerSettings(do_not_chase=True)))
    explanation = told(case_of(with_plan(INVOICE, ISSUED), profile=marked))
    assert [one.words for one in explanation.obstacles] == [DO_NOT_CHASE]
    assert (explanation.next[0].at, explanation.next[0].if_released) == (None, FIRST_AT)


def test_a_customer_who_is_not_to_be_chased_is_told_of() -> None:
    explanation = told(case_of(with_plan(INVOICE, ISSUED), profile=replace(PROFILE, do_not_chase=True)))
    assert [one.words for one in explanation.obstacles] == [DO_NOT_CHASE]
    assert (explanation.next[0].at, explanation.next[0].if_released) == (None, FIRST_AT)


def test_a_step_whose_condition_will_fail_is_told_to_be_skipped() -> None:
    follows = replace(BRIEF, steps=(replace(BRIEF.steps[0], condition=never, condition_text="amount_due > 500"), *BRIEF.steps[1:]))
    one = only(case_of(with_plan(INVOICE, ISSUED, follows)), follows)
    assert (one.what, one.why) == ("the step first is skipped", "condition not met: amount_due > 500")


def test_a_customer_who_cannot_be_reached_is_told_of() -> None:
    nobody = Profile(PROFILE.customer, Contact("Acme"))
    one = only(case_of(with_plan(INVOICE, ISSUED, contact=nobody.contact), profile=nobody))
    assert one.what == "no message, for the customer has no address for it"


def test_a_thank_you_is_told_and_what_is_settled_is_not() -> None:
    paid = replace(INVOICE, status=Status.PAID, amount_due=0, reminders_sent=1, thanks_at=utc("2026-03-13 08:00"))
    one = only(case_of(paid), replace(BRIEF, on_paid_email="thank_you"))
    assert (one.what, one.at) == ("mail to say thank you", utc("2026-03-13 08:00"))
    assert told(case_of(replace(paid, thanks_at=None))).next == ()


@pytest.mark.parametrize(
    ("now", "reminded_at", "kept"),
    [
        ("2026-03-17 20:00", "2026-03-16 12:00", ["it is 20:00 there, outside the hours 09:00-17:00"]),
        ("2026-03-18 06:00", "2026-03-17 12:00", ["it is 06:00 there, outside the hours 09:00-17:00"]),
        ("2026-03-17 06:00", "2026-03-16 12:00", []),
    ],
)
def test_at_night_the_hours_keep_back_what_is_overdue_and_a_gap_that_is_over_is_not_named(
    now: str, reminded_at: str, kept: list[str]
) -> None:
    follows = replace(ENGLISH, min_gap=Days(1))
    owed = replace(with_plan(INVOICE, ISSUED, follows), next_at=utc("2026-03-18 09:00") if kept else FIRST_AT)
    reminded = replace(PROFILE, reminded_at=(utc(reminded_at),))
    (one,) = explain(case_of(owed, profile=reminded), lambda _: follows, utc(now)).next
    assert [words for words in reasons(one) if "too soon" in words or "hours" in words] == kept


LETTERS = policy(after_due("first", 3), after_due("second", 6), after_due("third", 9))


def reworded(*steps: Step) -> Policy:
    """The plan after an edit: what was planned before was planned under another wording."""
    return replace(LETTERS, steps=steps, revision="edited")


def test_a_next_step_that_an_edit_removed_gives_way_to_the_one_that_the_sweep_will_plan() -> None:
    after = work_off(case_of(with_plan(INVOICE, ISSUED, LETTERS)), utc("2026-03-13 09:00"), LETTERS).case
    follows = reworded(LETTERS.steps[0], LETTERS.steps[2])
    (one,) = explain(after, lambda _: follows, utc("2026-03-13 12:00")).next
    assert (one.step, one.at) == ("third", utc("2026-03-19 09:00"))
    assert one.why == "9 days after the due date (10 March 2026); its policy has changed, and the next daily sweep makes the plan anew"


@pytest.mark.parametrize(("days", "at"), [(30, "2026-04-09 09:00"), (4, "2026-03-14 09:00")])
def test_an_edited_step_is_told_with_the_instant_that_the_sweep_will_give_it(days: int, at: str) -> None:
    after = work_off(case_of(with_plan(INVOICE, ISSUED, LETTERS)), utc("2026-03-13 09:00"), LETTERS).case
    follows = reworded(LETTERS.steps[0], after_due("second", days))
    (one,) = explain(after, lambda _: follows, utc("2026-03-13 12:00")).next
    assert (one.step, one.at) == ("second", utc(at))
    assert one.why.startswith(f"{days} days after the due date (10 March 2026); its policy has changed")


def test_a_plan_that_an_edit_cut_short_ends_with_a_task_for_the_team() -> None:
    now = utc("2026-03-13 12:00")
    after = work_off(case_of(with_plan(INVOICE, ISSUED, LETTERS)), utc("2026-03-13 09:00"), LETTERS).case
    (one,) = explain(after, lambda _: reworded(LETTERS.steps[0]), now).next
    assert (one.what, one.at) == ("the team is told", now + timedelta(hours=72))


def test_a_step_that_bounced_is_told_beside_the_one_that_comes_next() -> None:
    texts = replace(LETTERS, steps=(replace(LETTERS.steps[0], sms_instead="friendly"), *LETTERS.steps[1:]))
    texts = replace(texts, send_window={"sms": Window(600, 1200)})
    sent = work_off(case_of(with_plan(INVOICE, ISSUED, texts)), utc("2026-03-13 09:00"), texts).case
    at = utc("2026-03-13 22:00")
    dead = replace(sent.profile, dead_addresses=("ap@acme.example",))
    bounced = sent_again(sent.with_profile(dead), "email:first:in_1", dead.dead_addresses, lambda _: texts, at).case
    again, following = explain(bounced, lambda _: texts, at).next
    assert (again.step, again.what, again.at) == ("first", "SMS friendly", utc("2026-03-14 10:00"))
    assert again.why == "the mail of this step bounced, so it is sent again another way"
    assert reasons(again) == ["outside the hours in which it may be sent"]
    assert (following.step, following.at) == ("second", utc("2026-03-16 09:00"))
    assert following.what == "no message, for the customer has no address for it"
    held = bounced.with_profile(replace(bounced.profile, holds={HoldKind.OPERATOR: Hold(at)}))
    again, _ = explain(held, lambda _: texts, at).next
    assert (again.at, again.if_released) == (None, utc("2026-03-14 10:00"))


def test_a_step_is_told_with_the_template_of_the_channel_that_is_open() -> None:
    texts = replace(LETTERS, steps=(replace(LETTERS.steps[0], sms_instead="short"),))
    profile = replace(PROFILE, dead_addresses=("ap@acme.example",))
    assert only(case_of(with_plan(INVOICE, ISSUED, texts), profile=profile), texts).what == "SMS short"


def test_a_row_of_a_joint_message_says_whose_template_it_bears() -> None:
    steps = (after_due("first", 3), replace(after_due("second", 6), email="second_notice"))
    follows = replace(LETTERS, steps=steps, scope=Scope.CUSTOMER)
    newer = with_plan(replace(INVOICE, id="in_2", number="ACME-0008", due_date=date(2026, 3, 13)), ISSUED, follows)
    older = with_plan(replace(INVOICE, level=1, last_step="first", anchor_at=utc("2026-03-13 09:00")), ISSUED, follows)
    first, second = told(case_of(older, newer), follows).next
    assert (first.what, first.at) == ("mail second_notice", utc("2026-03-16 09:00"))
    assert (second.what, second.at) == ("mail second_notice (of the step second, in one message with others)", utc("2026-03-16 09:00"))


def test_a_small_invoice_that_was_handed_over_is_with_our_people() -> None:
    one = only(case_of(replace(INVOICE, escalated=True, suppressed_for="below_minimum_balance")))
    assert (one.what, one.why) == ("nothing automatic", "it was handed over to our own people")


def test_a_plan_that_was_started_again_names_the_day_it_counts_from() -> None:
    restarted = with_plan(replace(INVOICE, counts_from=date(2026, 3, 20)), utc("2026-03-20 12:00"), LETTERS)
    one = only(case_of(restarted), LETTERS)
    assert (one.at, one.why) == (utc("2026-03-23 09:00"), "3 days after the day the plan started again (20 March 2026)")


def test_a_policy_without_a_gap_keeps_nothing_back_for_it() -> None:
    """The step stands later than its named instant for another reason, and a reminder went out between."""
    profile = replace(PROFILE, reminded_at=(utc("2026-03-17 11:00"),))
    late = replace(with_plan(INVOICE, ISSUED), next_at=utc("2026-03-18 09:00"))
    assert reasons(only(case_of(late, profile=profile))) == []


def test_a_fee_that_waits_to_be_charged_is_told_beside_the_next_step() -> None:
    fee = Fee("first", FeeState.ACCEPTED, 500, NOW.date(), NOW)
    waiting, following = told(case_of(with_plan(replace(INVOICE, fees=(fee,)), ISSUED))).next
    assert (waiting.what, waiting.step, waiting.at) == ("late fee of EUR 5.00", "first", NOW)
    assert (following.what, following.at) == ("mail friendly", FIRST_AT)


def test_a_gap_of_another_policy_is_named_where_it_binds() -> None:
    patient, hasty = replace(BRIEF, name="patient", min_gap=Days(5)), replace(BRIEF, name="hasty")
    waiting = replace(with_plan(replace(INVOICE, id="in_2", policy="hasty"), ISSUED, hasty), next_at=utc("2026-03-21 09:00"))
    profile = replace(PROFILE, reminded_at=(utc("2026-03-16 09:00"),))
    much_later = replace(with_plan(replace(INVOICE, policy="patient"), ISSUED, patient), next_at=utc("2026-05-01 09:00"))
    case = case_of(much_later, waiting, profile=profile)
    found = explain(case, lambda invoice: patient if invoice.policy == "patient" else hasty, utc("2026-03-17 10:00"))
    assert "too soon after the message before" in [reason for one in found.next if one.invoice == "in_2" for reason in reasons(one)]


EU = LateFee(Basis.STATUTORY_EU, rates={date(2026, 1, 1): Decimal("2.15")})


@pytest.mark.parametrize(
    ("terms", "known", "said"),
    [
        (EU, (), "the statutory scheme is for debts between businesses, and this customer is not known to be one"),
        (LateFee(Basis.CONTRACT, fixed=Amounts({"EUR": 500})), ("first",), "this step has had its fee"),
        (LateFee(Basis.CONTRACT, fixed=Amounts({"USD": 500})), (), "the policy names no fixed fee in EUR"),
    ],
)
def test_a_late_fee_that_will_be_refused_is_not_promised(terms: LateFee, known: tuple[str, ...], said: str) -> None:
    follows = replace(BRIEF, steps=(replace(BRIEF.steps[0], late_fee=terms), *BRIEF.steps[1:]))
    had = tuple(Fee(step, FeeState.DECLINED, 500, NOW.date(), NOW) for step in known)
    one = only(case_of(with_plan(replace(INVOICE, fees=had), ISSUED, follows)), follows)
    assert one.what == f"mail friendly; no late fee, because {said}"


def test_a_step_that_is_only_a_fee_says_why_nothing_comes_of_it() -> None:
    alone = replace(after_due("first", 7), email=None, late_fee=EU)
    one = only(case_of(with_plan(INVOICE, ISSUED, policy(alone))), policy(alone))
    assert one.what.startswith("no late fee, because the statutory scheme")


def test_a_late_fees_own_invoice_is_explained_in_words() -> None:
    fee = planned(replace(INVOICE, fee_id="LF-K7Q2M4X9T0AB", fee_for="in_0"), PROFILE.contact, BRIEF, ISSUED, "test").invoice
    one = only(case_of(fee))
    assert (one.what, one.why) == ("nothing", "it is a late fee, told of in the messages about the invoice that it was charged on")
