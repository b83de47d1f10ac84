"""What the table offers for an invoice that another customer owes from now on."""

from dataclasses import dataclass
from typing import Protocol

from dunning.domain.activity import Activity
from dunning.domain.case import Case
from dunning.domain.invoice import Invoice
from dunning.domain.replying import reply_token
from dunning.workflow.ports import CaseStore

MOST_ITEMS = 100
"""What DynamoDB takes in one transaction."""


@dataclass(frozen=True, slots=True)
class CaseChange:
    """A case as it was read and as it is to be, with what to log of that."""

    before: Case
    after: Case
    activities: tuple[Activity, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to write."""
        return self.before == self.after and not self.activities

    @property
    def opened(self) -> list[Invoice]:
        """Invoices that come into the case, or back into it: those may have been another customer's meanwhile."""
        found = ((self.before.invoices.get(invoice.id), invoice) for invoice in self.after.invoices.values())
        return [invoice for old, invoice in found if old is None or (invoice.is_open and not old.is_open)]

    @property
    def reached(self) -> list[tuple[str, str]]:
        """By what an answer is known as this customer's from now on. What once was an address of theirs stays one."""
        now, old = self.after.profile.contact, self.before.profile.contact
        found = [("reply", reply_token(self.after.profile.customer))] if self.before.profile.version == 0 else []
        found += [("email", now.email)] if now.email and now.email != old.email else []
        return found + ([("sms", now.phone)] if now.phone and now.phone != old.phone else [])

    @property
    def rows(self) -> int:
        """How many rows it writes, beside those that tell in whose case an invoice is."""
        changed = sum(self.before.invoices.get(invoice.id) != invoice for invoice in self.after.invoices.values())
        return 0 if self.is_nothing else 1 + changed + len(self.reached) + len(self.activities)

    @property
    def fits(self) -> bool:
        """Whether one transaction takes it."""
        return self.rows + len(self.opened) <= MOST_ITEMS


class MovingStore(CaseStore, Protocol):
    """A case store that knows of each invoice in whose case it is; `save` raises BelongsElsewhere rather than open it in two."""

    def move(self, invoice_id: str, old: CaseChange, new: CaseChange) -> None:
        """Take an invoice (bare id) out of one case and into another, with both logs, in one transaction.

        Raises Conflict when either case changed since it was read, BelongsElsewhere when the invoice is in a third one,
        Retryable when the table cannot be reached.
        """
        ...
