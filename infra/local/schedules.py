"""EventBridge: rules that fire by the clock."""

import json
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from infra.local.async_events import AsyncEvents
from infra.local.cron import parse_schedule
from infra.local.json_edges import Json, mapping
from infra.local.outbox import rfc3339
from infra.local.stack import Schedule


class ScheduleSource:
    """One rule and the function it wakes. It fires first after the cloud's start, not at it."""

    def __init__(self, schedule: Schedule, events: AsyncEvents, clock: Callable[[], datetime], account: str, region: str) -> None:
        """Raises Rejected for a schedule expression that is not understood."""
        self._schedule = schedule
        self._events = events
        self._account = account
        self._region = region
        self._times = parse_schedule(schedule.expression, clock())
        self._next = self._times.after(clock())

    def next_at(self) -> datetime | None:
        """When it fires next."""
        return self._next

    def run(self) -> None:
        """Fire once."""
        if self._next is None:
            return
        fired, self._next = self._next, self._times.after(self._next)
        self._events.put(self._schedule.function, self._event(fired))

    def _event(self, fired: datetime) -> Json:
        if self._schedule.input is not None:
            return mapping(json.loads(self._schedule.input))
        return {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": self._account,
            "time": rfc3339(fired),
            "region": self._region,
            "resources": [self._schedule.rule],
            "detail": {},
        }
