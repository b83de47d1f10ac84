"""Work off one message that names many things at a source: what fails keeps back its own company, and nobody else."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from dunning.domain.errors import NotPermitted, NotYet, Permanent, Rejected, Retryable, Unforeseen
from dunning.workflow.ports import SyncBatch, SyncBatches, SyncQueue, SyncRequest
from dunning.workflow.unforeseen import foreseen

LONGEST_DELAY = 900
MOST_HOPS = 3 * 96
"""Times in a row that a message may be sent on without anything done: three days of the longest delay."""

_FIRST_DELAY = 60
_MOST_DOUBLINGS = 10
SETTLING = 10
"""Seconds: news of a thing that has just been fetched and had not changed are looked at together, a little later."""

ENOUGH_SECONDS = 20.0
"""What must be left of an invocation to begin with one thing."""

SLOW_SECONDS = 8.0
"""A company that takes longer for one thing is slow: all its other things wait, lest they keep others' waiting behind them."""

_LEFT_ALONE = timedelta(seconds=60)
_REMEMBERED = 1000
_TOLD = 5
"""Different outcomes that the log shows of one message."""


@dataclass(frozen=True, slots=True)
class _Fetched:
    """When a fetch began, and whether it found nothing new."""

    began: datetime
    in_vain: bool


@dataclass(slots=True)
class SyncMany:
    """`sync` looks at one thing; what it answers is "recorded" where something had changed.

    A provider tells of one change many times. Two things keep that from becoming as many fetches:
    - A fetch that began after the news came has seen what they tell: providers send news of what has happened, never before it.
    - Once a fetch found nothing new, further news within `SETTLING` wait until that is over, and are one fetch then: the last of
      them has come before it begins, so none is missed. As long as fetches find something, they are made at once: what comes next
      may be another change, and the time in the news cannot tell it from a repetition: clocks differ, and two changes may bear one second.
    Each process remembers for itself: that another one fetches, too, costs a request and changes nothing.
    """

    sync: Callable[[SyncRequest], str]
    batches: SyncBatches
    alone: SyncQueue
    clock: Callable[[], datetime]
    put_aside: Callable[[SyncBatch, str], None]
    """Makes a message a dead letter, with the reason. Raises Retryable."""

    _fetched: dict[SyncRequest, _Fetched] = field(default_factory=dict)
    _slow_until: dict[tuple[str, str | None], datetime] = field(default_factory=dict)

    def __call__(self, batch: SyncBatch, seconds_left: Callable[[], float]) -> str:
        """Do what there is time for, and send on the rest; what has not moved for three days is put aside. Raises Retryable.

        What never will succeed, or fails as nobody foresaw, is sent by itself, so that it alone is tried again, and becomes a dead letter.
        What may not be read keeps back what is of its own kind in its company: a consent covers kinds of things.
        """
        done, waiting, later = 0, dict[str | None, Retryable](), list[SyncRequest]()
        refused = dict[tuple[str | None, str], NotPermitted]()
        failed: list[SyncRequest] = []
        settling: list[SyncRequest] = []
        outcomes: dict[str, None] = {}
        for request in batch.requests:
            if self._must_settle(request):
                settling.append(request)
                continue
            if (request.account, request.kind) in refused:
                failed.append(request)
                continue
            before = seconds_left()
            if reason := self._slow(request):
                waiting.setdefault(request.account, reason)
            if request.account in waiting or before < ENOUGH_SECONDS:
                later.append(request)
                continue
            try:
                outcomes[foreseen(partial(self._look, request))] = None
                if before - seconds_left() > SLOW_SECONDS:
                    self._slow_until[request.source, request.account] = self.clock() + _LEFT_ALONE
            except NotPermitted as exc:
                refused[request.account, request.kind] = exc
                failed.append(request)
            except Retryable as exc:
                waiting[request.account] = exc
                failed.append(request)
            except (Permanent, Rejected, Unforeseen):
                self.alone.send([request])
                done += 1
            else:
                done += 1
        waiting = {account: exc for (account, _), exc in refused.items()} | waiting
        # What failed goes last, so that one thing that always fails does not stand before the others.
        in_line = bool(waiting) and all(isinstance(reason, NotYet) for reason in waiting.values())
        self._send_on(SyncBatch((*later, *failed), 0 if done else batch.hops + (not in_line)), waiting)
        if settling:
            self.batches.send(SyncBatch(tuple(settling), batch.hops), SETTLING)
        told = "; ".join(list(outcomes)[:_TOLD])
        return f"{done} done, {len(later) + len(failed) + len(settling)} sent on" + (f": {told}" if told else "")

    def _slow(self, request: SyncRequest) -> NotYet | None:
        until = self._slow_until.get((request.source, request.account))
        if until is None or self.clock() >= until:
            return None
        return NotYet(f"{request.source}, {request.account}: answers slowly", until)

    def _must_settle(self, request: SyncRequest) -> bool:
        known = self._fetched.get(_thing(request))
        if known is None or not known.in_vain or request.stamp is None or known.began > request.stamp:
            return False
        return self.clock() < known.began + timedelta(seconds=SETTLING)

    def _look(self, request: SyncRequest) -> str:
        began = self.clock()
        known = self._fetched.get(_thing(request))
        if request.stamp is not None and known is not None and known.began > request.stamp:
            return "seen by a later fetch"
        outcome = self.sync(request)
        if len(self._fetched) >= _REMEMBERED:
            self._fetched.clear()
        self._fetched[_thing(request)] = _Fetched(began, in_vain="recorded" not in outcome)
        return outcome

    def _send_on(self, rest: SyncBatch, waiting: dict[str | None, Retryable]) -> None:
        """One message for each company that waits, and one for what there was no time for. Whoever sends back a letter gives it three
        days anew.
        """
        for account in dict.fromkeys(request.account for request in rest.requests):
            reason = waiting.get(account)
            requests = tuple(request for request in rest.requests if request.account == account)
            if reason is not None and not isinstance(reason, NotYet) and rest.hops >= MOST_HOPS:
                self.put_aside(SyncBatch(requests), str(reason))
            else:
                self.batches.send(SyncBatch(requests, rest.hops), self._delay(reason, rest.hops))

    def _delay(self, reason: Retryable | None, hops: int) -> int:
        if reason is None:
            return 0
        if reason.retry_at is not None:
            # Its word of when, but later each time where that does not come true: else three days of tries were over within minutes.
            wait = math.ceil((reason.retry_at - self.clock()).total_seconds())
            at_least = 1 if isinstance(reason, NotYet) else 1 << min(hops, _MOST_DOUBLINGS)
            return min(LONGEST_DELAY, max(at_least, wait))
        return min(LONGEST_DELAY, _FIRST_DELAY << min(hops, 4))


def _thing(request: SyncRequest) -> SyncRequest:
    return SyncRequest(request.source, request.kind, request.id, account=request.account)
