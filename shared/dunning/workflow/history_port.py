"""A case's log, for the one message that tells of it."""

from collections.abc import Sequence
from typing import Protocol

from dunning.domain.activity import Activity
from dunning.workflow.ports import CaseStore


class RememberingStore(CaseStore, Protocol):
    """Cases, and what was lately decided about them."""

    def latest_activities(self, customer: str, most: int) -> Sequence[Activity]:
        """The last of a case's log, oldest first, at most so many, in one read. Raises Retryable."""
        ...
