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

    def note_mended(self, source: str, account: str) -> None:
        """The connection is good again."""
        self.ended.pop((source, account), None)

    def hold(self, source: str, account: str, customer: str) -> None:
        """Remember a case that waits."""
        waiting = self.waiting.setdefault((source, account), [])
        if customer not in waiting:
            waiting.append(customer)

    def held(self, source: str, account: str, most: int) -> tuple[str, ...]:
        """So many of the cases that wait."""
        return tuple(self.waiting.get((source, account), ())[:most])

    def forget(self, source: str, account: str, customer: str) -> None:
        """This case waits no more."""
        if customer in self.held(source, account, 10**6):
            self.waiting[source, account].remove(customer)
