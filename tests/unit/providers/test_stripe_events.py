from collections.abc import Callable

import pytest

from dunning.domain.customer_settings import CustomerSettings
from dunning.domain.errors import Rejected
from dunning.domain.invoice import Contact, Status
from dunning.providers.stripe_events import interpret, read_event
from dunning.workflow.source_events import (
    ContactSeen,
    CustomerDeleted,
    DisputeSeen,
    FetchKind,
    Ignored,
    InvoiceSeen,
    NeedsFetch,
)
from tests.unit.providers.stripe_payloads import CREATED, Payload, body, event, invoice, legacy_invoice, thin_event


def said_of(type_: str, subject: Payload) -> object:
    return read_event(body(event(type_, subject)))


@pytest.mark.parametrize(
    ("type_", "status"),
    [
        ("invoice.finalized", "open"),
        ("invoice.sent", "open"),
        ("invoice.updated", "open"),
        ("invoice.payment_failed", "open"),
        ("invoice.payment_action_required", "open"),
        ("invoice.overdue", "open"),
        ("invoice.will_be_due", "open"),
        ("invoice.created", "open"),
        ("invoice.paid", "paid"),
        ("invoice.payment_succeeded", "paid"),
        ("invoice.overpaid", "paid"),
        ("invoice.voided", "void"),
        ("invoice.marked_uncollectible", "uncollectible"),
    ],
)
@pytest.mark.parametrize("of_version", [invoice, legacy_invoice])
def test_an_invoice_event_shows_the_invoice_as_of_the_event(type_: str, status: str, of_version: Callable[..., Payload]) -> None:
    seen = said_of(type_, of_version(status=status))
    assert isinstance(seen, InvoiceSeen)
    assert seen.snapshot.status is Status(status)
    assert seen.snapshot.invoice_id == "in_1"
    assert seen.snapshot.stamp == CREATED


@pytest.mark.parametrize("type_", ["invoice.created", "invoice.updated"])
def test_a_draft_is_not_yet_owed(type_: str) -> None:
    said = said_of(type_, invoice(status="draft", number=None, hosted_invoice_url=None))
    assert isinstance(said, Ignored)
    assert "draft" in said.reason


def test_a_deleted_draft_is_seen_as_deleted() -> None:
    seen = said_of("invoice.deleted", invoice(status="draft"))
    assert isinstance(seen, InvoiceSeen)
    assert seen.snapshot.status is Status.DELETED


def test_a_deleted_invoice_of_which_only_the_id_is_left_is_looked_up() -> None:
    assert said_of("invoice.deleted", {"id": "in_1", "object": "invoice", "deleted": True}) == NeedsFetch(
        FetchKind.INVOICE, "in_1", None, CREATED
    )


def test_an_invoice_without_a_customer_reminds_no_one() -> None:
    said = said_of("invoice.finalized", invoice(customer=None))
    assert isinstance(said, Ignored)
    assert "no customer" in said.reason


@pytest.mark.parametrize("gone", ["status", "currency", "customer"])
def test_an_invoice_in_a_shape_we_cannot_read_is_fetched_instead(gone: str) -> None:
    shown = invoice()
    del shown[gone]
    said = said_of("invoice.updated", shown)
    assert isinstance(said, NeedsFetch)
    assert (said.kind, said.id) == (FetchKind.INVOICE, "in_1")


@pytest.mark.parametrize(
    "odd",
    [{"status": "frozen"}, {"currency": "euros"}, {"amount_remaining": None, "amount_due": 10.5}, {"status": "paid", "currency": "euros"}],
)
def test_an_invoice_with_values_we_do_not_know_is_fetched_instead(odd: Payload) -> None:
    assert said_of("invoice.updated", invoice(**odd)) == NeedsFetch(FetchKind.INVOICE, "in_1", "stripe:cus_1", CREATED)


@pytest.mark.parametrize(
    ("type_", "object_id"),
    [("invoice_payment.paid", "inpay_1"), ("credit_note.created", "cn_1"), ("credit_note.updated", "cn_1"), ("credit_note.voided", "cn_1")],
)
@pytest.mark.parametrize("pointer", ["in_1", {"id": "in_1", "object": "invoice"}])
def test_payments_and_credit_notes_make_their_invoice_be_fetched(type_: str, object_id: str, pointer: object) -> None:
    shown: Payload = {"id": object_id, "customer": "cus_1", "invoice": pointer}
    assert said_of(type_, shown) == NeedsFetch(FetchKind.INVOICE, "in_1", "stripe:cus_1", CREATED)


def test_a_credit_note_without_an_invoice_means_nothing() -> None:
    assert isinstance(said_of("credit_note.created", {"id": "cn_1", "invoice": None}), Ignored)


def test_a_refunded_charge_that_names_its_invoice_leads_straight_to_it() -> None:
    charge: Payload = {"id": "ch_1", "customer": "cus_1", "invoice": "in_1", "payment_intent": "pi_1"}
    assert said_of("charge.refunded", charge) == NeedsFetch(FetchKind.INVOICE, "in_1", "stripe:cus_1", CREATED)


def test_a_refunded_charge_of_today_must_be_traced() -> None:
    charge: Payload = {"id": "ch_1", "customer": "cus_1", "payment_intent": "pi_1"}
    assert said_of("charge.refunded", charge) == NeedsFetch(FetchKind.CHARGE, "ch_1", "stripe:cus_1", CREATED)


