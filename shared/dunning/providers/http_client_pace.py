"""Staying below a provider's limits instead of running into them, by the clock given: nothing here ever sleeps.

All functions, and all their instances, share one meter per connected account: a limit that each process counted for itself would
be as many limits as there are processes.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from dunning.domain.errors import Retryable
from dunning.domain.request_meter import Allowance, Meter

_MOST_CONFLICTS = 20
_SOON = timedelta(seconds=1)


class Meters(Protocol):
    """Where the meters are kept. All raise Retryable."""

    def read(self, source: str, account: str) -> Meter:
        """The meter of an account; a new one when there is none."""
        ...

    def save(self, source: str, account: str, meter: Meter) -> Meter | None:
        """Write it, unless somebody else did since it was read (by `version`): then the one that is there is answered."""
        ...


class Pace:
    """The requests to one provider. `urgent` ones, the last check before a reminder, may use what is spared for them."""

    def __init__(
        self,
        source: str,
        allowance: Allowance,
        meters: Meters,
        clock: Callable[[], datetime],
        new_id: Callable[[datetime], str],
        *,
        urgent: bool = False,
    ) -> None:
        self._source = source
        self._allowance = allowance
        self._meters = meters
        self._clock = clock
        self._new_id = new_id
        self._urgent = urgent
        self._seen: dict[str, Meter] = {}

    def check(self, account: str) -> None:
        """Ask for nothing where this process knows that nothing is taken. Raises Retryable with `retry_at`."""
        closed = self._seen.get(account, Meter()).closed_until
        if closed is not None and self._clock() < closed:
            raise Retryable(f"{self._source}, {account}: no requests before {closed.isoformat()}", closed)

    def take(self, account: str) -> str:
        """Count one request to come; answers its id, for `ended`. Raises Retryable with `retry_at` when it would be one too many."""
        now = self._clock()
        flight = self._new_id(now)

        def one_more(meter: Meter) -> Meter:
            # Ours is there already when the answer to our own write was lost.
            return meter if flight in meter.flights else meter.taken(self._allowance, flight, now, urgent=self._urgent)

        try:
            self._change(account, one_more)
        except Retryable as exc:
            raise Retryable(f"{self._source}, {account}: {exc}", exc.retry_at) from exc
        return flight

    def ended(self, account: str, flight: str) -> None:
        """The request was answered, or given up. Where that cannot be written it ends by itself."""
        if self._allowance.at_once is None:
            return
        try:
            self._change(account, lambda meter: replace(meter, flights={k: v for k, v in meter.flights.items() if k != flight}))
        except Retryable:
            return

    def closed(self, account: str, until: datetime) -> None:
        """The provider said: not before then. Raises Retryable."""
        self._change(account, lambda meter: replace(meter, closed_until=max(until, meter.closed_until or until)))

    def spared(self, account: str, until: datetime) -> None:
        """So little is left that until then only what is urgent may ask. Raises Retryable."""
        self._change(account, lambda meter: replace(meter, spared_until=max(until, meter.spared_until or until)))

    def _change(self, account: str, change: Callable[[Meter], Meter]) -> None:
        """Under the version of what we saw last; what others wrote since comes with the refusal."""
        meter = self._seen.get(account)
        for _ in range(_MOST_CONFLICTS):
            meter = meter if meter is not None else self._meters.read(self._source, account)
            try:
                changed = change(meter)
            except Retryable:
                fresh = self._meters.read(self._source, account)
                if fresh.version == meter.version:
                    raise
                meter = fresh
                continue
            if changed == meter:
                return
            found = self._meters.save(self._source, account, changed)
            if found is None:
                self._seen[account] = replace(changed, version=changed.version + 1)
                return
            meter = self._seen[account] = found
        raise Retryable(f"the meter of {self._source}, {account} changes faster than it can be written", self._clock() + _SOON)
