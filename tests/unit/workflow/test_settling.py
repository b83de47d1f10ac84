"""What others write while a worker holds the claim is never lost, and never loses what the worker did."""

from dataclasses import replace
from datetime import timedelta

from dunning.domain.case import Dispute
from dunning.domain.invoice import Contact, Status
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import ESCALATION, FIRST, SECOND, said


def test_a_payment_that_comes_while_the_mail_is_on_its_way_stops_the_rest(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.meanwhile = lambda: (world.record.invoice(world.stripe.is_paid("in_1")), None)[1]
    world.run_until(ESCALATION)
    assert len(world.email.sent) == 1
    assert sorted(said(world.log(ACME))) == ["enrolled", "paid", "sent first"]
    invoice = world.invoice(ACME, "in_1")
    assert (invoice.status, invoice.last_step, invoice.next_at) == (Status.PAID, "first", None)
    assert world.profile(ACME).due_at is None


def test_an_invoice_that_comes_while_another_is_worked_off_keeps_its_timer(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    late = snapshot("in_2", due=FIRST.date(), stamp=FIRST)
    world.email.meanwhile = lambda: world.invoiced(late)
    world.run_until(FIRST)
    assert world.profile(ACME).due_at == SECOND
    world.run_until(FIRST + timedelta(days=8))
    assert [mail.envelope.invoices for mail in world.email.sent].count(("in_2",)) == 1


def test_a_dispute_that_opens_while_the_mail_is_on_its_way_holds_what_follows(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    dispute = Dispute("dp_1", is_open=True, stamp=FIRST, invoice="in_1")
    world.email.meanwhile = lambda: (world.record.dispute(ACME, dispute), None)[1]
    world.run_until(ESCALATION)
    assert len(world.email.sent) == 1
    assert world.profile(ACME).due_at is None
    assert world.invoice(ACME, "in_1").next_at == SECOND


def test_others_leave_the_timer_to_the_claim_while_it_is_live(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST)
    until = world.profile(ACME).due_at
    world.record.contact(ACME, Contact(email="new@acme.example"), FIRST)
    assert world.profile(ACME).due_at == until
    assert world.profile(ACME).contact.email == "new@acme.example"


def test_a_postponed_customer_s_timer_is_not_pulled_back_by_news(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.is_down = True
    world.run_until(FIRST)
    postponed = world.profile(ACME).due_at
    world.record.invoice(replace(snapshot(stamp=FIRST), amount_due=50_00))
    assert world.profile(ACME).due_at == postponed
    assert world.profile(ACME).due_since == FIRST


def test_news_without_change_write_nothing_for_a_postponed_customer(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.is_down = True
    world.run_until(FIRST)
    writes = world.store.writes
    world.record.invoice(snapshot(stamp=FIRST))
    assert world.store.writes == writes


def test_a_reminder_whose_last_check_has_no_room_waits_for_its_turn_and_no_longer(world: FakeDeployment) -> None:
    anna = "xero:tenant:anna"
    owed = replace(snapshot("x_1", anna), source="xero")
    world.xero.has(owed)
    world.record.invoice(owed)
    for seconds in (7, 61, 122):
        world.xero.full_until = FIRST + timedelta(seconds=seconds)
        world.run_until(world.xero.full_until - timedelta(seconds=1))
        assert (world.profile(anna).due_at, world.email.sent) == (world.xero.full_until, [])
    world.run_until(FIRST + timedelta(seconds=122))
    assert [mail.envelope.customer for mail in world.email.sent] == [anna]
    assert world.profile(anna).retries == 0
