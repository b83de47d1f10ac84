"""The invoice that a person means."""

from dunning.domain.case import Case
from dunning.domain.errors import Rejected
from dunning.domain.invoice import Invoice


def require_known(case: Case) -> None:
    """Raises Rejected when nothing was ever recorded of this customer."""
    if not (case.profile.version or case.invoices):
        raise Rejected(f"no customer {case.profile.customer!r} has a case: give the whole id, as in stripe:cus_123")


def named_invoice(case: Case, name: str) -> Invoice:
    """By the source's bare id, else by its number. Raises Rejected naming the open ones."""
    require_known(case)
    found = case.invoices.get(name) or next((invoice for invoice in case.invoices.values() if invoice.number == name), None)
    if found is None:
        known = ", ".join(sorted(f"{invoice.id} ({invoice.number})" for invoice in case.invoices.values() if invoice.is_open))
        raise Rejected(f"{case.profile.customer} has no invoice {name!r}; open are: {known or 'none'}")
    return found


def open_invoice(case: Case, name: str) -> Invoice:
    """As `named_invoice`; raises Rejected also when it is not open."""
    found = named_invoice(case, name)
    if not found.is_open:
        raise Rejected(f"invoice {found.number} is {found.status.value}: nothing is asked for any more")
    return found
