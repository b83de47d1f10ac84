"""A mail that bounced for ever: another contact, or SMS, or a hold."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.domain.activity import ActivityType
from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.domain.errors import Retryable
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Contact
from dunning.domain.policy import Scope
from dunning.workflow.delivery_news import DeliveryKind, DeliveryNews
from dunning.workflow.record_delivery import RecordDelivery
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, ACME_CONTACT, snapshot
from tests.unit.workflow.failing_store import FailingStore
from tests.unit.workflow.plan import FIRST, SECOND, said

OWN = "ap@acme.example"
OTHER = "billing@acme.example"
WITH_OTHER = replace(ACME_CONTACT, phone=None, settings=CustomerSettings(people=(Person("billing", OTHER),)))
MAIL_ONLY = replace(ACME_CONTACT, phone=None)


def reminded(world: FakeDeployment, contact: Contact) -> FakeDeployment:
    world.invoiced(snapshot(contact=contact))
    world.run_until(FIRST)
    return world


def report(world: FakeDeployment, kind: DeliveryKind, address: str, mail: int = 0) -> None:
    about = world.email.sent[mail].envelope
    news = DeliveryNews(
        kind, about.customer, about.claim, about.effect, about.invoices, about.step, f"message-{mail}", world.clock.now, (address,)
    )
    RecordDelivery(world.store, world.record)(news)


def test_the_step_goes_once_more_to_another_contact_and_the_plan_goes_on_there(world: FakeDeployment) -> None:
    reminded(world, WITH_OTHER)
    report(world, DeliveryKind.BOUNCED, OWN)
    report(world, DeliveryKind.BOUNCED, OWN)
    world.run_until(SECOND)
    assert [(mail.to, mail.envelope.step) for mail in world.email.sent] == [
        ((OWN,), "first"),
        ((OTHER,), "first"),
        ((OTHER,), "second"),
    ]
    assert said(world.log(ACME)) == ["enrolled", "sent first", "undelivered first", "notified", "sent first", "sent second"]
    assert world.profile(ACME).holds == {}
    assert world.invoice(ACME, "in_1").reminders_sent == 2


def test_the_step_goes_once_more_by_sms_where_no_other_address_is_known(world: FakeDeployment) -> None:
    reminded(world, ACME_CONTACT)
    report(world, DeliveryKind.BOUNCED, OWN)
    world.run_until(SECOND)
    assert [(text.to, text.envelope.step) for text in world.sms.sent] == [(("+431234567",), "first"), (("+431234567",), "second")]
    assert len(world.email.sent) == 1
    assert len(world.team.sent) == 1


def test_when_the_other_contact_bounces_too_the_case_is_held(world: FakeDeployment) -> None:
    reminded(world, WITH_OTHER)
    report(world, DeliveryKind.BOUNCED, OWN)
    world.advance(timedelta(minutes=5))
    report(world, DeliveryKind.BOUNCED, OTHER, mail=1)
    world.run_until(SECOND + timedelta(days=9))
    assert set(world.profile(ACME).holds) == {HoldKind.UNDELIVERABLE}
    assert len(world.email.sent) == 2


def test_without_any_other_way_the_case_is_held_until_there_is_a_new_address(world: FakeDeployment) -> None:
    reminded(world, MAIL_ONLY)
    report(world, DeliveryKind.BOUNCED, OWN)
    assert set(world.profile(ACME).holds) == {HoldKind.UNDELIVERABLE}
    world.advance(timedelta(hours=1))
    world.record.contact(ACME, Contact(email="new@acme.example"), world.clock.now)
    world.run_until(SECOND)
    assert [mail.to for mail in world.email.sent[1:]] == [("new@acme.example",)]


def test_what_was_paid_meanwhile_is_not_sent_again(world: FakeDeployment) -> None:
    """The balance is checked before a repetition, too; the payment's webhook was lost."""
    reminded(world, WITH_OTHER)
    world.stripe.is_paid("in_1")
    report(world, DeliveryKind.BOUNCED, OWN)
    world.advance(timedelta(hours=1))
    assert len(world.email.sent) == 1


def test_a_bounce_in_the_night_is_sent_again_in_the_morning(world: FakeDeployment) -> None:
    reminded(world, WITH_OTHER)
    world.run_until(FIRST + timedelta(hours=14))
    report(world, DeliveryKind.BOUNCED, OWN)
    world.run_until(FIRST + timedelta(hours=22, minutes=59))
    assert len(world.email.sent) == 1
    world.run_until(FIRST + timedelta(days=1))
    assert [mail.to for mail in world.email.sent[1:]] == [(OTHER,)]


