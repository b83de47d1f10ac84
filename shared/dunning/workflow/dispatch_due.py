"""The coarse wheel's turn: timers of the next twelve minutes become messages with their exact delay (DESIGN §5)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dunning.domain.errors import Permanent, Retryable
from dunning.domain.mail_order import Place, Waiting
from dunning.workflow.mail_order import TURNS_EVERY, WaitingMails
from dunning.workflow.ports import Clock, Wakeup, Wakeups
from dunning.workflow.waking import NEAR, delay_until
from dunning.workflow.wheel_ports import DueTimer, EmailQuota, SendingLimits, TimerIndex

LOOKS_AHEAD = timedelta(minutes=12)
"""Two minutes more than the runs are apart: windows overlap, so that a late run misses nothing."""

LOOKS_A_SECOND = 10.0
"""How many of those who wait for SES's quota are looked at a second, for what they have to do without it: 9,000 in a turn."""

PART_OF_THE_RATE = 0.8
"""How much of SES's rate the wheel uses: a customer may get more than one mail, and a person may send by hand."""

UNKNOWN_LIMIT = 600
AT_THE_LATEST = timedelta(minutes=15)
"""So long after the full hour a turn may come that sees all who wait: until then nobody goes past them."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """How many timers were let go, how many wait for the mail quota, and how many of these are looked at for what needs none."""

    sent: int
    deferred: int
    looked_at: int = 0


@dataclass(frozen=True, slots=True)
class DispatchDue:
    """The use case behind the function dispatch_due. Every run follows from the index alone; that some wait for SES's quota is noted
    for those who send without the wheel, and for the next turns, which then see all who wait as the one on the hour does.
    """

    timers: TimerIndex
    wakeups: Wakeups
    quota: EmailQuota
    clock: Clock
    waiting: WaitingMails

    def __call__(self, turn: datetime) -> Dispatched:
        """Send the timers of [turn, turn + 12 min); the run on the hour all before, whatever had kept them. Raises Retryable."""
        on_the_hour = turn.minute < TURNS_EVERY // timedelta(minutes=1)
        due = list(self.timers.due(turn + LOOKS_AHEAD, since=None if on_the_hour else turn))
        if not due:
            return Dispatched(0, 0)
        known = self._known()
        if known and not on_the_hour:
            due = list(self.timers.due(turn + LOOKS_AHEAD))
        due.sort(key=_place)
        limits, now = self._limits(), self.clock()
        let_go = spread(due[: limits.left], now, limits.per_second * PART_OF_THE_RATE)
        kept = [timer for timer in due if timer.customer not in let_go]
        # What needs no mail must not wait with those that do: it is looked for when its timer comes, and once an hour.
        looks = spread([timer for timer in kept if on_the_hour or timer.due_at >= turn], now, LOOKS_A_SECOND)
        self.wakeups.send(
            [
                *(Wakeup(one.customer, let_go[one.customer], let_go=one.due_since) for one in due if one.customer in let_go),
                *(Wakeup(one.customer, looks[one.customer], without_mail=True) for one in kept if one.customer in looks),
            ]
        )
        if len(due) > limits.left:
            self.waiting.put(Waiting(_place(due[limits.left]), turn, _full_hour_after(turn) + AT_THE_LATEST))
        else:
            self._nobody_waits(known, turn)
        return Dispatched(len(let_go), len(kept), len(looks))

    def _nobody_waits(self, known: Waiting | None, turn: datetime) -> None:
        if known:
            self.waiting.put(replace(known, as_of=turn, until=turn))

    def _known(self) -> Waiting | None:
        try:
            known = self.waiting.read()
        except (Retryable, Permanent):
            # What this turn does not see, the one on the hour does.
            return None
        return known if known is not None and known.stands(self.clock()) else None

    def _limits(self) -> SendingLimits:
        try:
            return self.quota.limits()
        except Retryable:
            # Reminders must not wait for a number: what SES then refuses is put off one by one.
            return SendingLimits(left=UNKNOWN_LIMIT, per_second=1.0)


def spread(timers: Sequence[DueTimer], now: datetime, per_second: float) -> dict[str, int]:
    """Each customer's delay in whole seconds: to its instant, but never more than so many a second.

    Who then lies beyond SQS's longest delay is left for a later turn.
    """
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
    return delays


def _place(timer: DueTimer) -> Place:
    return timer.due_since, timer.customer


def _full_hour_after(turn: datetime) -> datetime:
    return turn.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
