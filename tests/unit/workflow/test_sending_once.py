"""No step lost, and none of its messages more often than its channel allows, however an attempt ends."""

from datetime import datetime, timedelta

import pytest

from dunning.domain.case import Claim, EffectState, Mark
from dunning.domain.errors import OutcomeUnknown, Permanent
from dunning.domain.holds import HoldKind
from dunning.workflow.delivery_news import DeliveryKind, DeliveryNews
from dunning.workflow.record_delivery import RecordDelivery
from dunning.workflow.run_step import CLAIM_LASTS, MOST_CRASHES
from tests.fakes.channels import Message
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import ESCALATION, FIRST, MINUTE, SECOND, said

HOURS = timedelta(hours=1)


def reports_sent(world: FakeDeployment, mail: Message, taken_at: datetime | None = None) -> None:
    """SES's own `Send` event arrives; it says when SES took the mail (now, unless told)."""
    about = mail.envelope
    at = taken_at or world.clock.now
    news = DeliveryNews(DeliveryKind.SENT, about.customer, about.claim, about.effect, about.invoices, about.step, "message", at)
    RecordDelivery(world.store, world.record)(news)


def until_second_notice(world: FakeDeployment) -> FakeDeployment:
    """The second step, mail and SMS, is due; no message has come yet."""
    world.invoiced(snapshot())
    world.run_until(SECOND - MINUTE)
    world.email.sent.clear()
    world.clock.now = SECOND
    return world


