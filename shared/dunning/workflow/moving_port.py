"""What the table offers for an invoice that another customer owes from now on."""

from dataclasses import dataclass
from typing import Protocol

from dunning.domain.activity import Activity
from dunning.domain.case import Case
from dunning.workflow.ports import CaseStore


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


class MovingStore(CaseStore, Protocol):
    """A case store that knows of each invoice in whose case it is; `save` raises BelongsElsewhere rather than open it in two."""

    def move(self, invoice_id: str, old: CaseChange, new: CaseChange) -> None:
        """Take an invoice (bare id) out of one case and into another, with both logs, in one transaction.

        Raises Conflict when either case changed since it was read, BelongsElsewhere when the invoice is in a third one,
        Retryable when the table cannot be reached.
        """
        ...
