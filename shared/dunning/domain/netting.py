"""Credit is netted before anyone is reminded: who has money with us is not asked for it."""

from collections.abc import Mapping
from datetime import date

from dunning.domain.case import Case
from dunning.domain.evolving import replace

Credit = Mapping[str, int]
"""What a customer has in credit, in minor units by currency (ISO 4217, capital letters); nothing is converted."""

COVERED = "covered_by_credit"


def covered(case: Case, credit: Credit) -> dict[str, int]:
    """How much of each open invoice (by id) the customer's credit covers, in minor units: in each currency the oldest first.

    All that is open counts, whether it is due now or not: a bookkeeper allocates credit in the same order.
    """
    left = {currency: amount for currency, amount in credit.items() if amount > 0}
    found: dict[str, int] = {}
    for invoice in sorted(case.invoices.values(), key=lambda invoice: (invoice.due_date or date.max, invoice.id)):
        part = min(left.get(invoice.currency, 0), invoice.amount_due)
        if invoice.is_open and part > 0:
            found[invoice.id] = part
            left[invoice.currency] -= part
    return found


def net_of(case: Case, parts: Mapping[str, int]) -> Case:
    """The case with every invoice's amount due less its part of the credit: for deciding and writing, never to be stored."""
    for invoice_id, part in parts.items():
        invoice = case.invoices[invoice_id]
        case = case.with_invoice(replace(invoice, amount_due=invoice.amount_due - part))
    return replace(case, covered=parts, is_net=True)


def gross_of(case: Case) -> Case:
    """A net case with the amounts as they are stored."""
    for invoice_id, part in case.covered.items():
        invoice = case.invoices[invoice_id]
        case = case.with_invoice(replace(invoice, amount_due=invoice.amount_due + part))
    return replace(case, covered={}, is_net=False)
