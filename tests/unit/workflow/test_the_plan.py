"""The founding brief's plan, from the webhook to the team, in virtual time."""

from datetime import timedelta

from dunning.domain.invoice import Status
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import ESCALATION, FIRST, MINUTE, SECOND, said


def test_an_unpaid_invoice_is_reminded_warned_and_handed_to_the_team(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.run_until(FIRST - MINUTE)
    assert world.email.sent == []
    world.run_until(FIRST)
    assert [mail.subject for mail in world.email.sent] == ["friendly: NO-in_1 10000 EUR"]
    world.run_until(SECOND)
    assert [mail.subject for mail in world.email.sent[1:]] == ["second_notice: NO-in_1 10000 EUR"]
    assert [text.to for text in world.sms.sent] == [("+431234567",)]
    world.run_until(ESCALATION)
    assert [(notice.to, notice.subject) for notice in world.team.sent] == [(("collections",), "escalation: NO-in_1 10000 EUR")]
    assert said(world.log(ACME)) == ["enrolled", "sent first", "sent second", "escalated escalate"]


def test_each_step_is_logged_at_its_instant(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.run_until(ESCALATION + timedelta(days=60))
    assert [activity.at for activity in world.log(ACME)[1:]] == [FIRST, SECOND, ESCALATION]


def test_an_escalated_invoice_leaves_automated_mail(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.run_until(ESCALATION)
    assert world.invoice(ACME, "in_1").escalated
    assert world.profile(ACME).due_at is None
    world.advance(timedelta(days=365))
    assert (len(world.email.sent), len(world.sms.sent), len(world.team.sent)) == (2, 1, 1)


def test_a_payment_in_the_middle_stops_it(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.run_until(FIRST + timedelta(hours=5))
    world.record.invoice(world.stripe.is_paid("in_1"))
    world.advance(timedelta(days=60))
    assert len(world.email.sent) == 1
    assert world.profile(ACME).due_at is None
    assert said(world.log(ACME)) == ["enrolled", "sent first", "paid"]


def test_a_payment_whose_webhook_never_came_is_caught_before_sending(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.is_paid("in_1")
    world.run_until(ESCALATION)
    assert world.email.sent == []
    assert world.invoice(ACME, "in_1").status is Status.PAID
    assert said(world.log(ACME)) == ["enrolled", "paid", "suppressed first"]


def test_a_partial_payment_found_at_the_last_moment_is_what_the_reminder_says(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.changes("in_1", amount_due=25_00)
    world.run_until(FIRST)
    assert [mail.subject for mail in world.email.sent] == ["friendly: NO-in_1 2500 EUR"]
    assert said(world.log(ACME)) == ["enrolled", "partly_paid", "sent first"]


def test_an_invoice_its_source_no_longer_has_is_closed_instead_of_reminded(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.invoices.clear()
    world.run_until(ESCALATION)
    assert world.email.sent == []
    assert said(world.log(ACME)) == ["enrolled", "closed", "suppressed first"]


def test_every_invoice_of_a_customer_follows_its_own_plan(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2", due=snapshot().stamp.date() + timedelta(days=60)))
    world.run_until(SECOND)
    assert [mail.envelope.invoices for mail in world.email.sent] == [("in_1",), ("in_1",)]
    world.run_until(FIRST + timedelta(days=90))
    assert [mail.envelope.invoices for mail in world.email.sent].count(("in_2",)) == 2


def test_messages_that_come_twice_or_late_send_nothing_twice(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.run_until(FIRST)
    for _ in range(5):
        world.look_at(ACME)
        world.advance(timedelta(minutes=7))
    assert len(world.email.sent) == 1


def test_an_invoice_that_is_charged_automatically_is_only_watched(world: FakeDeployment) -> None:
    world.invoiced(snapshot(collects_automatically=True))
    world.run_until(ESCALATION)
    assert world.email.sent == []
    assert [activity.reason for activity in world.log(ACME)][1:] == ["charge_automatically"]


def test_a_customer_without_any_address_is_not_silently_skipped(world: FakeDeployment) -> None:
    bare = snapshot().contact.__class__(name="Acme GmbH")
    world.invoiced(snapshot(contact=bare))
    world.run_until(ESCALATION)
    assert said(world.log(ACME)) == ["enrolled", "suppressed first", "suppressed second", "escalated escalate"]
    assert len(world.team.sent) == 1


def test_what_falls_due_outside_the_hours_waits_for_the_morning(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.clock.now = FIRST + timedelta(hours=11)
    world.dispatch(world.clock.now)
    world.settle_queues()
    assert world.email.sent == []
    world.run_until(FIRST + timedelta(hours=24))
    assert [activity.at for activity in world.log(ACME)[1:]] == [FIRST + timedelta(hours=24)]
