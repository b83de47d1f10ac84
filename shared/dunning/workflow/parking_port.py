"""What the table offers for a case that cannot be read, or worked on, at all."""

from typing import Protocol

from dunning.domain.activity import Activity
from dunning.domain.holds import Hold
from dunning.workflow.ports import CaseStore


class ParkingStore(CaseStore, Protocol):
    """Cases in the table, which can be parked as they lie there."""

    def park_as_it_lies(self, customer: str, claim_id: str, hold: Hold, logged: Activity) -> None:
        """Park a case without reading it: its timer stops, and what its claim has marked stays.

        Without that claim only where nobody can claim it. Raises AlreadyClaimed when that claim is no longer held, Conflict, Retryable.
        """
        ...
