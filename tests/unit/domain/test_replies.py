"""What a customer's answer does to the case."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.domain.bounds import NOTICES_BYTES
from dunning.domain.case import Case
from dunning.domain.decision import facts
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Status
from dunning.domain.planning import next_instant
from dunning.domain.policy import Days, OnReply, Policy
from dunning.domain.replying import MOST_TEXTS, Inbound, asks_to_stop, handled, reply_token, tokens_in, with_reply
from dunning.domain.run_out import run_out_ended
from tests.unit.domain.builders import BRIEF, FIRST_AT, INVOICE, ISSUED, SEEN, case_of, record, utc, with_plan, work_off

ANSWERED_AT = utc("2026-03-18 10:00")
ANSWER = Inbound("mail:<1@acme.example>", "email", "ap@acme.example", "We never got the goods.", "Re: invoice")
REMINDED = work_off(case_of(with_plan(INVOICE, ISSUED)), FIRST_AT).case
FOR_TWO_DAYS = replace(BRIEF, on_reply=OnReply(Days(2), "sales"))


def answered(case: Case = REMINDED, message: Inbound = ANSWER, follows: Policy = BRIEF) -> Case:
    return with_reply(case, message, lambda _: follows, ANSWERED_AT, "inbound_reply")[0]


def replied(case: Case) -> object:
    return facts(case.invoices["in_1"], case.profile, BRIEF, ANSWERED_AT)["replied"]


def test_an_answer_holds_the_case_until_a_person_has_handled_it_and_the_team_reads_it() -> None:
    case, logged = with_reply(REMINDED, ANSWER, lambda _: BRIEF, ANSWERED_AT, "inbound_reply")
    assert case.profile.holds[HoldKind.REPLY].until is None
    assert [(activity.type.value, activity.reason) for activity in logged] == [
        ("replied", "the customer answered by email"),
        ("held", "reply: the customer answered by email"),
    ]
    (notice,) = case.profile.notices.values()
    assert notice.text == "From: ap@acme.example\nSubject: Re: invoice\n\nWe never got the goods."
    assert not any("goods" in str(activity) for activity in logged)
    assert replied(case) is True
    freed, said = handled(case, "sent them the delivery note", ANSWERED_AT, "person")
    assert (freed.profile.holds, replied(freed)) == ({}, False)
    assert [activity.reason for activity in said] == ["reply: sent them the delivery note"]
    assert handled(freed, "again", ANSWERED_AT, "person") == (freed, ())


def test_a_policy_may_hold_for_a_while_only_and_name_the_team() -> None:
    case = answered(follows=FOR_TWO_DAYS)
    assert case.profile.holds[HoldKind.REPLY].until == utc("2026-03-20 00:00")
    assert [notice.team for notice in case.profile.notices.values()] == ["sales"]
    later, _ = run_out_ended(case, utc("2026-03-20 00:00"), "run_step")
    assert later.profile.holds == {}
    assert replied(later) is True  # nobody has handled it: a step with `if: not replied` is skipped


def test_the_same_answer_twice_changes_nothing_and_another_one_is_told_too() -> None:
    once = answered()
    assert with_reply(once, ANSWER, lambda _: BRIEF, ANSWERED_AT, "inbound_reply") == (once, ())
    assert len(answered(once, replace(ANSWER, id="mail:<2@acme.example>")).profile.notices) == 2


def test_a_hold_until_handled_is_not_cut_short_by_a_later_answer() -> None:
    case = answered(answered(), replace(ANSWER, id="mail:2"), FOR_TWO_DAYS)
    assert case.profile.holds[HoldKind.REPLY].until is None


def test_a_reminder_after_the_answer_makes_it_an_old_one() -> None:
    case = answered()
    reminded = case.with_profile(replace(case.profile, reminded_at=(*case.profile.reminded_at, ANSWERED_AT + timedelta(days=1))))
    assert replied(reminded) is False


def test_who_owes_nothing_is_not_held_but_heard() -> None:
    paid = case_of(replace(INVOICE, status=Status.PAID, amount_due=0))
    case, logged = with_reply(paid, ANSWER, lambda _: BRIEF, ANSWERED_AT, "inbound_reply")
    assert (case.profile.holds, len(case.profile.notices), len(logged)) == ({}, 1, 1)


def test_payment_of_all_that_was_owed_ends_the_wait_for_an_answer() -> None:
    paid = record(answered(), replace(SEEN, status=Status.PAID, amount_due=0, stamp=ANSWERED_AT), ANSWERED_AT)
    assert paid.case.profile.holds == {}
    assert paid.activities[-1].reason == "reply: nothing is owed any more"


def test_a_flood_of_answers_keeps_the_profile_small() -> None:
    case = REMINDED
    for number in range(3 * MOST_TEXTS):
        case = answered(case, replace(ANSWER, id=f"mail:{number}", text="x" * 10_000))
    texts = [notice.text for notice in case.profile.notices.values() if notice.text]
    assert (len(texts), max(map(len, texts)) < 4_200, len(case.profile.notices)) == (MOST_TEXTS, True, 3 * MOST_TEXTS)


def test_the_longest_answers_in_any_script_leave_the_profile_room_and_each_is_told() -> None:
    case = REMINDED
    for number in range(16):
        case = answered(case, replace(ANSWER, id=f"mail:{number}", text="漢" * 3_900))
    texts = [notice.text for notice in case.profile.notices.values() if notice.text]
    assert len(case.profile.notices) == 16
    assert 80_000 < len("".join(texts).encode()) < NOTICES_BYTES


def test_an_answer_with_half_a_character_is_told() -> None:
    assert len(answered(message=replace(ANSWER, text="\ud83d")).profile.notices) == 1


def test_a_held_case_still_tells_the_team() -> None:
    assert next_instant(answered()) == ANSWERED_AT


def test_the_address_of_an_answer_names_its_customer() -> None:
    token = reply_token("xero:11111111-1111-1111-1111-111111111111:22222222-2222-2222-2222-222222222222")
    assert tokens_in([f"Replies+{token.upper()}@reply.example.com", "ap@acme.example", "a+b@c.example"]) == (token,)
    assert reply_token("stripe:cus_1") != reply_token("stripe:cus_2")


@pytest.mark.parametrize(
    ("channel", "text", "stops"),
    [
        ("sms", "STOP", True),
        ("sms", " Stop. ", True),
        ("sms", "please stop calling", False),
        ("email", "stop", False),
        ("sms", "ARRÊT", True),
    ],
)
def test_a_carriers_keyword_is_told_from_an_answer(channel: str, text: str, stops: bool) -> None:
    assert asks_to_stop(Inbound("sms:1", channel, "+431234567", text)) is stops
    assert (answered(message=Inbound("sms:1", "sms", "+431234567", "STOP")).profile.notices["reply:sms:1"].reason) == (
        "asks for no more text messages by sms"
    )
