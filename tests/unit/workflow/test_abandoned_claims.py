"""What a claim sent and nobody put down: whoever takes over puts it down, whatever has happened meanwhile, and repeats nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.domain.case import Dispute
from dunning.domain.errors import OutcomeUnknown, Permanent
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Contact, Status
from dunning.workflow.delivery_news import DeliveryKind, DeliveryNews
from dunning.workflow.record_delivery import RecordDelivery
from dunning.workflow.release_case import ReleaseCase
from dunning.workflow.run_step import CLAIM_LASTS
from tests.fakes.deployment import FakeDeployment, standard_policies
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, SECOND, said
from tests.unit.workflow.test_sending_once import HOURS, reports_sent, until_second_notice

MEANWHILE = FIRST + timedelta(minutes=5)


@pytest.fixture
def sent_and_dead(world: FakeDeployment) -> FakeDeployment:
    """A worker died after SES took the first reminder; SES has reported it."""
    world.invoiced(snapshot())
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST)
    reports_sent(world, world.email.sent[0])
    world.clock.now = MEANWHILE
    return world


def test_a_mail_is_in_the_log_also_when_the_invoice_was_paid_before_it_was_put_down(sent_and_dead: FakeDeployment) -> None:
    sent_and_dead.record.invoice(sent_and_dead.stripe.is_paid("in_1"))
    sent_and_dead.run_until(FIRST + HOURS)
    assert said(sent_and_dead.log(ACME)) == ["enrolled", "paid", "sent first"]
    assert len(sent_and_dead.email.sent) == 1
    assert sent_and_dead.profile(ACME).claim is None


def test_it_is_so_when_only_the_dead_worker_knew_the_address(world: FakeDeployment) -> None:
    world.invoiced(snapshot(contact=Contact(name="Acme")))
    world.stripe.contacts[ACME] = Contact(name="Acme", email="new@acme.example")
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST)
    reports_sent(world, world.email.sent[0])
    assert world.profile(ACME).contact.email is None
    world.record.invoice(world.stripe.is_paid("in_1"))
    world.run_until(FIRST + HOURS)
    assert said(world.log(ACME)) == ["enrolled", "paid", "sent first"]
    assert len(world.email.sent) == 1


def test_it_is_so_when_the_payment_comes_after_the_claim_has_run_out(sent_and_dead: FakeDeployment) -> None:
    sent_and_dead.clock.now = FIRST + CLAIM_LASTS + timedelta(seconds=1)
    sent_and_dead.record.invoice(sent_and_dead.stripe.is_paid("in_1"))
    sent_and_dead.run_until(FIRST + HOURS)
    assert said(sent_and_dead.log(ACME)) == ["enrolled", "paid", "sent first"]


def test_what_the_last_check_finds_paid_is_not_said_to_be_suppressed_when_it_had_gone_out(sent_and_dead: FakeDeployment) -> None:
    sent_and_dead.stripe.is_paid("in_1")
    sent_and_dead.run_until(FIRST + HOURS)
    assert said(sent_and_dead.log(ACME)) == ["enrolled", "paid", "sent first"]


def test_what_may_have_gone_out_is_neither_said_to_be_suppressed_nor_sent(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST)
    world.stripe.is_paid("in_1")
    world.run_until(FIRST + HOURS)
    assert said(world.log(ACME)) == ["enrolled", "paid", "updated"]
    words = "the last check before sending found it paid; first may have gone out before, for an answer was lost: it is not repeated"
    assert world.log(ACME)[-1].reason == words
    assert world.profile(ACME).claim is None


def test_a_report_that_comes_while_the_next_worker_finds_it_paid_is_put_down(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    world.stripe.is_paid("in_1")
    world.email.meanwhile = lambda: reports_sent(world, world.email.sent[0])
    world.run_until(FIRST + HOURS)
    of_steps = [(activity.type.value, activity.invoices) for activity in world.log(ACME) if activity.step]
    assert of_steps == [("sent", ("in_2",)), ("sent", ("in_1",))]
    assert [mail.envelope.invoices for mail in world.email.sent] == [("in_1",), ("in_2",)]
    assert world.profile(ACME).claim is None


@pytest.mark.parametrize("is_reported", [True, False])
def test_a_step_that_may_be_on_its_way_is_not_said_to_be_kept_back_when_too_little_is_left(is_reported: bool) -> None:
    policy = replace(standard_policies().default, minimum_balance={"EUR": 50_00})
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.invoiced(snapshot())
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    world.clock.now = MEANWHILE
    world.record.invoice(world.stripe.changes("in_1", amount_due=10_00))
    if is_reported:
        reports_sent(world, world.email.sent[0])
    world.run_until(FIRST + HOURS)
    assert said(world.log(ACME)) == ["enrolled", "partly_paid", "suppressed", *(["sent first"] if is_reported else [])]
    assert len(world.email.sent) == 1


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("reminders", [1, 2])
def test_who_paid_before_the_lost_answers_reminder_was_put_down_is_thanked_once(is_told: bool, reminders: int) -> None:
    policy = replace(standard_policies().default, on_paid_email="thank_you")
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.invoiced(snapshot())
    instant = FIRST if reminders == 1 else SECOND
    world.run_until(instant - HOURS)
    world.email.gives_no_answer(accepted=True)
    world.run_until(instant)
    reports_sent(world, world.email.sent[-1])
    world.clock.advance(timedelta(minutes=5))
    paid = world.stripe.is_paid("in_1")
    if is_told:
        world.record.invoice(paid)
    world.run_until(SECOND + timedelta(days=5))
    assert [mail.envelope.kind for mail in world.email.sent] == ["reminder"] * reminders + ["thank_you"]
    assert said(world.log(ACME)).count("sent") == 1


def test_a_thank_you_that_bounced_before_it_was_put_down_is_in_the_log_and_not_sent_again() -> None:
    policy = replace(standard_policies().default, on_paid_email="thank_you")
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.invoiced(snapshot())
    world.run_until(FIRST + HOURS)
    world.email.gives_no_answer(accepted=True)
    world.record.invoice(world.stripe.is_paid("in_1"))
    world.settle_queues()
    thanks = world.email.sent[-1]
    reports_sent(world, thanks)
    about = thanks.envelope
    news = DeliveryNews(
        DeliveryKind.BOUNCED, about.customer, about.claim, about.effect, about.invoices, None, "message", world.clock.now, thanks.to
    )
    RecordDelivery(world.store, world.record)(news)
    world.advance(2 * HOURS)
    assert [mail.envelope.kind for mail in world.email.sent] == ["reminder", "thank_you"]
    assert said(world.log(ACME)).count("sent") == 1
    assert world.invoice(ACME, "in_1").thanks_at is None


def test_an_invoice_that_was_voided_meanwhile_is_nothing_to_thank_for() -> None:
    policy = replace(standard_policies().default, on_paid_email="thank_you")
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.invoiced(snapshot())
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    reports_sent(world, world.email.sent[-1])
    world.clock.now = MEANWHILE
    world.record.invoice(world.stripe.changes("in_1", status=Status.VOID))
    world.run_until(SECOND)
    assert [mail.envelope.kind for mail in world.email.sent] == ["reminder"]


def test_a_mail_is_not_repeated_when_the_due_date_moves_before_it_was_put_down(sent_and_dead: FakeDeployment) -> None:
    later = replace(sent_and_dead.stripe.invoices["in_1"], due=(FIRST + timedelta(days=3)).date())
    sent_and_dead.stripe.has(later)
    sent_and_dead.record.invoice(replace(later, stamp=MEANWHILE))
    sent_and_dead.run_until(FIRST + timedelta(days=12))
    assert [mail.envelope.step for mail in sent_and_dead.email.sent] == ["first", "second"]


def test_a_text_that_was_refused_waits_for_the_end_of_a_dispute(world: FakeDeployment) -> None:
    until_second_notice(world)
    world.sms.refuses()
    world.look_at(ACME)
    world.record.dispute(ACME, Dispute("dp_1", is_open=True, stamp=SECOND, invoice="in_1"))
    world.run_until(SECOND + HOURS)
    assert (len(world.email.sent), len(world.sms.sent)) == (1, 0)


def test_a_report_that_comes_after_its_step_was_put_down_repeats_nothing(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.run_until(FIRST - HOURS)
    world.email.meanwhile = lambda: world.email.fails(OutcomeUnknown("no answer"))
    world.run_until(FIRST)
    reports_sent(world, world.email.sent[0])
    world.run_until(FIRST + HOURS)
    assert [mail.envelope.invoices for mail in world.email.sent] == [("in_1",), ("in_2",)]
    assert [activity.invoices for activity in world.log(ACME) if activity.step] == [("in_1",), ("in_2",)]


def test_what_went_out_before_a_case_was_parked_is_not_repeated_when_it_is_released(world: FakeDeployment) -> None:
    until_second_notice(world)
    world.sms.fails(Permanent("no such number"))
    world.look_at(ACME)
    assert HoldKind.PARKED in world.profile(ACME).holds
    ReleaseCase(world.record)(ACME, "the number was mended")
    world.run_until(SECOND + HOURS)
    assert (len(world.email.sent), len(world.sms.sent)) == (1, 1)
    assert said(world.log(ACME))[-1] == "sent second"


def test_a_text_that_may_have_gone_out_is_never_said_to_have_gone_out(world: FakeDeployment) -> None:
    until_second_notice(world)
    world.sms.kills_the_worker(accepted=False)
    world.look_at(ACME)
    reports_sent(world, world.email.sent[0])
    world.run_until(SECOND + HOURS)
    (activity,) = [activity for activity in world.log(ACME) if activity.step == "second"]
    assert "it is not repeated" in (activity.reason or "")
    assert world.sms.sent == []


def test_an_invoice_that_is_void_by_then_is_left_alone_all_the_same(sent_and_dead: FakeDeployment) -> None:
    sent_and_dead.stripe.changes("in_1", status=Status.VOID)
    sent_and_dead.run_until(FIRST + HOURS)
    assert len(sent_and_dead.email.sent) == 1
    assert said(sent_and_dead.log(ACME)) == ["enrolled", "closed", "sent first"]
    assert sent_and_dead.invoice(ACME, "in_1").next_at is None
