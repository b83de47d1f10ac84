"""What `minimum_balance` is measured against: one invoice, or all that a customer owes in one currency (`scope: customer`)."""

from collections.abc import Callable, Mapping

from dunning.domain.case import Case
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Invoice
from dunning.domain.policy import Policy, Scope
from dunning.domain.timing import BELOW_MINIMUM, left_alone_because, minimum_of, not_chased_because

Balances = Mapping[tuple[str, str], int]
"""Minor units by policy and currency: nothing is converted, and what another policy reminds about is not this one's."""


def balances_of(case: Case, policy_of: Callable[[Invoice], Policy], *, undisputed: bool = False) -> Balances:
    """What the customer owes under each policy of the scope `customer`: all that is open and may be reminded about, due or not.

    What was handed over has left; with `undisputed`, so has what is disputed.
    """
    found: dict[tuple[str, str], int] = {}
    for invoice in case.invoices.values():
        if not invoice.is_open or invoice.escalated or (undisputed and HoldKind.DISPUTE in invoice.holds):
            continue
        policy = policy_of(invoice)
        if policy.scope is Scope.CUSTOMER and left_alone_because(invoice, policy) is None:
            key = (policy.name, invoice.currency)
            found[key] = found.get(key, 0) + invoice.amount_due
    return found


def is_enough_alone(invoice: Invoice, policy: Policy) -> bool:
    """Whether an invoice's own amount settles what its minimum is measured against, so that nobody need add up the others."""
    return policy.scope is not Scope.CUSTOMER or invoice.amount_due >= minimum_of(policy, invoice.currency)


def balance_in(case: Case, invoice: Invoice, policy: Policy, policy_of: Callable[[Invoice], Policy]) -> int:
    """What counts for one invoice of a case, in minor units: no more than its own amount where that is enough."""
    if is_enough_alone(invoice, policy):
        return invoice.amount_due
    return balance_for(invoice, policy, balances_of(case.with_invoice(invoice), policy_of))


def balance_for(invoice: Invoice, policy: Policy, balances: Balances) -> int:
    """What counts for one invoice: never less than its own amount."""
    if policy.scope is not Scope.CUSTOMER:
        return invoice.amount_due
    return max(invoice.amount_due, balances.get((policy.name, invoice.currency), 0))


def may_be_reviewed(invoice: Invoice, policy: Policy) -> bool:
    """Whether the customer's balance may wake or silence it at all."""
    return invoice.is_open and (invoice.suppressed_for == BELOW_MINIMUM or not is_enough_alone(invoice, policy))


def is_to_review(invoice: Invoice, policy: Policy, balances: Balances) -> bool:
    """Whether the customer's balance has woken an invoice that was too small, or silenced one that is planned."""
    if not invoice.is_open or invoice.escalated or policy.scope is not Scope.CUSTOMER:
        return False
    reason = not_chased_because(invoice, policy, balance_for(invoice, policy, balances))
    if invoice.next_at is None:
        return invoice.suppressed_for == BELOW_MINIMUM and reason is None
    return reason == BELOW_MINIMUM
