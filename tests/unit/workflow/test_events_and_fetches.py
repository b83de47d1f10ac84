"""What a source's news cause, and what is fetched for those that only point at something."""

from dataclasses import replace
from datetime import datetime

import pytest

from dunning.domain.errors import NotPermitted, NotYet, Permanent, Rejected, Retryable, Unreadable
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.workflow.ports import SyncRequest, Traced
from dunning.workflow.source_events import (
    ContactSeen,
    CustomerDeleted,
    DisputeSeen,
    FetchKind,
    Ignored,
    InvoiceSeen,
    NeedsFetch,
)
from dunning.workflow.sweep_ports import ChangedInvoices
from dunning.workflow.sync_invoice import MOST_TRIES
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, MINUTE, said


def test_news_that_carry_the_invoice_are_recorded_at_once(world: FakeDeployment) -> None:
    world.events(InvoiceSeen(snapshot()))
    assert world.profile(ACME).due_at == FIRST
    assert world.stripe.requests == 0


def test_news_that_only_point_at_something_are_queued(world: FakeDeployment) -> None:
    world.events(NeedsFetch(FetchKind.CREDIT_NOTE, "cn_1", ACME, MONDAY_MORNING))
    assert world.sync_queue.requests == [SyncRequest("stripe", "credit_note", "cn_1", ACME, MONDAY_MORNING)]
    assert world.store.writes == 0


def test_news_of_a_dispute_carry_what_they_told_along(world: FakeDeployment) -> None:
    world.events(DisputeSeen("dp_1", is_open=True, charge="ch_1", payment_intent="pi_1", stamp=MONDAY_MORNING))
    (request,) = world.sync_queue.requests
    assert request == SyncRequest("stripe", "dispute", "dp_1", None, MONDAY_MORNING, '[true, "ch_1", "pi_1"]')


