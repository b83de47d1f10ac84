"""Time that moves only when told."""

from datetime import UTC, datetime, timedelta

MONDAY_MORNING = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class StandingClock:
    """Stands at an instant (aware UTC) until moved. Implements `workflow.ports.Clock`."""

    def __init__(self, now: datetime = MONDAY_MORNING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Now, in UTC."""
        return self.now

    def advance(self, by: timedelta) -> datetime:
        """Let time pass; answers the new now."""
        self.now += by
        return self.now
