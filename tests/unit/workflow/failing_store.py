"""A table that fails in the middle of what takes several writes."""

from collections.abc import Sequence

from dunning.domain.activity import Activity
from dunning.domain.case import Case
from dunning.domain.errors import Retryable
from tests.fakes.case_store import MemoryCaseStore


class FailingStore(MemoryCaseStore):
    """A table that goes away after so many writes."""

    def __init__(self, store: MemoryCaseStore, after: int) -> None:
        super().__init__()
        self.__dict__.update(store.__dict__)
        self._left = after

    def save(self, before: Case, after: Case, activities: Sequence[Activity] = (), *, claim_id: str | None = None) -> None:
        """As of any table, until it goes away."""
        if not self._left:
            raise Retryable("the table is away")
        self._left -= 1
        super().save(before, after, activities, claim_id=claim_id)
