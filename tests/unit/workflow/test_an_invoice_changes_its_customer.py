"""An invoice that another customer owes from now on is never reminded of at both, whoever tells of it and in whatever order."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.domain.errors import Retryable
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.workflow.import_invoices import ImportInvoices
from dunning.workflow.ports import SyncRequest
from dunning.workflow.source_events import InvoiceSeen
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import ESCALATION, FIRST, MINUTE, said

BETA = "stripe:cus_beta"
BETA_CONTACT = Contact(name="Beta Ltd", email="ap@beta.example", country="US")
DAY = timedelta(days=1)


def moved(customer: str = BETA, days: int = 1) -> Snapshot:
    """The same invoice, owed by another."""
    return snapshot(customer=customer, contact=BETA_CONTACT, stamp=MONDAY_MORNING + days * DAY)


def statuses(world: FakeDeployment) -> tuple[Status | None, Status | None]:
    """How the invoice stands at Acme and at Beta."""
    found = (world.case(customer).invoices.get("in_1") for customer in (ACME, BETA))
    old, new = (invoice.status if invoice else None for invoice in found)
    return old, new


def reminded(world: FakeDeployment) -> set[str]:
    """Whoever got a mail."""
    return {address for sent in world.email.sent for address in sent.to}


def test_a_fetch_closes_it_here_and_opens_it_there_at_once(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.has(moved())
    writes = world.store.writes
    assert world.sync(SyncRequest("stripe", "invoice", "in_1")) == "recorded"
    assert statuses(world) == (Status.DELETED, Status.OPEN)
    assert world.store.writes == writes + 2
    assert (world.profile(ACME).due_at, world.profile(BETA).due_at) == (None, FIRST)
    assert (said(world.log(ACME)), said(world.log(BETA))) == (["enrolled", "closed"], ["enrolled"])
    assert world.log(ACME)[-1].reason == "it is another customer's now"
    world.run_until(ESCALATION)
    assert reminded(world) == {"ap@beta.example"}


@pytest.mark.parametrize("told_to", [ACME, BETA, None])
def test_it_does_not_matter_whose_the_fetch_believed_it(world: FakeDeployment, told_to: str | None) -> None:
    world.invoiced(snapshot())
    world.stripe.has(moved())
    for _ in range(2):
        world.sync(SyncRequest("stripe", "invoice", "in_1", told_to))
    assert statuses(world) == (Status.DELETED, Status.OPEN)
    assert (said(world.log(ACME)), said(world.log(BETA))) == (["enrolled", "closed"], ["enrolled"])


def test_a_webhook_that_names_another_customer_has_it_fetched(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.advance(DAY)
    world.stripe.has(moved())
    assert world.events(InvoiceSeen(moved())) == "doubtful"
    assert world.sync_queue.requests == [SyncRequest("stripe", "invoice", "in_1", ACME)]
    assert statuses(world) == (Status.OPEN, None)
    world.settle_queues()
    assert statuses(world) == (Status.DELETED, Status.OPEN)


def test_a_late_webhook_of_the_old_customer_takes_nothing_back(world: FakeDeployment) -> None:
    world.stripe.has(moved())
    world.events(InvoiceSeen(moved()))
    world.events(InvoiceSeen(snapshot()))
    world.settle_queues()
    assert statuses(world) == (None, Status.OPEN)
    world.advance(2 * DAY)
    world.events(InvoiceSeen(snapshot()))
    world.run_until(ESCALATION)
    assert reminded(world) == {"ap@beta.example"}


def test_an_invoice_that_comes_back_follows_its_plan_again(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    for customer, day in ((BETA, 1), (ACME, 2)):
        world.advance(DAY)
        now = moved(customer, day)
        world.stripe.has(now)
        world.events(InvoiceSeen(now))
        world.settle_queues()
    assert statuses(world) == (Status.OPEN, Status.DELETED)
    assert said(world.log(ACME)) == ["enrolled", "closed", "reopened"]
    assert (world.profile(ACME).due_at, world.profile(BETA).due_at) == (FIRST, None)


def test_one_that_moved_and_was_paid_is_paid_there_and_closed_here(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.has(replace(moved(), status=Status.PAID, amount_due=0))
    world.sync(SyncRequest("stripe", "invoice", "in_1"))
    assert statuses(world) == (Status.DELETED, Status.PAID)
    world.run_until(ESCALATION)
    assert world.email.sent == []


def test_the_invoice_s_own_hold_ends_where_it_was_and_the_case_s_stays(world: FakeDeployment) -> None:
    world.invoiced(snapshot(), snapshot("in_2"))
    before = world.case(ACME)
    held = replace(before.invoices["in_1"], holds={HoldKind.PROMISE: Hold(MONDAY_MORNING)})
    profile = replace(before.profile, holds={HoldKind.OPERATOR: Hold(MONDAY_MORNING)})
    world.store.save(before, before.with_invoice(held).with_profile(profile))
    world.stripe.has(moved())
    world.sync(SyncRequest("stripe", "invoice", "in_1"))
    assert (world.invoice(ACME, "in_1").holds, set(world.profile(ACME).holds)) == ({}, {HoldKind.OPERATOR})
    assert (world.invoice(BETA, "in_1").is_held, world.profile(BETA).is_held) == (False, False)


def test_what_moves_on_while_it_is_fetched_is_fetched_again(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    answers = [moved(), moved("stripe:cus_gamma"), moved("stripe:cus_gamma"), moved("stripe:cus_gamma")]
    assert world.record.invoice_as_fetched(ACME, "in_1", lambda: answers.pop(0)) == "recorded"
    assert statuses(world) == (Status.DELETED, None)
    assert world.invoice("stripe:cus_gamma", "in_1").is_open


def test_what_never_stands_still_is_left_to_a_retry(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    customers = (f"stripe:cus_{n}" for n in range(1000))
    with pytest.raises(Retryable):
        world.record.invoice_as_fetched(ACME, "in_1", lambda: moved(next(customers)))
    assert statuses(world) == (Status.OPEN, None)


def test_a_list_that_shows_it_at_another_customer_has_it_moved(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.has(moved())
    world.sweep.start(world.clock.now)
    world.settle_queues()
    assert statuses(world) == (Status.DELETED, Status.OPEN)


def test_a_company_s_invoice_moves_within_its_account(world: FakeDeployment) -> None:
    old, new = "xero:tenant:a", "xero:tenant:b"
    owed = replace(snapshot(customer=old), source="xero")
    world.xero.connected = ("tenant",)
    world.xero.has(owed)
    world.sync(SyncRequest("xero", "invoice", "in_1", account="tenant"))
    world.xero.has(replace(owed, customer=new))
    world.sync(SyncRequest("xero", "invoice", "in_1", account="tenant"))
    assert [world.invoice(customer, "in_1").status for customer in (old, new)] == [Status.DELETED, Status.OPEN]


def test_a_file_that_gives_it_to_another_customer_moves_it(world: FakeDeployment) -> None:
    take = ImportInvoices(world.record, world.open_index)
    old, new = "manual:a", "manual:b"
    assert take([replace(snapshot(customer=old), source="manual")]).new == ("in_1",)
    world.advance(MINUTE)
    assert take([replace(snapshot(customer=new), source="manual")]).changed == ("in_1",)
    assert [world.invoice(customer, "in_1").status for customer in (old, new)] == [Status.DELETED, Status.OPEN]
    assert take([replace(snapshot(customer=new), source="manual")]).unchanged == ("in_1",)


def test_a_reminder_that_is_being_sent_meanwhile_is_put_down_and_no_other_follows(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.clock.now = FIRST

    def moves() -> None:
        world.stripe.has(moved())
        world.sync(SyncRequest("stripe", "invoice", "in_1"))

    world.email.meanwhile = moves
    world.look_at(ACME)
    assert statuses(world) == (Status.DELETED, Status.OPEN)
    assert said(world.log(ACME)) == ["enrolled", "closed", "sent first"]
    assert world.profile(ACME).claim is None
    world.run_until(ESCALATION)
    assert [sent.to for sent in world.email.sent].count(("ap@acme.example",)) == 1


def test_a_deleted_draft_that_nobody_knew_makes_no_case(world: FakeDeployment) -> None:
    assert world.record.invoice(snapshot(status=Status.DELETED)) == "nothing new"
    assert world.store.customers() == ()
