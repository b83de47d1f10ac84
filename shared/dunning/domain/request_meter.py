"""How many requests one connected account of a provider may still be asked: pure, the clock is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from dunning.domain.errors import NotYet, Retryable
from dunning.domain.evolving import replace

REQUEST_LASTS = timedelta(seconds=15)
"""A request whose end nobody told (its process died) counts as under way for so long: longer than the client waits for an answer."""

BOOKING_LASTS = timedelta(seconds=10)
"""Whoever does not come for so long after its time has lost its place: queues round to seconds, and functions must start."""

LONGEST_LINE = timedelta(minutes=10)
"""So far ahead places are given out; whoever comes when the line is longer asks again at its end."""

_SOON = timedelta(seconds=1)
_FINE, _COARSE = timedelta(milliseconds=100), timedelta(seconds=1)
_KEPT_FINE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Window:
    """At most so many requests in any period of this length."""

    requests: int
    period: timedelta


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a provider takes of one account: all windows hold, and at most `at_once` turns wait for answers at the same time."""

    windows: tuple[Window, ...]
    at_once: int | None = None


Line = Mapping[datetime, int]
"""Requests by instant (UTC)."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Requests that belong together, one after the other, until they end, or are given up (UTC)."""

    until: datetime
    requests: int


@dataclass(frozen=True, slots=True)
class Meter:
    """What was asked of one account, is being asked, and will be. Instants are UTC.

    `taken`: requests by the instant by which they were answered; `turns` under way count as if asked now, so what was answered
    a whole period ago has also come to the provider a whole period ago: a window needs no margin. `booked`: places in the line
    of those who were sent away, by when they may come again; nobody's by name, for whoever comes then takes one. `urgent`: the
    places of last checks, which nothing else goes before.
    `closed_until`: the provider takes nothing before then; `spared_until`: what is left belongs to the last check before a
    reminder. `version` counts the writes.
    """

    taken: Line = field(default_factory=dict)
    booked: Line = field(default_factory=dict)
    urgent: Line = field(default_factory=dict)
    turns: Mapping[str, Turn] = field(default_factory=dict)
    closed_until: datetime | None = None
    spared_until: datetime | None = None
    version: int = 0

    def begun(self, allowance: Allowance, name: str, requests: int, now: datetime, *, urgent: bool) -> "tuple[Meter, NotYet | None]":
        """With one turn more; or with a place in the line, and when that comes. Raises Retryable with `retry_at` while it is closed.

        First come, first served: while others wait, a newcomer waits behind them; but a last check before a reminder goes first.
        """
        closed = self.closed_until if urgent else max(filter(None, (self.closed_until, self.spared_until)), default=None)
        if closed is not None and now < closed:
            raise Retryable(f"no requests before {closed.isoformat()}", closed)
        meter = _tidied(self, allowance, now)
        if allowance.at_once is not None and len(meter.turns) >= allowance.at_once:
            return meter, NotYet(f"{len(meter.turns)} at once are enough", now + _SOON)
        requests = min(requests, *(window.requests for window in allowance.windows))
        line = meter.urgent if urgent else meter.booked
        left = _without_matured(line, requests, now)
        if left is not None:
            # Whoever comes at its time need not wait for those behind it, nor go to the end because others came late.
            line, before, last = left, {} if urgent else meter.urgent, now
        else:
            before = meter.urgent if urgent else _added(meter.urgent, meter.booked)
            last = max(before, default=now)
        at = max(_free_at(meter, before, allowance, requests, now), last, now)
        if at > now:
            refused = NotYet(f"{requests} more requests would be too many before {at.isoformat()}", at)
            line = _with_place(line, at, requests, now)
        else:
            refused = None
            meter = replace(meter, turns={**meter.turns, name: Turn(now + (1 + requests) * REQUEST_LASTS, requests)})
        return replace(meter, urgent=line) if urgent else replace(meter, booked=line), refused

    def ended(self, name: str, used: int, now: datetime) -> "Meter":
        """Without this turn, of which so many requests were made."""
        taken, slot = dict(self.taken), _rounded_up(now, _FINE)
        if used:
            taken[slot] = taken.get(slot, 0) + used
        return replace(self, turns={other: turn for other, turn in self.turns.items() if other != name}, taken=taken)


def _free_at(meter: Meter, before: Line, allowance: Allowance, requests: int, now: datetime) -> datetime:
    """When so many requests fit into every window beside what was and is asked, and what goes before."""
    under_way = sum(turn.requests for turn in meter.turns.values())
    events = [*meter.taken.items(), (now, under_way), *((max(at, now), count) for at, count in before.items())]
    events.sort(reverse=True)
    found = now
    for window in allowance.windows:
        held = 0
        for at, count in events:
            held += count
            if held > window.requests - requests:
                found = max(found, at + window.period)
                break
    return found


def _without_matured(line: Line, requests: int, now: datetime) -> Line | None:
    """Having used up so many of the places whose time has come; None when there are fewer."""
    kept, left = dict(line), requests
    for at in sorted(at for at in kept if at <= now):
        used = min(left, kept[at])
        kept[at] -= used
        left -= used
    return {at: count for at, count in kept.items() if count} if not left else None


def _with_place(line: Line, at: datetime, requests: int, now: datetime) -> Line:
    return _added(line, {at: requests}) if at <= now + LONGEST_LINE else line


def _added(one: Line, other: Line) -> Line:
    return {at: one.get(at, 0) + other.get(at, 0) for at in (*one, *other)}


def _tidied(meter: Meter, allowance: Allowance, now: datetime) -> Meter:
    """Without what no window sees any more. What is older than moments is kept by the second, as if it had come at its end."""
    for name, turn in meter.turns.items():
        if turn.until <= now:
            meter = meter.ended(name, turn.requests, turn.until)
    longest = max(window.period for window in allowance.windows)
    taken = dict[datetime, int]()
    for at, count in meter.taken.items():
        slot = at if at > now - _KEPT_FINE else _rounded_up(at, _COARSE)
        if slot + longest > now:
            taken[slot] = taken.get(slot, 0) + count
    booked, urgent = ({at: count for at, count in line.items() if at + BOOKING_LASTS > now} for line in (meter.booked, meter.urgent))
    return replace(meter, taken=taken, booked=booked, urgent=urgent)


def _rounded_up(at: datetime, grain: timedelta) -> datetime:
    over = (at - datetime.min.replace(tzinfo=UTC)) % grain
    return at + (grain - over) if over else at
