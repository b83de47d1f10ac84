"""Write an accepted late fee to its source, as an invoice of its own, through the fee's id."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time

from dunning.domain.case import Case
from dunning.domain.errors import Disconnected, NotPermitted, NotYet, Permanent, Refused, Retryable, Unauthorised
from dunning.domain.fee_records import fee_id
from dunning.domain.invoice import Invoice, Snapshot, Status
from dunning.workflow.fee_port import FeeBook, FeeOrder
from dunning.workflow.ports import Policies
from dunning.workflow.sources import account_of

_NEEDS = {"xero": 'an account\'s code, as {xero: "260"}', "quickbooks": 'an item\'s id, as {quickbooks: "19"}'}


@dataclass(frozen=True, slots=True)
class ChargeFee:
    """Charges what a case holds as accepted. Doing it again finds what was written before."""

    books: Mapping[str, FeeBook]
    policies: Policies

    def __call__(self, case: Case, invoice_id: str, step: str) -> Snapshot:
        """The fee's invoice as its source shows it.

        Raises Refused when it must be tried again, NotYet when its turn comes later, Disconnected when its source does not let us
        write (nothing was written), Permanent when a person must mend something first.
        """
        invoice = case.invoices[invoice_id]
        fee = invoice.fee_of(step)
        if fee is None:
            raise Permanent(f'invoice {invoice.id} has no late fee of step "{step}"')
        book = self.books.get(invoice.source)
        if book is None:
            raise Permanent(f"there is nowhere to write a late fee on invoices of the source {invoice.source}: decline it")
        booked_to, tax_code = self._line(invoice, step)
        order = FeeOrder(
            id=fee_id(invoice.customer, invoice.id, step),
            customer=invoice.customer,
            invoice_id=invoice.id,
            invoice_number=invoice.number,
            currency=invoice.currency,
            amount=fee.amount,
            lines=fee.lines,
            day=fee.day,
            not_before=_not_before(invoice, fee.at),
            booked_to=booked_to,
            tax_code=tax_code,
        )
        try:
            found = book.charge(order)
        except (NotYet, Disconnected):
            raise
        except Unauthorised as exc:
            # The key was good enough to see what is owed: it is the right to write that lacks.
            raise NotPermitted(invoice.source, account_of(invoice.customer) or "", str(exc)) from exc
        except Retryable as exc:
            # Whatever became of it: the next attempt looks for it first.
            raise Refused(str(exc)) from exc
        if found.status is Status.DRAFT or (found.fee_id, found.customer) != (order.id, order.customer):
            raise Permanent(f"invoice {found.number} of the late fee {order.id} was changed at its source: put it right there, or void it")
        return found

    def _line(self, invoice: Invoice, step_id: str) -> tuple[str | None, str | None]:
        """What it is booked to, and its tax code, as the policy says today: what was missing may have been put right since."""
        policy = self.policies.named(invoice.policy)
        terms = next((step.late_fee for step in policy.steps if step.id == step_id), None)
        booked_to = terms.booked_to.get(invoice.source) if terms else None
        if booked_to is None and invoice.source in _NEEDS:
            wanted = _NEEDS[invoice.source]
            place = f'policy "{policy.name}", step "{step_id}": field "late_fee.booked_to"'
            raise Permanent(f"{place}: says nothing for {invoice.source}: give {wanted}, then `dunning redrive`")
        return booked_to, terms.tax_code.get(invoice.source) if terms else None


def _not_before(invoice: Invoice, otherwise: datetime) -> datetime:
    """No fee on an invoice is older than it."""
    due = datetime.combine(invoice.due_date, time(), UTC) if invoice.due_date else otherwise
    return min(invoice.issued_at or due, due, otherwise)
