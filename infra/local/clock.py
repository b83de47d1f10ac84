"""Virtual time: it stands still, and moves only when told."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import SupportsIndex

from dunning.domain.errors import Rejected
from infra.local import moto_cures


class VirtualClock:
    """What the local cloud's functions, queues and schedules take for the present (UTC). Call it for the time."""

    def __init__(self, start: datetime) -> None:
        """Raises Rejected for an instant without a zone."""
        if start.tzinfo is None:
            raise Rejected(f"{start.isoformat()} has no time zone: write an instant as 2026-03-02T08:00:00Z")
        self._now = start.astimezone(UTC)

    def __call__(self) -> datetime:
        """Now, in UTC."""
        return self._now

    def move_to(self, instant: datetime) -> None:
        """Move on. Raises Rejected for the past."""
        if instant < self._now:
            raise Rejected(f"{instant.isoformat()} is before {self._now.isoformat()}: time here only moves on")
        self._now = instant.astimezone(UTC)


_ONE_CLOUD_AT_A_TIME = threading.RLock()
_really_sleep = time.sleep


@contextmanager
def virtual_time(clock: VirtualClock) -> Iterator[None]:
    """While this lasts, moto goes by `clock`, and this thread's sleeps (an SDK backing off between attempts) take no time."""
    thread = threading.get_ident()

    def sleep(seconds: float | SupportsIndex, /) -> None:
        if threading.get_ident() != thread:
            _really_sleep(seconds)

    with _ONE_CLOUD_AT_A_TIME:
        before, before_sleep = moto_cures.time_source(), time.sleep
        moto_cures.go_by(clock)
        time.sleep = sleep
        try:
            yield
        finally:
            time.sleep = before_sleep
            moto_cures.go_by(before)
