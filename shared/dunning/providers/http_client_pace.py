"""Staying below a provider's limits instead of running into them, by the clock given: nothing here ever sleeps.

All functions, and all their instances, share one meter per connected account: a limit that each process counted for itself would
be as many limits as there are processes.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from dunning.domain.errors import NotYet, Retryable
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


@dataclass(slots=True)
class _Hand:
    """The turn that is under way: its name (None once it is ended), how many of its requests were made and how many are left."""

    name: str | None
    left: int
    used: int = 0


class Pace:
    """The requests to one provider. `urgent` ones, the last check before a reminder, may use what is spared for them.

    Requests that belong together are one turn, begun only when there is room for all of them: half a fetch would have to be
    made again, and many halves would use up what one whole needs. A turn costs two writes however many requests it has.
    """

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
        self._of_this_thread = threading.local()

    def check(self, account: str) -> None:
        """Ask for nothing where this process knows that nothing is taken. Raises Retryable with `retry_at`."""
        closed = self._seen.get(account, Meter()).closed_until
        if closed is not None and self._clock() < closed:
            raise Retryable(f"{self._source}, {account}: no requests before {closed.isoformat()}", closed)

    @contextmanager
    def turn(self, account: str, requests: int) -> Iterator[None]:
        """At most so many requests, or none; within a turn of the same account this is a part of that.

        Raises NotYet, with the instant at which there is room, and Retryable while nothing is taken.
        """
        if account in self._hands:
            yield
            return
        self._hands[account] = self._begun(account, requests)
        try:
            yield
        finally:
            self._end(account, self._hands.pop(account))

    @contextmanager
    def request(self, account: str) -> Iterator[None]:
        """One request: of the turn under way, or by itself. Raises as `turn`."""
        with self.turn(account, 1):
            hand = self._hands[account]
            if hand.left == 0:
                self._end(account, hand)
                hand = self._hands[account] = self._begun(account, 1)
            hand.left -= 1
            hand.used += 1
            yield

    def closed(self, account: str, until: datetime) -> None:
        """The provider said: not before then. Raises Retryable."""
        self._change(account, lambda meter: replace(meter, closed_until=max(until, meter.closed_until or until)))

    def spared(self, account: str, until: datetime) -> None:
        """So little is left that until then only what is urgent may ask. Raises Retryable."""
        self._change(account, lambda meter: replace(meter, spared_until=max(until, meter.spared_until or until)))

    @property
    def _hands(self) -> dict[str, _Hand]:
        hands: dict[str, _Hand] | None = getattr(self._of_this_thread, "hands", None)
        if hands is None:
            hands = self._of_this_thread.hands = {}
        return hands

    def _begun(self, account: str, requests: int) -> _Hand:
        now = self._clock()
        name = self._new_id(now)
        refused: NotYet | None = None

        def one_more(meter: Meter) -> Meter:
            nonlocal refused
            # Ours is there already when the answer to our own write was lost.
            refused = None
            changed = meter
            if name not in meter.turns:
                changed, refused = meter.begun(self._allowance, name, requests, now, urgent=self._urgent)
            return changed

        try:
            self._change(account, one_more)
        except Retryable as exc:
            raise Retryable(f"{self._source}, {account}: {exc}", exc.retry_at) from exc
        if refused is not None:
            raise NotYet(f"{self._source}, {account}: {refused}", refused.turn_at)
        return _Hand(name, requests)

    def _end(self, account: str, hand: _Hand) -> None:
        """The requests were answered, or given up. Where that cannot be written the turn ends by itself."""
        if hand.name is None:
            return
        name, now = hand.name, self._clock()
        hand.name = None
        try:
            self._change(account, lambda meter: meter.ended(name, hand.used, now) if name in meter.turns else meter)
        except Retryable:
            return

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