@pytest.mark.parametrize(
    ("type_", "status", "is_open"),
    [
        ("charge.dispute.created", "needs_response", True),
        ("charge.dispute.created", "warning_needs_response", True),
        ("charge.dispute.updated", "under_review", True),
        ("charge.dispute.funds_withdrawn", "needs_response", True),
        ("charge.dispute.funds_reinstated", "won", False),
        ("charge.dispute.updated", "appeal_under_review", True),
        ("charge.dispute.updated", "a_status_of_tomorrow", True),
        ("charge.dispute.closed", "won", False),
        ("charge.dispute.closed", "lost", False),
        ("charge.dispute.closed", "warning_closed", False),
        ("charge.dispute.closed", "a_status_of_tomorrow", False),
        ("charge.dispute.updated", "prevented", False),
        ("charge.dispute.updated", "warning_closed", False),
    ],
)
def test_a_dispute_is_open_until_it_is_decided(type_: str, status: str, is_open: bool) -> None:
    shown: Payload = {"id": "dp_1", "charge": "ch_1", "payment_intent": "pi_1", "status": status}
    assert said_of(type_, shown) == DisputeSeen("dp_1", is_open, "ch_1", "pi_1", CREATED)


@pytest.mark.parametrize("type_", ["customer.created", "customer.updated"])
def test_a_new_or_updated_customer_brings_a_contact(type_: str) -> None:
    customer: Payload = {
        "id": "cus_1",
        "name": "Acme GmbH",
        "email": "new@acme.example",
        "phone": None,
        "address": {"country": "at"},
        "preferred_locales": ["de-AT", "en"],
    }
    told = frozenset({"email", "phone"})
    contact = Contact("Acme GmbH", "new@acme.example", None, "AT", "de-AT", settings=CustomerSettings(), of_record=told)
    assert said_of(type_, customer) == ContactSeen("stripe:cus_1", contact, CREATED)


def test_a_deleted_customer_is_deleted() -> None:
    assert said_of("customer.deleted", {"id": "cus_1", "email": "ap@acme.example"}) == CustomerDeleted("stripe:cus_1", CREATED)


@pytest.mark.parametrize("type_", ["plan.created", "invoice.upcoming", "payment_intent.succeeded", "a.type.of.tomorrow"])
def test_other_types_are_ignored_whatever_they_carry(type_: str) -> None:
    assert isinstance(interpret({"id": "evt_1", "object": "event", "type": type_}), Ignored)


@pytest.mark.parametrize(
    ("type_", "related_type", "related_id", "kind"),
    [
        ("v1.invoice.overdue", "invoice", "in_1", FetchKind.INVOICE),
        ("v1.invoice.deleted", "invoice", "in_1", FetchKind.INVOICE),
        ("v1.invoice_payment.paid", "invoice_payment", "inpay_1", FetchKind.INVOICE_PAYMENT),
        ("v1.credit_note.voided", "credit_note", "cn_1", FetchKind.CREDIT_NOTE),
        ("v1.charge.refunded", "charge", "ch_1", FetchKind.CHARGE),
        ("v1.charge.dispute.created", "dispute", "dp_1", FetchKind.DISPUTE),
    ],
)
def test_a_thin_event_makes_its_object_be_fetched(type_: str, related_type: str, related_id: str, kind: FetchKind) -> None:
    assert read_event(body(thin_event(type_, related_type, related_id))) == NeedsFetch(kind, related_id, None, CREATED)


@pytest.mark.parametrize("type_", ["v1.customer.created", "v1.customer.updated"])
def test_a_thin_event_about_a_customer_tells_which(type_: str) -> None:
    said = interpret(thin_event(type_, "customer", "cus_1"))
    assert said == NeedsFetch(FetchKind.CUSTOMER, "cus_1", "stripe:cus_1", CREATED)


def test_a_thin_event_of_a_deleted_customer_needs_no_fetch() -> None:
    assert interpret(thin_event("v1.customer.deleted", "customer", "cus_1")) == CustomerDeleted("stripe:cus_1", CREATED)


@pytest.mark.parametrize("type_", ["v1.billing.meter.no_meter_found", "v2.core.event_destination.ping"])
def test_thin_events_about_other_things_are_ignored(type_: str) -> None:
    assert isinstance(interpret(thin_event(type_, "billing.meter", "mtr_1")), Ignored)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"null",
        b'"event"',
        b"{}",
        b'{"id": "evt_1"}',
        b'{"type": "invoice.paid"}',
        b'{"id": 1, "type": "invoice.paid", "object": "event"}',
        b'{"id": "cn_1", "type": "pre_payment", "object": "credit_note"}',
        b'{"id": "evt_1", "type": "invoice.paid", "object": "event", "created": 1772438400}',
        b'{"id": "evt_1", "type": "invoice.paid", "object": "event", "created": 1772438400, "data": []}',
        b'{"id": "evt_1", "type": "invoice.paid", "object": "event", "created": 1772438400, "data": {"object": {}}}',
        b'{"id": "evt_1", "type": "invoice.paid", "object": "event", "data": {"object": {"id": "in_1"}}}',
        b'{"id": "evt_1", "type": "invoice.paid", "object": "event", "created": 1e99, "data": {"object": {"id": "in_1"}}}',
        b'{"id": "evt_1", "type": "v1.invoice.paid", "object": "v2.core.event", "created": "2026-03-02T08:00:00Z"}',
        b'{"id": "evt_1", "type": "v1.invoice.paid", "object": "v2.core.event", "related_object": {"id": "in_1", "type": "invoice"}}',
    ],
)
def test_a_signed_body_that_is_no_event_is_rejected(raw: bytes) -> None:
    with pytest.raises(Rejected):
        read_event(raw)
