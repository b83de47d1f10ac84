"""Made-up invoices, due at noon UTC on 31 March 2026 unless said otherwise."""

from datetime import UTC, date, datetime, time

from dunning.domain.invoice import Contact, Snapshot, Status
from tests.fakes.clock import MONDAY_MORNING

ACME = "stripe:cus_acme"
DUE = date(2026, 3, 31)
ACME_CONTACT = Contact(name="Acme GmbH", email="ap@acme.example", phone="+431234567", country="US")


def snapshot(
    invoice_id: str = "in_1",
    customer: str = ACME,
    *,
    status: Status = Status.OPEN,
    amount_due: int = 100_00,
    due: date | None = DUE,
    stamp: datetime = MONDAY_MORNING,
    contact: Contact = ACME_CONTACT,
    currency: str = "EUR",
    collects_automatically: bool = False,
) -> Snapshot:
    """An invoice as its source shows it. Amounts are minor units."""
    return Snapshot(
        source="stripe",
        customer=customer,
        invoice_id=invoice_id,
        number=f"NO-{invoice_id}",
        status=status,
        currency=currency,
        total=100_00,
        amount_due=amount_due,
        due=datetime.combine(due, time(12), UTC) if due else None,
        issued_at=MONDAY_MORNING,
        stamp=stamp,
        payment_url="https://pay.example/" + invoice_id,
        collects_automatically=collects_automatically,
        contact=contact,
    )
