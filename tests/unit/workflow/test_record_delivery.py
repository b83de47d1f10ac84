"""What SES reports of a mail: marked, or held and told to the team."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dunning.domain.decision import was_opened
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Contact
from dunning.workflow.delivery_news import DeliveryKind, DeliveryNews
from dunning.workflow.hold_case import HoldCase
from dunning.workflow.record_delivery import RecordDelivery
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, SECOND, said

UNDELIVERED = [DeliveryKind.BOUNCED, DeliveryKind.REJECTED]
"""A complaint is a wish: `test_bounces` has what follows from it, and from a bounce that names its address."""


@pytest.fixture
def reminded(world: FakeDeployment) -> FakeDeployment:
    """A deployment whose one invoice has been reminded about once."""
    world.invoiced(snapshot())
    world.run_until(FIRST)
    return world


def report(world: FakeDeployment, kind: DeliveryKind, *, mailed_at: datetime = FIRST) -> str:
    about = world.email.sent[0].envelope
    news = DeliveryNews(kind, about.customer, about.claim, about.effect, about.invoices, about.step, "message-1", mailed_at)
    return RecordDelivery(world.store, world.record)(news)


@pytest.mark.parametrize("kind", UNDELIVERED)
def test_a_mail_that_cannot_arrive_holds_the_case_and_is_told_to_the_team_once(reminded: FakeDeployment, kind: DeliveryKind) -> None:
    report(reminded, kind)
    report(reminded, kind)
    reminded.run_until(SECOND + timedelta(days=30))
    assert set(reminded.profile(ACME).holds) == {HoldKind.UNDELIVERABLE}
    assert [(notice.to, notice.envelope.kind) for notice in reminded.team.sent] == [(("collections",), "notice")]
    assert len(reminded.email.sent) == 1
    assert said(reminded.log(ACME)) == ["enrolled", "sent first", "undelivered first", "held first", "notified"]


def test_a_new_address_releases_the_case_and_the_plan_goes_on(reminded: FakeDeployment) -> None:
    report(reminded, DeliveryKind.BOUNCED)
    reminded.advance(timedelta(hours=1))
    reminded.record.contact(ACME, Contact(email="new@acme.example"), reminded.clock.now)
    reminded.run_until(SECOND)
    assert [mail.to for mail in reminded.email.sent[1:]] == [("new@acme.example",)]


@pytest.mark.parametrize("kind", UNDELIVERED)
def test_a_report_that_comes_again_after_the_release_changes_nothing(reminded: FakeDeployment, kind: DeliveryKind) -> None:
    report(reminded, kind)
    reminded.record.contact(ACME, Contact(email="new@acme.example"), FIRST + timedelta(minutes=5))
    report(reminded, kind)
    assert reminded.profile(ACME).holds == {}


def test_that_a_mail_was_delivered_changes_nothing(reminded: FakeDeployment) -> None:
    writes = reminded.store.writes
    report(reminded, DeliveryKind.DELIVERED)
    assert reminded.store.writes == writes


def test_a_mail_that_is_opened_and_clicked_counts_once_however_often(reminded: FakeDeployment) -> None:
    for kind in (DeliveryKind.OPENED, DeliveryKind.CLICKED, DeliveryKind.OPENED, DeliveryKind.CLICKED):
        report(reminded, kind)
    invoice = reminded.invoice(ACME, "in_1")
    assert (len(invoice.opened_mails), len(invoice.clicked_mails), invoice.opened_at) == (1, 1, reminded.clock.now)
    assert said(reminded.log(ACME)) == ["enrolled", "sent first", "opened first", "clicked first"]
    assert was_opened(invoice)
    assert not was_opened(replace(invoice, last_reminder_at=reminded.clock.now + timedelta(days=2)))


def test_a_report_that_a_mail_was_sent_is_nothing_new_once_it_is_settled(reminded: FakeDeployment) -> None:
    writes = reminded.store.writes
    assert report(reminded, DeliveryKind.SENT) == "settled before"
    assert reminded.store.writes == writes


def test_a_report_for_a_customer_nobody_knows_makes_none(reminded: FakeDeployment) -> None:
    news = DeliveryNews(DeliveryKind.BOUNCED, "stripe:cus_else", "claim", "effect", (), None, "message", FIRST)
    RecordDelivery(reminded.store, reminded.record)(news)
    assert reminded.store.customers() == (ACME,)


def test_the_team_is_told_while_the_case_is_held_for_another_reason(reminded: FakeDeployment) -> None:
    HoldCase(reminded.record)(ACME, "their office moves")
    report(reminded, DeliveryKind.BOUNCED)
    reminded.advance(timedelta(hours=1))
    assert len(reminded.team.sent) == 1
    assert reminded.profile(ACME).due_at is None
