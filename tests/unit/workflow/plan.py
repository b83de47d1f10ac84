"""The shipped plan for an invoice due on 31 March 2026: when each step runs."""

from datetime import UTC, datetime, timedelta

from dunning.domain.activity import Activity

FIRST = datetime(2026, 4, 7, 9, 0, tzinfo=UTC)
SECOND = FIRST + timedelta(hours=48)
ESCALATION = SECOND + timedelta(hours=72)
MINUTE = timedelta(minutes=1)


def said(log: list[Activity]) -> list[str]:
    """The log as `type step`."""
    return [f"{activity.type.value} {activity.step}" if activity.step else activity.type.value for activity in log]
