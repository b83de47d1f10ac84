"""What parking a case needs of the table that cannot even be read."""

from typing import Protocol

from dunning.domain.activity import Activity
from dunning.domain.holds import Hold
from dunning.workflow.ports import CaseStore


class ParkingStore(CaseStore, Protocol):
    """Cases in the table, and those of which a row cannot be read."""

    def park_unread(self, customer: str, claim_id: str, hold: Hold, logged: Activity) -> None:
        """Park a case without reading it: its timer stops, and what its claim has marked stays.

        Raises AlreadyClaimed when that claim is no longer held, Conflict, Retryable.
        """
        ...
