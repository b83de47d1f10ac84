"""The coarse wheel's turn: timers of the next twelve minutes become messages with their exact delay (DESIGN §5)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.domain.errors import Retryable
from dunning.workflow.ports import Clock, DueTimer, EmailQuota, SendingLimits, TimerIndex, Wakeup, Wakeups
from dunning.workflow.waking import NEAR, delay_until

LOOKS_AHEAD = timedelta(minutes=12)
"""Two minutes more than the runs are apart: windows overlap, so that a late run misses nothing."""

PART_OF_THE_RATE = 0.8
"""How much of SES's rate the wheel uses: a customer may get more than one mail, and a person may send by hand."""

UNKNOWN_LIMIT = 600
_TURNS_EVERY = 10


@dataclass(frozen=True, slots=True)
class Dispatched:
    """How many messages went out, and how many timers wait for the mail quota."""

    sent: int
    deferred: int


@dataclass(frozen=True, slots=True)
class DispatchDue:
    """The use case behind the function dispatch_due. It remembers nothing: every run follows from the index alone."""

    timers: TimerIndex
    wakeups: Wakeups
    quota: EmailQuota
    clock: Clock

    def __call__(self, turn: datetime) -> Dispatched:
        """Send the timers of [turn, turn + 12 min); the run on the hour all before, whatever had kept them. Raises Retryable."""
        on_the_hour = turn.minute < _TURNS_EVERY
        due = list(self.timers.due(turn + LOOKS_AHEAD, since=None if on_the_hour else turn))
        if not due:
            return Dispatched(0, 0)
        limits = self._limits()
        due.sort(key=lambda timer: (timer.due_since, timer.customer))
        wakeups = spread(due[: limits.left], self.clock(), limits.per_second * PART_OF_THE_RATE)
        self.wakeups.send(wakeups)
        return Dispatched(len(wakeups), len(due) - len(wakeups))

    def _limits(self) -> SendingLimits:
        try:
            return self.quota.limits()
        except Retryable:
            # Reminders must not wait for a number: what SES then refuses is put off one by one.
            return SendingLimits(left=UNKNOWN_LIMIT, per_second=1.0)


def spread(timers: Sequence[DueTimer], now: datetime, per_second: float) -> list[Wakeup]:
    """Each at its instant, but never more than so many a second; what then lies beyond SQS's longest delay is left for a later turn."""
    gap = timedelta(seconds=1 / per_second)
    delays: dict[str, int] = {}
    free_from = now
    for timer in sorted(timers, key=lambda timer: max(timer.due_at, now)):
        # SQS delays by whole seconds: both are counted from the second in which the message comes.
        at = max(now + timedelta(seconds=delay_until(timer.due_at, now)), free_from)
        if at - now > NEAR:
            break
        delays[timer.customer] = int((at - now).total_seconds())
        free_from = at + gap
    return [Wakeup(timer.customer, delays[timer.customer]) for timer in timers if timer.customer in delays]
