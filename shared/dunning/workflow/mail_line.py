"""All mails of the account stand in one line, so that SES's send rate is kept whatever woke those who send (DESIGN §6)."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from dunning.domain.errors import MailLater, Retryable
from dunning.workflow.ports import Clock
from dunning.workflow.wheel_ports import EmailQuota

KEPT_FOR = timedelta(minutes=1)
"""Whoever does not come for so long after its second has lost it: queues round to seconds, and functions must start."""

RATE_HOLDS = timedelta(hours=1)
ASKED_AGAIN_AFTER = timedelta(minutes=1)
UNKNOWN_RATE = 1.0
"""Mails a second, while SES does not tell us: as many as it takes of every account."""

LONE_AFTER = timedelta(minutes=1)
"""A process that sent no mail for so long sends one on trust; a second one soon after takes places for both."""

A_SECOND = timedelta(seconds=1)


class MailPlaces(Protocol):
    """The end of the line, one for the account."""

    def take(self, earliest: datetime, room: timedelta) -> datetime:
        """The next place, not before `earliest`; whoever comes next stands behind it by `room`. Raises Retryable."""
        ...


@dataclass(slots=True)
class MailLine:
    """Says of each mail whether it may go now. The rate is asked for once an hour and process.

    A mail costs one write, but for the first that a process sends for a while: it goes on trust, for most reminders are alone. Where
    others did the same in that second and SES refuses it, it takes its place then.
    """

    places: MailPlaces
    quota: EmailQuota
    clock: Clock
    _rate: float = UNKNOWN_RATE
    _ask_at: datetime | None = None
    _last: datetime | None = None
    _owed: int = 0

    def wait(self, recipients: int, kept: datetime | None, *, retried: bool = False) -> None:
        """Return when a mail to so many may go now; `kept`: the second that was kept for it. Raises MailLater.

        A second that was kept costs no write. What is `retried` was refused with others, perhaps, so it stands in line as they do.
        SES counts recipients, not mails (Amazon SES Developer Guide, "Managing your sending quotas").
        """
        now = self.clock()
        if kept is not None and now < kept:
            raise MailLater(f"it was told to come at {kept.isoformat()}", kept)
        last, self._last = self._last, now
        if kept is not None and now < kept + KEPT_FOR:
            return
        if not retried and (last is None or not now < last + LONE_AFTER):
            self._owed = recipients
            return
        this_second = now.replace(microsecond=0)
        per_second = self._per_second(now)
        owed, self._owed = self._owed if last and last >= this_second else 0, 0
        before = _room(owed, per_second)
        try:
            turn = (self.places.take(this_second, before + _room(recipients, per_second)) + before).replace(microsecond=0)
        except Retryable:
            # A line that cannot be read keeps no reminder back: what SES then refuses is put off one by one.
            return
        if turn > this_second:
            raise MailLater(f"the mails before {turn.isoformat()} are given away", turn)

    def after_refusal(self, recipients: int) -> MailLater | None:
        """A place for a mail that SES refused for its rate; None where none can be taken: then it is put off like any other."""
        now, self._owed = self.clock(), 0
        try:
            turn = self.places.take(now.replace(microsecond=0) + A_SECOND, _room(recipients, self._per_second(now)))
        except Retryable:
            return None
        return MailLater("SES took others' mail in its second", turn.replace(microsecond=0))

    def _per_second(self, now: datetime) -> float:
        if self._ask_at is None or now >= self._ask_at:
            try:
                self._rate, self._ask_at = max(1.0, self.quota.limits().per_second), now + RATE_HOLDS
            except Retryable:
                self._ask_at = now + ASKED_AGAIN_AFTER
        return self._rate


def _room(recipients: int, per_second: float) -> timedelta:
    """Rounded up, lest one too many fits into a second."""
    return timedelta(microseconds=math.ceil(1_000_000 * recipients / int(per_second)))
