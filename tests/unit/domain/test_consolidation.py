"""One message for all that a customer owes, and the gaps between messages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.domain.case import Case, Claim, EffectState, Mark
from dunning.domain.decision import decide
from dunning.domain.effects import Channel, joint_key, marks_by_row, rows_of
from dunning.domain.policy import Days, MessageLimit, Policy, Scope
from dunning.domain.settlement import Done, unfinished
from dunning.domain.works import Verdict, Work
from tests.unit.domain.builders import BRIEF, FIRST_AT, INVOICE, PROFILE, case_of, settlement, utc, work_off

ONE_MESSAGE = replace(BRIEF, scope=Scope.CUSTOMER)


def _case(*numbers: int, step: str = "first") -> Case:
    invoices = [replace(INVOICE, id=f"in_{n}", number=f"N-{n}", next_step=step, next_at=FIRST_AT) for n in numbers]
    return case_of(*invoices)


def _decided(case: Case, policy: Policy = ONE_MESSAGE) -> tuple[Work, ...]:
    return decide(case, lambda _: policy, FIRST_AT)


def test_ten_invoices_become_one_mail() -> None:
    works = _decided(_case(*range(10)))
    (mail,) = {effect for work in works for effect in work.effects if effect.channel is Channel.EMAIL}
    assert set(mail.invoices) == {f"in_{n}" for n in range(10)}
    assert [work.verdict for work in works] == [Verdict.RUN] * 10


def test_without_it_every_invoice_has_its_own() -> None:
    mails = {effect.key for work in _decided(_case(1, 2), BRIEF) for effect in work.effects}
    assert mails == {"email:first:in_1", "email:first:in_2"}


def test_the_highest_stage_gives_the_template_and_each_row_keeps_its_own() -> None:
    second = replace(INVOICE, id="in_9", number="N-9", level=1, last_step="first", next_step="second", next_at=FIRST_AT, anchor_at=FIRST_AT)
    works = _decided(_case(1).with_invoice(second))
    (mail,) = {effect for work in works for effect in work.effects if effect.channel is Channel.EMAIL}
    assert (mail.template, mail.step) == ("second_notice", "second")
    assert mail.invoices == ("in_9", "in_1")
    assert rows_of(mail.key) == ("email:second:in_9", "email:first:in_1")


def test_what_is_due_later_today_rides_along_and_what_is_due_tomorrow_does_not() -> None:
    today = replace(INVOICE, id="in_2", next_step="first", next_at=FIRST_AT + timedelta(hours=5))
    tomorrow = replace(INVOICE, id="in_3", next_step="first", next_at=FIRST_AT + timedelta(days=1))
    works = _decided(_case(1).with_invoice(today).with_invoice(tomorrow))
    assert {work.invoice for work in works} == {"in_1", "in_2"}


def test_a_reminder_too_soon_after_the_last_is_moved_to_the_first_free_day() -> None:
    policy = replace(ONE_MESSAGE, min_gap=Days(1))
    case = _case(1)
    case = case.with_profile(replace(case.profile, reminded_at=(FIRST_AT - timedelta(hours=3),)))
    (work,) = _decided(case, policy)
    assert work.verdict is Verdict.SUPPRESS
    assert work.move_to == FIRST_AT + timedelta(days=1)


def test_no_more_messages_than_the_policy_allows_in_its_span() -> None:
    policy = replace(ONE_MESSAGE, max_messages=MessageLimit(2, Days(7)))
    reminded = (FIRST_AT - timedelta(days=6), FIRST_AT - timedelta(days=3))
    case = _case(1)
    (work,) = _decided(case.with_profile(replace(case.profile, reminded_at=reminded)), policy)
    assert (work.verdict, work.move_to) == (Verdict.SUPPRESS, FIRST_AT + timedelta(days=1))


def test_messages_that_leave_at_one_instant_count_one_by_one() -> None:
    apart = work_off(_case(1, 2), FIRST_AT).case
    assert apart.profile.reminded_at == (FIRST_AT, FIRST_AT)
    together = work_off(_case(1, 2), FIRST_AT, ONE_MESSAGE).case
    assert together.profile.reminded_at == (FIRST_AT,)
    in_parts = settlement(FIRST_AT, ONE_MESSAGE)
    case = _case(1, 2)
    for work in _decided(case):
        case = in_parts.apply(case, [Done(work, {})]).case
    assert case.profile.reminded_at == (FIRST_AT,)
    limited = replace(BRIEF, max_messages=MessageLimit(2, Days(7)))
    next_day = FIRST_AT + timedelta(days=1)
    third = replace(INVOICE, id="in_3", next_step="first", next_at=next_day)
    (work,) = decide(apart.with_invoice(third), lambda _: limited, next_day)
    assert (work.verdict, work.move_to) == (Verdict.SUPPRESS, FIRST_AT + timedelta(days=7))


def test_two_messages_at_once_keep_the_gap_unless_they_become_one() -> None:
    gap = timedelta(hours=2)
    apart = _decided(_case(1, 2), replace(BRIEF, min_gap=gap))
    assert [(work.verdict, work.move_to) for work in apart] == [(Verdict.RUN, None), (Verdict.SUPPRESS, FIRST_AT + gap)]
    assert [work.verdict for work in _decided(_case(1, 2), replace(ONE_MESSAGE, min_gap=gap))] == [Verdict.RUN, Verdict.RUN]


def test_a_mail_that_an_abandoned_claim_sent_counts_for_the_gap() -> None:
    case = _case(1, 2)
    claim = Claim("claim-1", FIRST_AT, "claim-1", 2, {"email:first:in_1": Mark(EffectState.DONE)})
    case = case.with_profile(replace(case.profile, claim=claim))
    works = _decided(case, replace(ONE_MESSAGE, min_gap=timedelta(hours=2)))
    assert [(work.invoice, work.verdict) for work in works] == [("in_1", Verdict.RUN), ("in_2", Verdict.SUPPRESS)]


@pytest.mark.parametrize("rows", [[("first", "in_1")], [("second", "in_9"), ("first", "in_1"), ("first", "in_2")]])
def test_a_key_says_which_rows_it_stands_for(rows: list[tuple[str, str]]) -> None:
    key = joint_key(Channel.EMAIL, rows)
    assert rows_of(key) == tuple(f"email:{step}:{invoice}" for step, invoice in rows)


def test_a_mail_known_to_have_gone_out_is_known_for_each_of_its_invoices() -> None:
    key = joint_key(Channel.EMAIL, [("first", "in_1"), ("first", "in_2")])
    assert marks_by_row({key: Mark(EffectState.DONE)}) == {
        "email:first:in_1": Mark(EffectState.DONE),
        "email:first:in_2": Mark(EffectState.DONE, leads=False),
    }


def test_while_a_large_message_is_put_down_in_parts_the_rest_stays_marked() -> None:
    works = _decided(_case(1, 2))
    marks = {f"email:first:in_{n}": Mark(EffectState.DONE) for n in (1, 2)}
    assert unfinished(Case(PROFILE), marks, [Done(works[0], {})]) == {"email:first:in_2": Mark(EffectState.DONE)}


def test_what_an_abandoned_claim_left_to_send_goes_out_in_one_message_too() -> None:
    case = _case(1, 2)
    contact = replace(case.profile.contact, phone="+15550100")
    policy = replace(ONE_MESSAGE, steps=(replace(ONE_MESSAGE.steps[0], sms="friendly"), *ONE_MESSAGE.steps[1:]), send_window={})
    marks = {f"email:first:in_{n}": Mark(EffectState.DONE) for n in (1, 2)}
    case = case.with_profile(replace(case.profile, contact=contact, claim=Claim("claim-2", FIRST_AT, "claim-1", 2, marks)))
    first, second = _decided(case, policy)
    assert [effect.key for effect in first.effects] == ["email:first:in_1", "sms:first*2:in_1,in_2"]
    assert [effect.key for effect in second.effects] == ["email:first:in_2", "sms:first*2:in_1,in_2"]


def _mail_out(case: Case, *numbers: int) -> Case:
    """A claim's mail about these went out; it never put that down."""
    marks = {f"email:first:in_{n}": Mark(EffectState.DONE, FIRST_AT, leads=n == numbers[0]) for n in numbers}
    return case.with_profile(replace(case.profile, claim=Claim("claim-2", FIRST_AT, "claim-1", 2, marks)))


