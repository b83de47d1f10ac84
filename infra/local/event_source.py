"""What makes functions run: each source says when it has something next, and runs it."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class EventSource(Protocol):
    """Something that wakes functions."""

    def next_at(self) -> datetime | None:
        """When there is something to do; None when there is nothing. May lie in the past."""
        ...

    def run(self) -> None:
        """Do what was due first, at most one invocation of it."""
        ...


def instant_of(milliseconds: int) -> datetime:
    """An instant from milliseconds since the epoch."""
    return EPOCH + timedelta(milliseconds=milliseconds)
