"""Late fees from the step to the provider and back, with everything in between failing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.domain.activity import ActivityType
from dunning.domain.errors import Permanent, Rejected, Retryable, Unauthorised
from dunning.domain.fee_records import FeeState, fee_id
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Invoice, Snapshot, Status
from dunning.workflow.fee_port import FeeOrder
from dunning.workflow.release_case import ReleaseCase
from dunning.workflow.run_step import MOST_RETRIES
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.fakes.source import FakeSource
from tests.unit.content.plans import load
from tests.unit.workflow.plan import said

FEE_AT = datetime(2026, 4, 10, 9, tzinfo=UTC)
REMINDED_AT = datetime(2026, 4, 14, 9, tzinfo=UTC)

PLAN = """
name: plan
timezone: UTC
steps:
  - id: charged
    at: {after_due: 10d, time: "09:00"}
    late_fee: {fixed: "2.50", percent: "1.5", basis: contract, mode: apply}
  - id: reminded
    at: {after_due: 14d, time: "09:00"}
    email: second_notice
  - id: escalate
    at: {after_due: 60d, time: "09:00"}
    escalate: {team: collections}
"""


def following(text: str) -> FakeDeployment:
    plan = replace(load(text), name="standard")
    return FakeDeployment(PolicyBook.of({"standard": plan}))


def world_of(mode: str = "apply") -> FakeDeployment:
    world = following(PLAN.replace("mode: apply", f"mode: {mode}"))
    world.invoiced(snapshot())
    return world


def charged(world: FakeDeployment) -> list[Invoice]:
    return [invoice for invoice in world.case(ACME).invoices.values() if invoice.is_fee]


def fees_at_stripe(world: FakeDeployment) -> list[tuple[str, int]]:
    return [(found.currency, found.total) for found in world.stripe.invoices.values() if found.fee_id]


def test_a_fee_is_charged_once_and_told_of_with_its_invoice() -> None:
    world = world_of()
    world.run_until(FEE_AT)
    assert fees_at_stripe(world) == [("EUR", 4_00)]
    assert [(fee.number, fee.fee_for) for fee in charged(world)] == [(world.stripe.orders[0].id, "in_1")]
    world.run_until(REMINDED_AT)
    (mail,) = world.email.sent
    assert mail.envelope.invoices == ("in_1", charged(world)[0].id)
    world.advance(timedelta(days=90))
    assert len(world.stripe.orders) == 1
    assert said(world.log(ACME)) == ["enrolled", "fee_applied charged", "sent reminded", "escalated escalate"]


@pytest.mark.parametrize("lost", [1, 2, 5])
def test_a_lost_answer_makes_no_second_fee(lost: int) -> None:
    world = world_of()
    world.stripe.loses_answers = lost
    world.run_until(REMINDED_AT)
    assert fees_at_stripe(world) == [("EUR", 4_00)]
    assert len(world.stripe.orders) == lost + 1
    assert len(set(world.stripe.orders)) == 1
    assert said(world.log(ACME)).count("fee_applied charged") == 1


def test_a_fee_whose_writer_died_is_known_by_its_webhook_and_not_asked_for_again() -> None:
    world = world_of()
    world.stripe.loses_answers = 1
    world.run_until(FEE_AT)
    (written,) = (found for found in world.stripe.invoices.values() if found.fee_id)
    world.record.invoice(replace(written, stamp=world.clock.now))
    world.run_until(REMINDED_AT)
    assert len(world.stripe.orders) == 1
    assert said(world.log(ACME)) == ["enrolled", "fee_applied charged", "sent reminded"]


def test_an_invoice_paid_before_the_provider_answered_is_charged_nothing() -> None:
    world = world_of()
    world.stripe.is_down = True
    world.run_until(FEE_AT)
    world.stripe.is_down = False
    world.stripe.is_paid("in_1")
    world.advance(timedelta(hours=3))
    assert world.stripe.orders == []
    assert fees_at_stripe(world) == []


def test_a_payment_found_right_before_charging_makes_the_fee_lapse() -> None:
    world = world_of("propose")
    world.run_until(FEE_AT)
    world.stripe.is_paid("in_1")
    world.answer_fee(ACME, "in_1", None, accept=True, actor="Ann")
    world.settle_queues()
    assert world.stripe.orders == []
    assert world.invoice(ACME, "in_1").fees[0].state is FeeState.LAPSED
    assert said(world.log(ACME))[-3:] == ["paid", "suppressed charged", "suppressed reminded"]


def test_what_is_proposed_is_charged_when_a_person_accepts_it() -> None:
    world = world_of("propose")
    world.run_until(FEE_AT + timedelta(minutes=1))
    (told,) = world.team.sent
    assert told.subject == "fee_proposal: NO-in_1 10000 EUR"
    assert world.stripe.orders == []
    assert world.answer_fee(ACME, "NO-in_1", None, accept=True, actor="Ann") == "recorded"
    assert world.answer_fee(ACME, "in_1", "charged", accept=True, actor="Ann") == "nothing new"
    world.settle_queues()
    assert fees_at_stripe(world) == [("EUR", 4_00)]
    assert world.answer_fee(ACME, "in_1", "charged", accept=True, actor="Ann") == "nothing new"
    assert said(world.log(ACME)) == ["enrolled", "fee_proposed charged", "notified", "fee_accepted charged", "fee_applied charged"]
    assert world.log(ACME)[3].actor == "Ann"


def test_what_is_declined_is_never_charged() -> None:
    world = world_of("propose")
    world.run_until(FEE_AT)
    assert world.answer_fee(ACME, "in_1", None, accept=False, actor="Ann") == "recorded"
    assert world.answer_fee(ACME, "in_1", None, accept=False, actor="Ann") == "nothing new"
    with pytest.raises(Rejected, match="is declined already"):
        world.answer_fee(ACME, "in_1", None, accept=True, actor="Ann")
    world.advance(timedelta(days=90))
    assert world.stripe.orders == []


@pytest.mark.parametrize(
    ("invoice", "step", "problem"),
    [
        ("in_9", None, "has no invoice 'in_9'"),
        ("in_1", "reminded", 'no late fee of step "reminded" \\(there are: charged\\)'),
        ("in_2", None, "no late fee was proposed on invoice NO-in_2"),
    ],
)
def test_an_answer_to_what_was_not_asked_says_what_is_wrong(invoice: str, step: str | None, problem: str) -> None:
    world = world_of("propose")
    world.invoiced(snapshot("in_2", due=snapshot().stamp.date() + timedelta(days=300)))
    world.run_until(FEE_AT)
    before = world.case(ACME)
    with pytest.raises(Rejected, match=problem):
        world.answer_fee(ACME, invoice, step, accept=True, actor="Ann")
    assert world.case(ACME) == before


def test_a_provider_that_refuses_for_ever_parks_the_case_and_it_goes_on_after_a_fix() -> None:
    world = world_of()
    world.run_until(FEE_AT - timedelta(minutes=1))
    world.stripe.refuses_fees = Permanent("Stripe answered POST /v1/invoices with 400")
    world.run_until(FEE_AT + timedelta(minutes=1))
    assert HoldKind.PARKED in world.profile(ACME).holds
    assert "answered POST /v1/invoices with 400" in world.dead_letters.letters[0][1]
    world.stripe.refuses_fees = None
    ReleaseCase(world.record)(ACME, "the key was mended")
    world.settle_queues()
    assert fees_at_stripe(world) == [("EUR", 4_00)]


def test_an_accounting_source_without_an_account_names_the_field_to_fill() -> None:
    world = FakeDeployment(PolicyBook.of({"standard": replace(load(PLAN), name="standard")}))
    charge = world.sender.charge
    world.invoiced(snapshot())
    world.run_until(FEE_AT)
    case = world.case(ACME)
    as_xero = replace(case.invoices["in_1"], source="xero")
    with pytest.raises(Permanent, match=r'step "charged": field "late_fee\.booked_to": says nothing for xero: give an account'):
        replace(charge, books={"xero": world.stripe})(case.with_invoice(as_xero), "in_1", "charged")


def test_an_accounting_source_is_told_what_the_fee_is_booked_to_and_its_tax_code() -> None:
    terms = 'mode: apply, booked_to: {xero: "260"}, tax_code: {xero: "OUTPUT2", quickbooks: "5"}'
    world = following(PLAN.replace("mode: apply", terms))
    world.invoiced(snapshot())
    world.run_until(FEE_AT)
    case = world.case(ACME)
    as_xero = case.with_invoice(replace(case.invoices["in_1"], source="xero"))
    replace(world.sender.charge, books={"xero": world.stripe})(as_xero, "in_1", "charged")
    assert [(order.booked_to, order.tax_code) for order in world.stripe.orders] == [(None, None), ("260", "OUTPUT2")]


def test_reminders_go_on_while_fees_cannot_be_written() -> None:
    world = world_of()
    world.run_until(FEE_AT - timedelta(minutes=1))
    world.stripe.refuses_fees = Retryable("at its limit")
    world.run_until(REMINDED_AT - timedelta(days=3, hours=12))
    assert world.stripe.orders == []
    world.stripe.refuses_fees = None
    world.run_until(REMINDED_AT)
    assert fees_at_stripe(world) == [("EUR", 4_00)]
    assert [mail.subject for mail in world.email.sent] == ["second_notice: NO-in_1 10000 EUR"]


def test_a_fee_paid_without_a_webhook_is_not_asked_for_again() -> None:
    world = world_of()
    world.run_until(FEE_AT)
    world.stripe.is_paid(charged(world)[0].id)
    world.run_until(REMINDED_AT)
    assert world.email.sent[0].envelope.invoices == ("in_1",)
    assert charged(world)[0].status is Status.PAID
    assert ActivityType.PAID in [activity.type for activity in world.log(ACME)]


def _same(told: Snapshot) -> Snapshot:
    return told


def test_a_fees_copy_for_another_customer_is_reminded_of_there_and_the_fee_itself_is_not() -> None:
    world = world_of()
    world.run_until(FEE_AT)
    (fee,) = (found for found in world.stripe.invoices.values() if found.fee_id)
    other = "stripe:cus_other"
    for invoice_id in ("in_copy", fee.invoice_id):
        told = replace(fee, invoice_id=invoice_id, customer=other, stamp=world.clock.now)
        world.record.invoice_as_fetched(ACME if invoice_id == fee.invoice_id else other, invoice_id, partial(_same, told))
    theirs = world.case(other).invoices
    assert (theirs["in_copy"].is_fee, theirs["in_copy"].next_step) == (False, "charged")
    assert (theirs[fee.invoice_id].is_fee, theirs[fee.invoice_id].next_step) == (True, None)


def test_a_stripe_key_without_the_right_to_write_parks_nobody_and_the_team_is_told_once() -> None:
    world = world_of()
    said = "Stripe answered POST /v1/invoices with 403: put a valid key with write access to invoices into the Stripe secret"
    world.stripe.refuses_fees = Unauthorised(said)
    world.run_until(FEE_AT + timedelta(days=3))
    for stage in world.sweep_queue.receive():
        world.sweep.page(stage)
    assert (world.dead_letters.letters, world.profile(ACME).holds, fees_at_stripe(world)) == ([], {}, [])
    (notice,) = world.team.sent
    assert (said in notice.text, "company" in notice.text, "dunning connect" in notice.text) == (True, False, False)
    world.stripe.refuses_fees = None
    world.advance(timedelta(hours=2))
    assert fees_at_stripe(world) == [("EUR", 4_00)]


def _written_before(*, paid: bool = False) -> Snapshot:
    """The fee's invoice as the source shows it to who never asked for it."""
    name = fee_id(ACME, "in_1", "charged")
    status, left = (Status.PAID, 0) if paid else (Status.OPEN, 4_00)
    return replace(snapshot(f"fee_{name}", status=status, amount_due=left), number=name, total=4_00, fee_id=name)