def test_what_has_gone_out_and_is_only_put_down_brings_nothing_forward() -> None:
    second = replace(INVOICE, id="in_3", next_step="second", level=1, last_step="first", next_at=FIRST_AT + timedelta(minutes=20))
    works = _decided(_mail_out(_case(1, 2).with_invoice(second), 1, 2))
    assert [work.invoice for work in works] == ["in_1", "in_2"]


def test_one_that_rode_along_in_what_has_gone_out_is_put_down_and_finished_with_it() -> None:
    rider = replace(INVOICE, id="in_2", next_step="first", next_at=FIRST_AT + timedelta(hours=5))
    case = _mail_out(_case(1).with_invoice(rider), 1, 2)
    case = case.with_profile(replace(case.profile, contact=replace(case.profile.contact, phone="+15550100")))
    policy = replace(ONE_MESSAGE, steps=(replace(ONE_MESSAGE.steps[0], sms="friendly"), *ONE_MESSAGE.steps[1:]), send_window={})
    assert [work.effects[1].key for work in _decided(case, policy)] == ["sms:first*2:in_1,in_2"] * 2


def test_one_message_that_an_abandoned_claim_sent_is_told_as_one() -> None:
    (sent,) = work_off(_mail_out(_case(1, 2), 1, 2), FIRST_AT, ONE_MESSAGE).activities
    assert sent.invoices == ("in_1", "in_2")


def test_a_text_that_may_have_gone_out_before_rides_with_no_other() -> None:
    case = _case(1, 2)
    contact = replace(case.profile.contact, phone="+15550100")
    policy = replace(ONE_MESSAGE, steps=(replace(ONE_MESSAGE.steps[0], sms="friendly"), *ONE_MESSAGE.steps[1:]), send_window={})
    marks = {
        "email:first:in_1": Mark(EffectState.DONE),
        "sms:first:in_1": Mark(EffectState.STARTED),
        "email:first:in_2": Mark(EffectState.DONE),
    }
    case = case.with_profile(replace(case.profile, contact=contact, claim=Claim("claim-2", FIRST_AT, "claim-1", 2, marks)))
    assert [work.effects[1].key for work in _decided(case, policy)] == ["sms:first:in_1", "sms:first:in_2"]


def test_the_longest_gap_of_a_customers_policies_binds_whatever_caused_the_last_reminder() -> None:
    patient, hasty = replace(BRIEF, name="patient", min_gap=Days(5)), replace(BRIEF, name="hasty")
    now = utc("2026-03-18 09:00")
    due = replace(INVOICE, id="in_2", policy="hasty", next_step="first", next_at=now)
    case = case_of(replace(INVOICE, policy="patient"), due, profile=replace(PROFILE, reminded_at=(utc("2026-03-17 09:00"),)))
    (work,) = decide(case, lambda invoice: patient if invoice.policy == "patient" else hasty, now)
    assert (work.verdict, work.move_to) == (Verdict.SUPPRESS, utc("2026-03-22 09:00"))
