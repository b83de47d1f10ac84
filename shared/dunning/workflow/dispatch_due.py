"""The coarse wheel's turn: timers of the next twelve minutes become messages with their exact delay (DESIGN §5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.workflow.ports import Clock, EmailQuota, TimerIndex, Wakeup, Wakeups
from dunning.workflow.waking import delay_until

LOOKS_AHEAD = timedelta(minutes=12)
"""Two minutes more than the runs are apart: windows overlap, so that a late run misses nothing."""

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
        due.sort(key=lambda timer: (timer.due_since, timer.customer))
        released = due[: self.quota.left()]
        now = self.clock()
        self.wakeups.send([Wakeup(timer.customer, delay_until(timer.due_at, now)) for timer in released])
        return Dispatched(len(released), len(due) - len(released))
