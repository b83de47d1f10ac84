"""What a source's news mean for dunning, whatever its own words and shapes: a closed list."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dunning.domain.invoice import Contact, Snapshot


class FetchKind(StrEnum):
    """What must be looked up at the source: the thing itself, or a thing that leads to its invoices (`trace`).

    `changes`: all invoices of an account that changed since the instant that is the id (RFC 3339), for what moved them is gone.
    """

    INVOICE = "invoice"
    CUSTOMER = "customer"
    DISPUTE = "dispute"
    CHARGE = "charge"
    CREDIT_NOTE = "credit_note"
    INVOICE_PAYMENT = "invoice_payment"
    PAYMENT = "payment"
    PAYMENT_INTENT = "payment_intent"
    EVENT = "event"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class InvoiceSeen:
    """The news carries the whole invoice."""

    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class ContactSeen:
    """The customer (full id) is reached like this now. `stamp` (UTC): when the source said so."""

    customer: str
    contact: Contact
    stamp: datetime


@dataclass(frozen=True, slots=True)
class CustomerDeleted:
    """The source forgot the customer (full id)."""

    customer: str
    stamp: datetime


@dataclass(frozen=True, slots=True)
class DisputeSeen:
    """A customer contests a charge, or no longer does. Whose charge it is, and of which invoices, must be traced by `charge`."""

    dispute_id: str
    is_open: bool
    charge: str | None
    payment_intent: str | None
    stamp: datetime


@dataclass(frozen=True, slots=True)
class NeedsFetch:
    """The news only point at something: fetch it. `id` is the source's bare id; `customer` the full id, when the news tell."""

    kind: FetchKind
    id: str
    customer: str | None
    stamp: datetime


@dataclass(frozen=True, slots=True)
class Ignored:
    """Nothing to do, and why."""

    type: str
    reason: str


SourceEvent = InvoiceSeen | ContactSeen | CustomerDeleted | DisputeSeen | NeedsFetch | Ignored
