"""What Stripe's events mean for dunning. Types that the table does not name are ignored."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dunning.domain.errors import Rejected
from dunning.domain.invoice import Status
from dunning.providers.json_reading import JsonObject, child, iso_instant, parse_object, text, unix_instant
from dunning.providers.stripe_objects import contact_of, customer_of, dispute_is_open, full_customer_id, reference, snapshot_of
from dunning.workflow.source_events import (
    ContactSeen,
    CustomerDeleted,
    DisputeSeen,
    FetchKind,
    Ignored,
    InvoiceSeen,
    NeedsFetch,
    SourceEvent,
)


@dataclass(frozen=True, slots=True)
class _News:
    """One event of Stripe's with its object."""

    type: str
    object: JsonObject
    object_id: str
    stamp: datetime

    def fetch(self, kind: FetchKind, object_id: str) -> SourceEvent:
        return NeedsFetch(kind, object_id, customer_of(self.object), self.stamp)


def read_event(raw: bytes) -> SourceEvent:
    """What a verified body means. Raises Rejected when it is signed but no event."""
    return interpret(parse_object(raw, "the signed body"))


def interpret(event: JsonObject) -> SourceEvent:
    """What an event means: a webhook's body, or the `detail` that Amazon EventBridge's partner source delivers.

    Raises Rejected when it is no event, or one of ours without the parts every event has.
    """
    event_type, event_id, form = text(event, "type"), text(event, "id"), text(event, "object")
    if event_type is None or event_id is None or form not in ("event", "v2.core.event", None):
        raise Rejected("this is not an event of Stripe's: one has an id, a type and the object `event` or `v2.core.event`")
    if form == "v2.core.event" or event_type.startswith(("v1.", "v2.")):
        return _thin(event, event_type, event_id)
    meaning = _MEANINGS.get(event_type)
    if meaning is None:
        return Ignored(event_type, "this type says nothing about what is owed")
    subject, stamp = child(child(event, "data"), "object"), unix_instant(event, "created")
    if subject is None or stamp is None:
        raise Rejected(f"event {event_id} ({event_type}) lacks data.object or created")
    subject_id = text(subject, "id")
    if subject_id is None:
        raise Rejected(f"event {event_id} ({event_type}): its object has no id")
    return meaning(_News(event_type, subject, subject_id, stamp))


def _invoice(news: _News) -> SourceEvent:
    if news.object.get("customer", "absent") is None:
        return Ignored(news.type, f"{news.object_id} has no customer: there is no one to remind")
    snapshot = snapshot_of(news.object, news.stamp)
    if snapshot is None or snapshot.is_bare:
        return news.fetch(FetchKind.INVOICE, news.object_id)
    if snapshot.status is Status.DRAFT:
        return Ignored(news.type, f"{news.object_id} is a draft: nothing is owed yet")
    return InvoiceSeen(snapshot)


def _invoice_deleted(news: _News) -> SourceEvent:
    """Only drafts can be deleted, and the event may show the draft as it was."""
    snapshot = snapshot_of({**news.object, "deleted": True}, news.stamp)
    return InvoiceSeen(snapshot) if snapshot is not None and not snapshot.is_bare else news.fetch(FetchKind.INVOICE, news.object_id)


def _of_invoice(news: _News) -> SourceEvent:
    invoice = reference(news.object, "invoice")
    if invoice is None:
        return Ignored(news.type, f"{news.object_id} names no invoice")
    return news.fetch(FetchKind.INVOICE, invoice)


def _charge(news: _News) -> SourceEvent:
    """Until 2025-03-31 a charge named its invoice; since then the way leads through its invoice payments."""
    invoice = reference(news.object, "invoice")
    if invoice is not None:
        return news.fetch(FetchKind.INVOICE, invoice)
    return news.fetch(FetchKind.CHARGE, news.object_id)


def _dispute(news: _News) -> SourceEvent:
    is_open = dispute_is_open(news.object) and news.type != "charge.dispute.closed"
    return DisputeSeen(news.object_id, is_open, reference(news.object, "charge"), reference(news.object, "payment_intent"), news.stamp)


def _customer(news: _News) -> SourceEvent:
    if news.object.get("deleted") is True:
        return _customer_deleted(news)
    return ContactSeen(full_customer_id(news.object_id), contact_of(news.object), news.stamp)


def _customer_deleted(news: _News) -> SourceEvent:
    return CustomerDeleted(full_customer_id(news.object_id), news.stamp)


_MEANINGS: dict[str, Callable[[_News], SourceEvent]] = {
    "invoice.created": _invoice,
    "invoice.finalized": _invoice,
    "invoice.sent": _invoice,
    "invoice.updated": _invoice,
    "invoice.paid": _invoice,
    "invoice.payment_succeeded": _invoice,
    "invoice.payment_failed": _invoice,
    "invoice.payment_action_required": _invoice,
    "invoice.overpaid": _invoice,
    "invoice.voided": _invoice,
    "invoice.marked_uncollectible": _invoice,
    "invoice.overdue": _invoice,
    "invoice.will_be_due": _invoice,
    "invoice.deleted": _invoice_deleted,
    "invoice_payment.paid": _of_invoice,
    "credit_note.created": _of_invoice,
    "credit_note.updated": _of_invoice,
    "credit_note.voided": _of_invoice,
    "charge.refunded": _charge,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "customer.created": _customer,
    "customer.updated": _customer,
    "customer.deleted": _customer_deleted,
}

_FETCHED_BY_TYPE = {
    "invoice": FetchKind.INVOICE,
    "invoice_payment": FetchKind.INVOICE_PAYMENT,
    "credit_note": FetchKind.CREDIT_NOTE,
    "charge": FetchKind.CHARGE,
    "dispute": FetchKind.DISPUTE,
    "customer": FetchKind.CUSTOMER,
}


def _thin(event: JsonObject, event_type: str, event_id: str) -> SourceEvent:
    """A thin event says only which object changed."""
    if event_type.removeprefix("v1.") not in _MEANINGS:
        return Ignored(event_type, "this type says nothing about what is owed")
    related = child(event, "related_object")
    related_id, related_type = text(related, "id"), text(related, "type")
    stamp = iso_instant(event, "created") or unix_instant(event, "created")
    if related_id is None or related_type is None or stamp is None:
        raise Rejected(f"event {event_id} ({event_type}) lacks related_object or created")
    if event_type == "v1.customer.deleted":
        return CustomerDeleted(full_customer_id(related_id), stamp)
    kind = _FETCHED_BY_TYPE.get(related_type)
    if kind is None:
        return Ignored(event_type, f"it is about a {related_type}, which says nothing about what is owed")
    return NeedsFetch(kind, related_id, full_customer_id(related_id) if kind is FetchKind.CUSTOMER else None, stamp)
