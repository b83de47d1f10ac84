"""What is remembered of connections to providers that ended: kept apart from the cases, for one connection holds many."""

from datetime import datetime, timedelta
from typing import Protocol


class Connections(Protocol):
    """Connections that ended, by source and account, and the cases that wait for each. All raise Retryable."""

    def note_ended(self, source: str, account: str, at: datetime, patience: timedelta) -> bool:
        """Remember that a connection ended; whether a sweep must begin.

        It must when that is news, and when nobody has told the team for so long after one should have begun: who began it died.
        """
        ...

    def take_telling(self, source: str, account: str, now: datetime, until: datetime) -> bool:
        """Whether the team must still be told, and we are who does it until then; False when it was told, or another does it."""
        ...

    def note_told(self, source: str, account: str) -> None:
        """The team was told."""
        ...

    def has_ended(self, source: str, account: str) -> bool:
        """Whether the connection ended and was not made again."""
        ...

    def note_mended(self, source: str, account: str, at: datetime) -> None:
        """The connection is good again; should it end once more, that is news."""
        ...

    def note_refused(self, source: str, account: str, at: datetime, since: datetime) -> bool:
        """Remember that a call was refused, provided that the connection is good, and since then was mended, or this was noted.

        Whether it was remembered.
        """
        ...

    def take_telling_of_refusal(self, source: str, account: str, now: datetime, until: datetime, again: datetime) -> bool:
        """As `take_telling`, of a refused call: whether the team was last told before `again`, or never."""
        ...

    def note_told_of_refusal(self, source: str, account: str, at: datetime) -> None:
        """The team was told of it."""
        ...

    def told_of_unreadable(self, source: str, account: str) -> tuple[datetime, str] | None:
        """When the team was last told of invoices that cannot be read (UTC), and the sweep's run that noted which; None: never."""
        ...

    def note_told_of_unreadable(self, source: str, account: str, at: datetime, run: str) -> None:
        """The team was told of those that this run noted."""
        ...

    def hold(self, source: str, account: str, customer: str) -> None:
        """Remember a case that waits for the connection."""
        ...

    def held(self, source: str, account: str, most: int, after: str | None = None) -> tuple[str, ...]:
        """So many of the cases that wait, in the order of their ids, from behind one on."""
        ...

    def forget(self, source: str, account: str, customer: str) -> None:
        """This case waits no more."""
        ...