@pytest.mark.parametrize("paid", [False, True])
@pytest.mark.parametrize("order", [("fee", "parent"), ("parent", "fee"), ("fee", "parent", "fee", "parent")])
def test_a_fee_written_in_another_life_is_linked_in_whatever_order_both_are_told(order: tuple[str, ...], paid: bool) -> None:
    world = following(PLAN)
    told = {"fee": _written_before(paid=paid), "parent": snapshot()}
    world.stripe.has(*told.values())
    for which in order:
        world.record.invoice(told[which])
    (fee,), parent = charged(world), world.invoice(ACME, "in_1")
    assert (fee.fee_for, [(known.state, known.invoice) for known in parent.fees]) == ("in_1", [(FeeState.APPLIED, fee.id)])
    world.run_until(REMINDED_AT)
    assert world.stripe.orders == []
    assert said(world.log(ACME)).count("fee_applied charged") == 1
    assert [mail.envelope.invoices for mail in world.email.sent] == [("in_1",) if paid else ("in_1", fee.id)]


def test_an_invoice_paid_already_finds_its_open_fee_and_the_team_hears_of_that() -> None:
    world = following(PLAN)
    world.record.invoice(_written_before())
    world.record.invoice(replace(snapshot(), status=Status.PAID, amount_due=0))
    assert [notice.invoices for notice in world.profile(ACME).notices.values()] == [(charged(world)[0].id,)]