def test_a_refused_mail_is_tried_again_and_sent_once(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.refuses(times=2)
    world.run_until(FIRST + HOURS)
    assert world.email.attempts == 3
    assert len(world.email.sent) == 1
    assert said(world.log(ACME)) == ["enrolled", "sent first"]


def test_a_refusal_releases_the_claim_and_keeps_since_when_it_was_due(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.refuses()
    world.run_until(FIRST)
    profile = world.profile(ACME)
    assert not profile.claimed_at(FIRST)
    assert (profile.due_at, profile.due_since) == (FIRST + MINUTE, FIRST)


def test_a_mail_without_an_answer_keeps_the_claim_until_it_ends(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    profile = world.profile(ACME)
    assert profile.claimed_at(FIRST)
    assert profile.due_at == FIRST + CLAIM_LASTS


def test_a_mail_without_an_answer_of_which_ses_reports_is_not_sent_again(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    reports_sent(world, world.email.sent[0])
    world.run_until(FIRST + HOURS)
    assert len(world.email.sent) == 1
    assert said(world.log(ACME)) == ["enrolled", "sent first"]
    assert world.invoice(ACME, "in_1").next_step == "second"


def test_a_mail_without_an_answer_of_which_ses_says_nothing_is_sent_again(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.gives_no_answer(accepted=False)
    world.run_until(FIRST + HOURS)
    assert len(world.email.sent) == 1
    assert world.email.attempts == 2


@pytest.mark.parametrize("reported", [True, False])
def test_after_a_crash_between_sending_and_settling_ses_decides(world: FakeDeployment, reported: bool) -> None:
    world.invoiced(snapshot())
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST)
    if reported:
        reports_sent(world, world.email.sent[0])
    world.run_until(FIRST + HOURS)
    assert len(world.email.sent) == (1 if reported else 2)
    assert said(world.log(ACME)) == ["enrolled", "sent first"]


def test_a_mail_carries_the_id_of_the_first_claim_of_a_row_of_takeovers(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST + HOURS)
    first, second = world.email.sent
    assert first.envelope == second.envelope


def test_the_report_may_come_while_the_next_worker_is_at_it(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST)
    reports_sent(world, world.email.sent[0])
    world.email.gives_no_answer(accepted=True)
    world.email.meanwhile = lambda: reports_sent(world, world.email.sent[-1])
    world.run_until(FIRST + 2 * HOURS)
    assert [mail.envelope.invoices for mail in world.email.sent] == [("in_1",), ("in_2",)]


def test_a_report_that_comes_before_a_refusal_is_settled_is_not_wiped_out(world: FakeDeployment) -> None:
    until_second_notice(world)
    world.email.gives_no_answer(accepted=True)
    world.email.meanwhile = lambda: reports_sent(world, world.email.sent[-1])
    world.run_until(SECOND + 2 * HOURS)
    assert len(world.email.sent) == 1
    assert len(world.sms.sent) == 1
    assert world.invoice(ACME, "in_1").next_step == "escalate"


def test_an_sms_is_marked_before_it_is_sent(world: FakeDeployment) -> None:
    until_second_notice(world)
    marks: list[Claim | None] = []
    world.sms.meanwhile = lambda: marks.append(world.profile(ACME).claim)
    world.look_at(ACME)
    assert marks[0] is not None
    assert marks[0].effects == {"sms:second:in_1": Mark(EffectState.STARTED, SECOND)}


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("ending", ["no answer", "crash"])
def test_an_sms_whose_fate_is_unknown_is_never_repeated(world: FakeDeployment, ending: str, accepted: bool) -> None:
    until_second_notice(world)
    if ending == "crash":
        world.sms.kills_the_worker(accepted=accepted)
    else:
        world.sms.gives_no_answer(accepted=accepted)
    world.look_at(ACME)
    reports_sent(world, world.email.sent[0])
    world.run_until(SECOND + HOURS)
    assert world.sms.attempts == 1
    assert len(world.email.sent) == 1
    last = world.log(ACME)[-1]
    assert last.step == "second"
    assert "sms may have gone out before" in str(last.reason)


def test_a_refused_sms_was_surely_not_sent_and_is_tried_again_without_the_mail(world: FakeDeployment) -> None:
    until_second_notice(world)
    world.sms.refuses(times=2)
    world.run_until(SECOND + HOURS)
    assert world.sms.attempts == 3
    assert (len(world.email.sent), len(world.sms.sent)) == (1, 1)
    assert said(world.log(ACME))[-1] == "sent second"


def test_an_sms_is_not_sent_under_a_claim_that_is_gone(world: FakeDeployment) -> None:
    until_second_notice(world)

    def settled_by_another() -> None:
        before = world.case(ACME)
        world.store.save(before, before.with_profile(before.profile.__class__(ACME, version=before.profile.version)))

    world.email.meanwhile = settled_by_another
    world.look_at(ACME)
    assert world.sms.attempts == 0


def test_a_team_notice_is_repeated_rather_than_lost(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.team.gives_no_answer(accepted=False)
    world.run_until(ESCALATION + HOURS)
    assert len(world.team.sent) == 1
    assert said(world.log(ACME))[-1] == "escalated escalate"


def test_a_message_that_no_retry_will_send_parks_the_case_with_its_reason(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.fails(Permanent("the address is not well formed"))
    world.run_until(FIRST + HOURS)
    assert world.email.attempts == 1
    assert set(world.profile(ACME).holds) == {HoldKind.PARKED}
    assert [reason for _, reason in world.dead_letters.letters] == ["email:first:in_1: the address is not well formed"]
    assert said(world.log(ACME)) == ["enrolled", "held"]


def test_what_was_sent_before_a_permanent_failure_is_settled(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.email.meanwhile = lambda: world.email.fails(Permanent("bad address"))
    world.run_until(FIRST + HOURS)
    assert [mail.envelope.invoices for mail in world.email.sent] == [("in_1",)]
    assert world.invoice(ACME, "in_1").last_step == "first"
    assert world.invoice(ACME, "in_2").last_step is None


def test_nothing_is_sent_in_the_last_minute_of_a_claim(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.clock.now = FIRST

    def time_passes() -> None:
        world.clock.now = FIRST + CLAIM_LASTS - timedelta(seconds=59)

    world.email.meanwhile = time_passes
    world.look_at(ACME)
    assert [mail.envelope.invoices for mail in world.email.sent] == [("in_1",)]
    world.advance(HOURS)
    assert [mail.envelope.invoices for mail in world.email.sent] == [("in_1",), ("in_2",)]


def test_nothing_of_a_step_is_sent_in_the_last_minute_of_a_claim(world: FakeDeployment) -> None:
    until_second_notice(world)

    def time_passes() -> None:
        world.clock.now = SECOND + CLAIM_LASTS - timedelta(seconds=59)

    world.email.meanwhile = time_passes
    world.look_at(ACME)
    assert world.sms.sent == []
    world.advance(HOURS)
    assert (len(world.email.sent), len(world.sms.sent)) == (1, 1)


def test_two_workers_never_hold_a_customer_at_once(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.clock.now = FIRST
    world.email.meanwhile = lambda: (world.look_at(ACME), None)[1]
    world.look_at(ACME)
    assert world.email.attempts == 1


def test_a_worker_that_comes_back_after_another_took_over_settles_nothing(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.clock.now = FIRST

    def another_takes_over_and_finishes() -> None:
        world.clock.now = FIRST + CLAIM_LASTS
        reports_sent(world, world.email.sent[0], FIRST)
        world.look_at(ACME)

    world.email.meanwhile = another_takes_over_and_finishes
    world.look_at(ACME)
    assert len(world.email.sent) == 1
    assert said(world.log(ACME)) == ["enrolled", "sent first"]
    assert world.invoice(ACME, "in_1").anchor_at == FIRST


def test_an_unknown_outcome_five_times_in_a_row_needs_a_person(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    for _ in range(100):
        world.email.fails(OutcomeUnknown("no answer"))
    world.run_until(FIRST + timedelta(days=2))
    assert world.email.attempts == 5
    assert len(world.dead_letters.letters) == 1


@pytest.mark.parametrize("number", [6, 12])
def test_lost_answers_park_nobody_as_long_as_each_claim_puts_something_down(world: FakeDeployment, number: int) -> None:
    world.invoiced(*(snapshot(f"in_{each:02}") for each in range(number)))
    world.email.gives_no_answer(accepted=True, times=number)
    for taken_over in range(number):
        world.run_until(FIRST + taken_over * CLAIM_LASTS)
        reports_sent(world, world.email.sent[-1])
    world.run_until(world.clock.now + HOURS)
    assert [mail.envelope.invoices for mail in world.email.sent] == [(f"in_{each:02}",) for each in range(number)]
    assert said(world.log(ACME)) == ["enrolled"] * number + ["sent first"] * number
    assert world.dead_letters.letters == []


def test_poison_behind_what_was_put_down_still_needs_a_person(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    reports_sent(world, world.email.sent[0])
    world.email.gives_no_answer(accepted=False, times=100)
    world.run_until(FIRST + timedelta(days=2))
    assert world.email.attempts == 1 + MOST_CRASHES
    assert [wakeup.customer for wakeup, _ in world.dead_letters.letters] == [ACME]


def test_refusals_behind_what_was_put_down_forget_the_lost_answers_before(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.email.gives_no_answer(accepted=False, times=MOST_CRASHES - 1)
    world.run_until(FIRST + (MOST_CRASHES - 1) * CLAIM_LASTS - MINUTE)
    world.email.meanwhile = world.email.refuses
    world.run_until(FIRST + (MOST_CRASHES - 1) * CLAIM_LASTS)
    claim = world.profile(ACME).claim
    assert claim is not None
    assert (len(world.email.sent), claim.attempt) == (1, 0)


def test_a_mail_refused_for_days_is_put_aside_for_a_person(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.refuses(times=500)
    world.run_until(FIRST + 100 * HOURS)
    assert HoldKind.PARKED in world.profile(ACME).holds
    assert [reason for _, reason in world.dead_letters.letters] == ["refused 40 times in a row"]
    assert world.email.sent == []
