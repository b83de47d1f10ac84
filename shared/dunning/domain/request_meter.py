"""How many requests one connected account of a provider may still be asked: pure, the clock is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dunning.domain.errors import Retryable
from dunning.domain.evolving import replace

FLIGHT_LASTS = timedelta(seconds=20)
"""A request whose end nobody told (its process died) counts for so long: longer than the client waits for an answer."""

_SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `burst` requests at one instant and one more every `gap`, so that no period P sees more than burst + P / gap;
    at most `at_once` that wait for their answers at the same time.
    """

    burst: int
    gap: timedelta
    at_once: int | None = None


@dataclass(frozen=True, slots=True)
class Meter:
    """What was asked of one account. `spent_until`: when the whole burst is there again. Instants are UTC.

    `closed_until`: the provider takes nothing before then; `spared_until`: what is left belongs to the last check before a
    reminder. `flights`: requests under way, by id, with the instant at which they are given up. `version` counts the writes.
    """

    spent_until: datetime | None = None
    closed_until: datetime | None = None
    spared_until: datetime | None = None
    flights: Mapping[str, datetime] = field(default_factory=dict)
    version: int = 0

    def taken(self, allowance: Allowance, flight: str, now: datetime, *, urgent: bool) -> "Meter":
        """With one request more. Raises Retryable with `retry_at` when it would be one too many."""
        closed = self.closed_until if urgent else max(filter(None, (self.closed_until, self.spared_until)), default=None)
        if closed is not None and now < closed:
            raise Retryable(f"no requests before {closed.isoformat()}", closed)
        flights = {name: until for name, until in self.flights.items() if until > now}
        if allowance.at_once is not None and len(flights) >= allowance.at_once:
            raise Retryable(f"{len(flights)} requests at once are enough", now + _SOON)
        spent_until = max(self.spent_until or now, now) + allowance.gap
        if spent_until > now + allowance.burst * allowance.gap:
            # Not one gap later: a thing that takes two requests would then never get its second.
            raise Retryable("the requests for now are spent", spent_until - allowance.gap)
        if allowance.at_once is not None:
            flights[flight] = now + FLIGHT_LASTS
        return replace(self, spent_until=spent_until, flights=flights)
