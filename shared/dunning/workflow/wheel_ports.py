"""What the coarse wheel reads: what is due, and how much SES still takes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A row of the index of timers."""

    customer: str
    due_at: datetime
    due_since: datetime


class TimerIndex(Protocol):
    """The sparse index of what is due."""

    def due(self, until: datetime, since: datetime | None = None) -> Iterable[DueTimer]:
        """Timers in [since, until), or all before `until`; over all shards."""
        ...


@dataclass(frozen=True, slots=True)
class SendingLimits:
    """What SES lets this account send: mails left in the rolling 24 hours, and at most how many a second."""

    left: int
    per_second: float


class EmailQuota(Protocol):
    """What SES still lets this account send."""

    def limits(self) -> SendingLimits:
        """The limits now; raises Retryable."""
        ...