def test_a_fee_that_is_found_although_it_was_taken_for_something_else_is_charged_all_the_same() -> None:
    world = world_of("propose")
    world.run_until(FEE_AT + timedelta(minutes=1))
    world.invoiced(replace(_written_before(), fee_id=None))
    told = replace(_written_before(), fee_for="in_1")
    world.stripe.has(told)
    world.answer_fee(ACME, "in_1", None, accept=True, actor="Ann")
    world.run_until(REMINDED_AT - timedelta(days=1))
    assert len(world.stripe.orders) == 1
    assert [(fee.state, fee.invoice) for fee in world.invoice(ACME, "in_1").fees] == [(FeeState.APPLIED, told.invoice_id)]
    assert world.profile(ACME).retries == 0


class _Forgetful(FakeSource):
    """Shows fees as invoices that nothing can be made of: deleted drafts."""

    def charge(self, order: FeeOrder) -> Snapshot:
        """Found, and yet nothing to put down."""
        return replace(super().charge(order), status=Status.DELETED)


def test_what_is_done_and_changes_nothing_is_tried_again_ever_later_and_parks_in_the_end() -> None:
    world = world_of()
    book = _Forgetful(world.clock)
    charge = replace(world.sender.charge, books={"stripe": book})
    world.run_step = replace(world.run_step, sender=replace(world.sender, charge=charge))
    world.run_until(FEE_AT + timedelta(minutes=20))
    assert 3 <= len(book.orders) <= 6
    assert world.dead_letters.letters == []
    world.run_until(FEE_AT + timedelta(hours=50))
    assert len(book.orders) == MOST_RETRIES + 1
    ((_, reason),) = world.dead_letters.letters
    assert reason.endswith("what is due was done and is due again, with nothing changed")
    assert set(world.profile(ACME).holds) == {HoldKind.PARKED}
