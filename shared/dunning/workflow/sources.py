"""What depends on where an invoice comes from."""

from datetime import datetime

from dunning.domain.assignment import Assignment
from dunning.domain.invoice import Status
from dunning.domain.recording import Recorder
from dunning.workflow.ports import Policies

TERMINAL = {
    "stripe": frozenset({Status.PAID, Status.VOID}),
    "quickbooks": frozenset[Status](),
    "xero": frozenset({Status.VOID}),
    "manual": frozenset[Status](),
}
"""Statuses that a source never takes back: Stripe's paid and void (docs.stripe.com/invoicing/overview); Xero can reopen a paid one."""


LISTED = frozenset({"manual"})
"""Sources at which all that a customer owes is read as cheaply as one invoice."""

HELD_HERE = frozenset({"manual"})
"""Sources whose truth is our own table: nothing that is open here can have vanished there."""


def source_of(customer: str) -> str:
    """The source in a full customer id."""
    return customer.partition(":")[0]


def account_of(customer: str) -> str | None:
    """The company or tenant in a full customer id (`xero:<tenant>:<id>`); None for sources that have but one account."""
    return customer.rpartition(":")[0].partition(":")[2] or None


def recorder_for(customer: str, policies: Policies, now: datetime, actor: str) -> Recorder:
    """How snapshots of this customer's source are taken in."""
    terminal = TERMINAL.get(source_of(customer), frozenset())
    return Recorder(lambda invoice: policies.named(invoice.policy), terminal, now, actor, Assignment(policies.assigned, policies.knows))
