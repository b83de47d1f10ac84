"""Connections that ended, in memory."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass
class _Ended:
    begun_at: datetime
    told: bool = False
    telling_until: datetime | None = None


@dataclass
class MemoryConnections:
    """workflow.connection_ports.Connections."""

    ended: dict[tuple[str, str], _Ended] = field(default_factory=dict)
    good: dict[tuple[str, str], datetime] = field(default_factory=dict)
    refusals: dict[tuple[str, str], dict[str, datetime]] = field(default_factory=dict)
    unreadable: dict[tuple[str, str], tuple[datetime, str]] = field(default_factory=dict)
    waiting: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def note_ended(self, source: str, account: str, at: datetime, patience: timedelta) -> bool:
        """Whether a sweep must begin."""
        known = self.ended.get((source, account))
        if known and (known.told or at - known.begun_at < patience):
            return False
        self.ended[source, account] = _Ended(at)
        return True

    def take_telling(self, source: str, account: str, now: datetime, until: datetime) -> bool:
        """Whether the team must still be told, by us."""
        ended = self.ended.get((source, account))
        if ended is None or ended.told or (ended.telling_until is not None and ended.telling_until > now):
            return False
        ended.telling_until = until
        return True

    def note_told(self, source: str, account: str) -> None:
        """The team was told."""
        if ended := self.ended.get((source, account)):
            ended.told = True

    def has_ended(self, source: str, account: str) -> bool:
        """Whether the connection ended and was not made again."""
        return (source, account) in self.ended

    def note_mended(self, source: str, account: str, at: datetime) -> None:
        """The connection is good again."""
        if self.ended.pop((source, account), None):
            self.good[source, account] = at

    def note_refused(self, source: str, account: str, at: datetime, since: datetime) -> bool:
        """Whether it is known to be good since then, although a call was refused."""
        good_at = self.good.get((source, account))
        if (source, account) in self.ended or good_at is None or good_at < since:
            return False
        self.good[source, account] = at
        return True

    def take_telling_of_refusal(self, source: str, account: str, now: datetime, until: datetime, again: datetime) -> bool:
        """Whether the team must be told of a refused call, by us."""
        known = self.refusals.setdefault((source, account), {})
        if ("told" in known and known["told"] >= again) or ("until" in known and known["until"] > now):
            return False
        known["until"] = until
        return True

    def note_told_of_refusal(self, source: str, account: str, at: datetime) -> None:
        """The team was told of it."""
        self.refusals.setdefault((source, account), {})["told"] = at

    def told_of_unreadable(self, source: str, account: str) -> tuple[datetime, str] | None:
        """When the team was last told, and which run noted of which."""
        return self.unreadable.get((source, account))

    def note_told_of_unreadable(self, source: str, account: str, at: datetime, run: str) -> None:
        """The team was told of those that this run noted."""
        known = self.unreadable.get((source, account))
        if known is None or known[0] <= at:
            self.unreadable[source, account] = (at, run)

    def hold(self, source: str, account: str, customer: str) -> None:
        """Remember a case that waits."""
        waiting = self.waiting.setdefault((source, account), [])
        if customer not in waiting:
            waiting.append(customer)

    def held(self, source: str, account: str, most: int, after: str | None = None) -> tuple[str, ...]:
        """So many of the cases that wait, from behind one on."""
        return tuple(sorted(each for each in self.waiting.get((source, account), ()) if each > (after or "")))[:most]

    def forget(self, source: str, account: str, customer: str) -> None:
        """This case waits no more."""
        if customer in self.held(source, account, 10**6):
            self.waiting[source, account].remove(customer)
