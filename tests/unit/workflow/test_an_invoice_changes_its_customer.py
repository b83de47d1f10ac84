"""An invoice that another customer owes from now on is never reminded of at both, whoever tells of it and in whatever order."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dunning.domain.activity import ActivityType
from dunning.domain.case import Notice
from dunning.domain.charging import proposal_key
from dunning.domain.errors import NotYet, Retryable
from dunning.domain.fee_records import FeeState
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.domain.promise import Promise
from dunning.workflow.import_invoices import ImportInvoices
from dunning.workflow.ports import SyncRequest
from dunning.workflow.source_events import InvoiceSeen
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import ESCALATION, FIRST, MINUTE, SECOND, said
from tests.unit.workflow.test_late_fees import FEE_AT, PLAN, following

BETA = "stripe:cus_beta"
BETA_CONTACT = Contact(name="Beta Ltd", email="ap@beta.example", country="US")
DAY = timedelta(days=1)


def moved(customer: str = BETA, days: int = 1) -> Snapshot:
    """The same invoice, owed by another."""
    return snapshot(customer=customer, contact=BETA_CONTACT, stamp=MONDAY_MORNING + days * DAY)


def moves(world: FakeDeployment, days: int = 1) -> None:
    """Its source gives the invoice to Beta, and tells of it twice."""
    world.stripe.has(moved(days=days))
    for _ in range(2):
        world.sync(SyncRequest("stripe", "invoice", "in_1"))


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
    assert world.log(ACME)[-1].reason == "it is owed by stripe:cus_beta now, with all that was done about it"
    assert world.log(BETA)[-1].reason == "comes from stripe:cus_acme, with all that was done about it"
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


@pytest.mark.parametrize("kind", [HoldKind.DISPUTE, HoldKind.PROMISE, HoldKind.OPERATOR])
def test_the_invoice_s_own_hold_goes_with_it_and_the_case_s_stays(world: FakeDeployment, kind: HoldKind) -> None:
    world.invoiced(snapshot(), snapshot("in_2"))
    before, hold, word = world.case(ACME), Hold(MONDAY_MORNING, ESCALATION), Promise(ESCALATION.date(), 100_00, 100_00)
    held = replace(before.invoices["in_1"], holds={kind: hold}, promise=word, promises_made=1)
    profile = replace(before.profile, holds={HoldKind.OPERATOR: Hold(MONDAY_MORNING)})
    world.store.save(before, before.with_invoice(held).with_profile(profile))
    moves(world)
    assert (world.invoice(ACME, "in_1").holds, world.invoice(ACME, "in_1").promise) == ({}, None)
    assert (set(world.profile(ACME).holds), world.profile(BETA).holds) == ({HoldKind.OPERATOR}, {})
    theirs = world.invoice(BETA, "in_1")
    assert (theirs.holds, theirs.promise, theirs.promises_made) == ({kind: hold}, word, 1)
    assert ActivityType.RELEASED not in [activity.type for activity in (*world.log(ACME), *world.log(BETA))]
    world.run_until(ESCALATION - MINUTE)
    assert reminded(world) == set()


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (FIRST + MINUTE, ["sent second", "escalated escalate"]),
        (SECOND + MINUTE, ["escalated escalate"]),
        (ESCALATION + MINUTE, []),
    ],
)
def test_its_plan_goes_on_where_it_stood(world: FakeDeployment, at: datetime, told: list[str]) -> None:
    world.invoiced(snapshot())
    world.run_until(at)
    before = world.invoice(ACME, "in_1")
    moves(world)
    now = world.invoice(BETA, "in_1")
    assert (now.level, now.reminders_sent, now.escalated) == (before.level, before.reminders_sent, before.escalated)
    assert (now.next_step, now.next_at) == (before.next_step, before.next_at)
    assert world.profile(BETA).reminded_at == (before.last_reminder_at,)
    world.run_until(ESCALATION + 10 * DAY)
    assert said(world.log(BETA)) == ["enrolled", *told]
    assert len([one for one in said(world.log(ACME) + world.log(BETA)) if one == "sent first"]) == 1


def test_what_the_last_check_found_gone_comes_to_its_new_customer_with_all_that_was_done(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.run_until(SECOND - MINUTE)
    world.stripe.has(moved(days=37))
    world.run_until(SECOND + 3 * MINUTE)
    assert statuses(world) == (Status.DELETED, Status.OPEN)
    world.run_until(ESCALATION + MINUTE)
    assert said(world.log(ACME)) == ["enrolled", "sent first", "closed", "suppressed second", "updated"]
    assert said(world.log(BETA)) == ["enrolled", "sent second", "escalated escalate"]


def test_a_fee_that_waits_for_a_person_is_asked_about_where_it_is_owed() -> None:
    world = following(PLAN.replace("mode: apply", "mode: propose"))
    world.invoiced(snapshot())
    world.run_until(FEE_AT)
    before, untold = world.case(ACME), Notice("a late fee waits", FEE_AT + DAY, ("in_1",))
    key = proposal_key("in_1", "charged")
    world.store.save(before, before.with_profile(replace(before.profile, notices={key: untold})))
    moves(world, days=39)
    assert (world.profile(ACME).notices, world.invoice(ACME, "in_1").fees) == ({}, ())
    assert world.profile(BETA).notices == {key: untold}
    world.answer_fee(BETA, "in_1", None, accept=True, actor="Ann")
    world.run_until(FEE_AT + timedelta(hours=2))
    assert [(order.customer, order.invoice_id) for order in world.stripe.orders] == [(BETA, "in_1")]
    assert world.invoice(BETA, "in_1").fees[0].state is FeeState.APPLIED


def test_a_fee_that_waits_goes_along_though_the_last_check_closed_what_it_is_on() -> None:
    world = following(PLAN.replace("mode: apply", "mode: propose"))
    world.invoiced(snapshot())
    world.run_until(FEE_AT + DAY)
    world.stripe.has(moved(days=40))
    world.run_until(FEE_AT + 5 * DAY)
    assert statuses(world) == (Status.DELETED, Status.OPEN)
    assert [fee.state for fee in world.invoice(BETA, "in_1").fees] == [FeeState.PROPOSED]
    assert said(world.log(ACME)) == ["enrolled", "fee_proposed charged", "notified", "closed", "suppressed reminded", "updated"]


@pytest.mark.parametrize("first", [0, 1])
def test_a_fee_that_stands_and_what_it_is_on_stay_together_whichever_goes_first(first: int) -> None:
    world = following(PLAN)
    world.invoiced(snapshot())
    world.run_until(FEE_AT)
    (fee,) = (found for found in world.stripe.invoices.values() if found.fee_id)
    both = [fee.invoice_id, "in_1"]
    for invoice_id in (both[first], both[1 - first]):
        world.stripe.has(replace(world.stripe.invoices[invoice_id], customer=BETA, contact=BETA_CONTACT))
        world.sync(SyncRequest("stripe", "invoice", invoice_id))
    world.run_until(FEE_AT + 5 * DAY)
    assert len(world.stripe.orders) == 1
    assert [mail.envelope.invoices for mail in world.email.sent] == [("in_1", fee.invoice_id)]
    assert reminded(world) == {"ap@beta.example"}


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

    def is_moved() -> None:
        world.stripe.has(moved())
        with pytest.raises(NotYet):  # it could not take along what nobody has put down yet
            world.sync(SyncRequest("stripe", "invoice", "in_1"))

    world.email.meanwhile = is_moved
    world.look_at(ACME)
    assert statuses(world) == (Status.OPEN, None)
    assert world.profile(ACME).claim is None
    world.sync(SyncRequest("stripe", "invoice", "in_1"))
    assert said(world.log(ACME)) == ["enrolled", "sent first", "closed"]
    world.run_until(ESCALATION)
    assert said(world.log(BETA)) == ["enrolled", "sent second", "escalated escalate"]


def test_a_deleted_draft_that_nobody_knew_makes_no_case(world: FakeDeployment) -> None:
    assert world.record.invoice(snapshot(status=Status.DELETED)) == "nothing new"
    assert world.store.customers() == ()