def test_news_of_a_customer_change_the_contact_or_hold_the_case(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.events(ContactSeen(ACME, Contact(email="new@acme.example"), MONDAY_MORNING))
    world.events(CustomerDeleted(ACME, MONDAY_MORNING))
    assert world.profile(ACME).contact.email == "new@acme.example"
    assert set(world.profile(ACME).holds) == {HoldKind.OPERATOR}


def test_news_that_mean_nothing_change_nothing(world: FakeDeployment) -> None:
    assert world.events(Ignored("plan.created", "not about what is owed")) == "ignored plan.created: not about what is owed"
    assert (world.store.writes, world.sync_queue.requests) == (0, [])


def test_a_fetched_invoice_is_recorded(world: FakeDeployment) -> None:
    world.stripe.has(snapshot())
    assert world.sync(SyncRequest("stripe", "invoice", "in_1")) == "recorded"
    assert world.profile(ACME).due_at == FIRST


@pytest.mark.parametrize("customer", [None, ACME])
def test_an_invoice_the_source_no_longer_has_is_closed(world: FakeDeployment, customer: str | None) -> None:
    world.record.invoice(snapshot())
    world.sync(SyncRequest("stripe", "invoice", "in_1", customer))
    assert world.invoice(ACME, "in_1").status is Status.DELETED
    assert world.profile(ACME).due_at is None
    assert said(world.log(ACME)) == ["enrolled", "closed"]


def test_an_invoice_unknown_here_and_there_is_nothing(world: FakeDeployment) -> None:
    assert world.sync(SyncRequest("stripe", "invoice", "in_9")) == "unknown here and there"
    assert world.store.writes == 0


@pytest.mark.parametrize("kind", [FetchKind.CHARGE, FetchKind.CREDIT_NOTE, FetchKind.INVOICE_PAYMENT])
def test_what_leads_to_invoices_has_all_of_them_fetched(world: FakeDeployment, kind: FetchKind) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.stripe.is_paid("in_1")
    world.stripe.is_paid("in_2")
    world.stripe.traces[kind, "x_1"] = Traced(ACME, ("in_1", "in_2"))
    world.sync(SyncRequest("stripe", kind.value, "x_1"))
    assert {invoice.status for invoice in world.case(ACME).invoices.values()} == {Status.PAID}


UNREADABLE = Permanent("invoice in_1 cannot be read")
REFUSED = NotPermitted("stripe", "acct_1", "may not be read")
UNANSWERED = Retryable("answered with 500")


class Told:
    """workflow.sweep_ports.TellsChanges: says what it was given."""

    def __init__(self, found: ChangedInvoices) -> None:
        self.found = found

    def changed_invoices(self, account: str, since: datetime) -> ChangedInvoices:
        return self.found


@pytest.mark.parametrize(
    ("failures", "raised"),
    [
        ({"in_1": UNREADABLE}, UNREADABLE),
        ({"in_1": REFUSED}, REFUSED),
        ({"in_1": UNREADABLE, "in_2": Permanent("nor this one")}, UNREADABLE),
        ({"in_1": UNREADABLE, "in_2": REFUSED}, REFUSED),
        ({"in_1": REFUSED, "in_2": UNANSWERED}, REFUSED),
        ({"in_1": UNANSWERED, "in_2": UNREADABLE}, UNANSWERED),
    ],
)
@pytest.mark.parametrize("named", [("in_1", "in_2", "in_3"), ()])
def test_an_invoice_that_cannot_be_read_keeps_none_that_was_paid_with_it_from_being_seen(
    world: FakeDeployment, named: tuple[str, ...], failures: dict[str, Exception], raised: Exception
) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"), snapshot("in_3"))
    world.connections.good["stripe", "acct_1"] = world.clock()
    world.stripe.is_paid("in_3")
    world.stripe.traces[FetchKind.CREDIT_NOTE, "cn_1"] = Traced(ACME, named)
    world.stripe.fetch_failures = failures
    with pytest.raises(type(raised)) as failed:
        world.sync(SyncRequest("stripe", "credit_note", "cn_1"))
    assert failed.value is raised
    assert {each.id: each.is_open for each in world.case(ACME).invoices.values()} == {"in_1": True, "in_2": True, "in_3": False}


SPENT = NotYet("the requests are spent", MONDAY_MORNING + MINUTE)


@pytest.mark.parametrize(
    ("failures", "raised"),
    [
        ({"in_1": UNREADABLE, "in_2": SPENT}, SPENT),
        ({"in_1": UNANSWERED, "in_2": SPENT}, UNANSWERED),
        ({"in_1": UNANSWERED, "in_2": Retryable("answered with 503")}, UNANSWERED),
    ],
)
def test_a_source_at_its_limit_or_failing_twice_is_not_asked_about_the_next_invoice(
    world: FakeDeployment, failures: dict[str, Exception], raised: Exception
) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"), snapshot("in_3"))
    world.stripe.traces[FetchKind.CREDIT_NOTE, "cn_1"] = Traced(ACME, ("in_1", "in_2", "in_3"))
    world.stripe.fetch_failures = failures
    with pytest.raises(type(raised)) as failed:
        world.sync(SyncRequest("stripe", "credit_note", "cn_1"))
    assert failed.value is raised
    assert world.stripe.requests == len(["trace", "in_1", "in_2"])


def test_of_what_was_deleted_one_that_cannot_be_read_keeps_no_other_open(world: FakeDeployment) -> None:
    customer = "xero:acme:c1"
    world.record.invoice(replace(snapshot("x1", customer), source="xero"))
    world.record.invoice(replace(snapshot("x2", customer), source="xero"))
    world.xero.fetch_failures = {"x1": UNREADABLE}
    sync = replace(world.sync, changes={"xero": Told(ChangedInvoices(deleted=("x1", "x2")))})
    with pytest.raises(Permanent):
        sync(SyncRequest("xero", "changes", MONDAY_MORNING.isoformat(), account="acme"))
    assert world.invoice(customer, "x1").is_open
    assert world.invoice(customer, "x2").status is Status.DELETED


def test_of_what_changed_a_case_that_cannot_be_read_keeps_no_other_from_being_seen(world: FakeDeployment) -> None:
    poisoned, good = "xero:acme:c1", "xero:acme:c2"
    known = [replace(snapshot(f"x{n}", customer), source="xero") for n, customer in enumerate((poisoned, good, good), 1)]
    for each in known:
        world.record.invoice(each)
    world.xero.has(*known[:2])
    world.clock.advance(MINUTE)
    paid = (world.xero.is_paid("x1"), world.xero.is_paid("x2"))
    world.store.unreadable.add(poisoned)
    sync = replace(world.sync, changes={"xero": Told(ChangedInvoices(paid, deleted=("x3",)))})
    sync(SyncRequest("xero", "changes", MONDAY_MORNING.isoformat(), account="acme"))
    assert [world.invoice(good, each).status for each in ("x2", "x3")] == [Status.PAID, Status.DELETED]
    (alone,) = world.sync_queue.receive()
    assert alone == SyncRequest("xero", "invoice", "x1", poisoned)
    with pytest.raises(Unreadable, match="row CUST#xero:acme:c1"):  # its letter's reason
        sync(alone)


def test_what_leads_nowhere_changes_nothing(world: FakeDeployment) -> None:
    assert world.sync(SyncRequest("stripe", "charge", "ch_9")) == "unknown"


def test_a_fetched_contact_is_taken(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.contacts[ACME] = Contact(email="fetched@acme.example")
    world.sync(SyncRequest("stripe", "customer", "cus_acme"))
    assert world.profile(ACME).contact.email == "fetched@acme.example"


def test_a_customer_the_source_no_longer_has_is_held(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.sync(SyncRequest("stripe", "customer", "cus_acme"))
    assert set(world.profile(ACME).holds) == {HoldKind.OPERATOR}


def test_an_event_is_fetched_and_taken_as_what_the_source_says(world: FakeDeployment) -> None:
    world.stripe.events["evt_1"] = InvoiceSeen(snapshot())
    world.sync(SyncRequest("stripe", "event", "evt_1"))
    assert world.profile(ACME).due_at == FIRST
    assert world.sync(SyncRequest("stripe", "event", "evt_9")) == "the source no longer keeps this event"


def test_a_source_that_is_down_is_asked_again(world: FakeDeployment) -> None:
    world.stripe.is_down = True
    with pytest.raises(Retryable):
        world.sync(SyncRequest("stripe", "invoice", "in_1"))


@pytest.mark.parametrize(("source", "kind"), [("paper", "invoice"), ("stripe", "subscription")])
def test_a_source_or_kind_nobody_knows_is_rejected(world: FakeDeployment, source: str, kind: str) -> None:
    with pytest.raises(Rejected):
        world.sync(SyncRequest(source, kind, "x_1"))


def test_a_note_that_is_not_ours_is_rejected(world: FakeDeployment) -> None:
    with pytest.raises(Rejected):
        world.sync(SyncRequest("stripe", "dispute", "dp_1", None, MONDAY_MORNING, "{"))


def test_what_changes_while_it_is_fetched_is_fetched_again(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.advance(2 * MINUTE)
    world.stripe.changes("in_1", amount_due=80_00)

    def fetch() -> Snapshot | None:
        old = world.stripe.fetch("in_1")
        if world.stripe.requests == 1:
            world.record.invoice(world.stripe.changes("in_1", amount_due=60_00))
        return old

    world.record.invoice_as_fetched(ACME, "in_1", fetch)
    assert world.stripe.requests == 2
    assert world.invoice(ACME, "in_1").amount_due == 60_00


def test_a_clock_that_runs_behind_makes_no_fetch_look_old(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    behind = replace(snapshot(amount_due=60_00), stamp=MONDAY_MORNING - MINUTE / 12)
    assert world.record.invoice_as_fetched(ACME, "in_1", lambda: behind) == "recorded"
    assert world.invoice(ACME, "in_1").amount_due == 60_00


def test_what_a_source_does_not_answer_is_put_off_for_three_days(world: FakeDeployment) -> None:
    asked, down = SyncRequest("stripe", "dispute", "dp_1"), Retryable("down")
    assert world.sync.put_off(asked, down) == "put off: down"
    assert world.sync_queue.requests == [replace(asked, tries=1)]
    world.sync.put_off(replace(asked, tries=MOST_TRIES), down)
    assert len(world.sync_queue.requests) == 1
    assert world.sync_letters == [(asked, "down")]
