"""Staying below a provider's limits instead of running into them, by the clock given: nothing here ever sleeps."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.domain.errors import Retryable


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many requests within any such period, per account."""

    requests: int
    period: timedelta

    def shared(self, share: float) -> "Limit":
        """What one of several who share a limit may use of it; at least one request."""
        return Limit(max(1, int(self.requests * share)), self.period)


class Pace:
    """The requests of one process to one provider, account by account. What other processes ask for is not known here: the
    provider's own answer, `closed`, then stops us.
    """

    def __init__(self, source: str, limits: Sequence[Limit], clock: Callable[[], datetime]) -> None:
        self._source = source
        self._limits = tuple(limits)
        self._clock = clock
        self._asked: dict[str, deque[datetime]] = {}
        self._closed: dict[str, datetime] = {}

    def take(self, account: str) -> None:
        """Count one request to come. Raises Retryable with `retry_at` when it would be one too many."""
        now = self._clock()
        opens = self._closed.get(account)
        if opens is not None and now < opens:
            raise Retryable(f"{self._source} takes no requests for {account} before {opens.isoformat()}", opens)
        asked = self._asked.setdefault(account, deque(maxlen=max((limit.requests for limit in self._limits), default=0)))
        for limit in self._limits:
            oldest = asked[-limit.requests] if len(asked) >= limit.requests else None
            if oldest is not None and now < oldest + limit.period:
                again = oldest + limit.period
                raise Retryable(f"{limit.requests} requests to {self._source} within {limit.period} are enough", again)
        asked.append(now)

    def closed(self, account: str, until: datetime) -> None:
        """The provider said: not before then."""
        self._closed[account] = max(until, self._closed.get(account, until))
