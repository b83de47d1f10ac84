"""What is recorded of an invoice, as if its source had just said it; and what a source said of one, filled up with what is recorded."""

from datetime import datetime

from dunning.domain.evolving import replace
from dunning.domain.invoice import Contact, Invoice, Snapshot, Status


def as_recorded(invoice: Invoice, contact: Contact, stamp: datetime) -> Snapshot:
    """The invoice's facts at `stamp` (UTC)."""
    return Snapshot(
        source=invoice.source,
        customer=invoice.customer,
        invoice_id=invoice.id,
        number=invoice.number,
        status=invoice.status,
        currency=invoice.currency,
        total=invoice.total,
        amount_due=invoice.amount_due,
        due=invoice.due_date,
        issued_at=invoice.issued_at,
        stamp=stamp,
        payment_url=invoice.payment_url,
        collects_automatically=invoice.collects_automatically,
        contact=contact,
        subscription=invoice.subscription,
        tags=invoice.tags,
        fee_id=invoice.fee_id,
        fee_for=invoice.fee_for,
        billed_to=invoice.billed_to,
        overpaid=invoice.overpaid,
    )


def as_paid(invoice: Invoice, contact: Contact, stamp: datetime) -> Snapshot:
    """The same, with nothing owed any more."""
    return replace(as_recorded(invoice, contact, stamp), status=Status.PAID, amount_due=0)


def completed(snapshot: Snapshot, known: Invoice | None) -> Snapshot:
    """A snapshot that is sure of nothing but the status (`is_bare`), with all else as it is recorded.

    Of what is not recorded it leaves nothing to record.
    """
    if not snapshot.is_bare:
        return snapshot
    if known is None:
        return replace(snapshot, status=Status.DELETED)
    facts = as_recorded(known, snapshot.contact, snapshot.stamp)
    return replace(facts, customer=snapshot.customer, status=snapshot.status, amount_due=0)


def less_what_was_paid(snapshot: Snapshot, known: Invoice | None) -> Snapshot:
    """A snapshot whose source named the total only: what was recorded as paid stays paid, whatever the total is now.

    A sum in another currency cannot be taken off: there only an invoice that was paid in full stays so.
    """
    if known is None:
        return snapshot
    if known.currency == snapshot.currency:
        paid = max(0, known.total - known.amount_due) + known.overpaid
    else:
        paid = snapshot.total if known.status is Status.PAID else 0
    due, over = max(0, snapshot.total - paid), max(0, paid - snapshot.total)
    return replace(snapshot, amount_due=due, overpaid=over, status=Status.OPEN if due > 0 else Status.PAID)