def test_a_worker_that_dies_while_sending_again_sends_no_third_mail(world: FakeDeployment) -> None:
    reminded(world, ACME_CONTACT)
    world.sms.kills_the_worker(accepted=True)
    report(world, DeliveryKind.BOUNCED, OWN)
    world.advance(timedelta(hours=2))
    assert len(world.sms.sent) == 1


def test_whoever_complains_gets_no_mail_any_more_and_the_plan_goes_on_by_sms(world: FakeDeployment) -> None:
    reminded(world, ACME_CONTACT)
    report(world, DeliveryKind.COMPLAINED, OWN)
    report(world, DeliveryKind.COMPLAINED, OWN)
    world.run_until(SECOND)
    assert len(world.email.sent) == 1
    assert [text.envelope.step for text in world.sms.sent] == ["second"]
    assert [activity.type for activity in world.log(ACME)].count(ActivityType.OPTED_OUT) == 1


@pytest.mark.parametrize("contact", [ACME_CONTACT, MAIL_ONLY])
def test_whoever_complains_of_a_mail_whose_answer_was_lost_gets_no_text_message_in_its_place(
    world: FakeDeployment, contact: Contact
) -> None:
    world.invoiced(snapshot(contact=contact))
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    report(world, DeliveryKind.SENT, OWN)
    world.clock.advance(timedelta(minutes=12))
    report(world, DeliveryKind.COMPLAINED, OWN)
    world.run_until(FIRST + timedelta(hours=2))
    assert (len(world.email.sent), world.sms.sent) == (1, [])
    assert "sent first" in said(world.log(ACME))
    assert not any("no_channel" in (activity.reason or "") for activity in world.log(ACME))


@pytest.mark.parametrize("kind", [DeliveryKind.BOUNCED, DeliveryKind.COMPLAINED])
def test_whoever_cannot_be_reached_otherwise_is_held_and_told_to_the_team_once(world: FakeDeployment, kind: DeliveryKind) -> None:
    reminded(world, MAIL_ONLY)
    report(world, kind, OWN)
    world.run_until(SECOND + timedelta(days=9))
    assert len(world.team.sent) == 1
    assert set(world.profile(ACME).holds) == {HoldKind.UNDELIVERABLE}


@pytest.fixture
def of_a_hundred(world: FakeDeployment) -> FakeDeployment:
    """One mail about as many invoices as one may be about has gone out."""
    together = replace(world.policies.named(None), scope=Scope.CUSTOMER)
    joint = FakeDeployment(PolicyBook.of({together.name: together}))
    for number in range(100):
        joint.invoiced(snapshot(f"in_{number:03}", contact=WITH_OTHER))
    joint.run_until(FIRST)
    assert [len(mail.envelope.invoices) for mail in joint.email.sent] == [100]
    return joint


def test_a_mail_about_a_hundred_invoices_goes_once_more_about_all_of_them(of_a_hundred: FakeDeployment) -> None:
    report(of_a_hundred, DeliveryKind.BOUNCED, OWN)
    report(of_a_hundred, DeliveryKind.BOUNCED, OWN)
    of_a_hundred.run_until(SECOND - timedelta(hours=1))
    again = [name for mail in of_a_hundred.email.sent[1:] for name in mail.envelope.invoices]
    assert (len(again), len({*again})) == (100, 100)
    assert said(of_a_hundred.log(ACME)).count("undelivered first") == 1
    assert len(of_a_hundred.team.sent) == 1


def test_a_crash_in_the_middle_of_a_hundred_is_made_good_by_the_same_report(of_a_hundred: FakeDeployment) -> None:
    crashing = replace(of_a_hundred.record, store=FailingStore(of_a_hundred.store, after=1))
    about = of_a_hundred.email.sent[0].envelope
    at = of_a_hundred.clock.now
    news = DeliveryNews(
        DeliveryKind.BOUNCED, about.customer, about.claim, about.effect, about.invoices, about.step, "message-0", at, (OWN,)
    )
    with pytest.raises(Retryable):
        RecordDelivery(of_a_hundred.store, crashing)(news)
    of_a_hundred.run_until(FIRST + timedelta(minutes=5))
    report(of_a_hundred, DeliveryKind.BOUNCED, OWN)
    of_a_hundred.run_until(SECOND - timedelta(hours=1))
    again = [name for mail in of_a_hundred.email.sent[1:] for name in mail.envelope.invoices]
    assert (len(again), len({*again})) == (100, 100)
    assert said(of_a_hundred.log(ACME)).count("undelivered first") == 1
