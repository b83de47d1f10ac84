"""The fine wheel: a timer that is nearly due is told to the queue by whoever stored it."""

import math
from datetime import datetime, timedelta

from dunning.domain.case import Case
from dunning.workflow.ports import Wakeup, Wakeups

NEAR = timedelta(seconds=900)
"""The longest delay SQS knows."""

MOST_HOPS = 12
"""How often a message is sent on; Lambda stops a chain after 16, and the hourly wheel finds what is dropped."""


def delay_until(at: datetime, now: datetime) -> int:
    """Whole seconds until then, rounded up: a message must not come before its time."""
    return max(0, math.ceil((at - now).total_seconds()))


def wake_if_near(wakeups: Wakeups, case: Case, now: datetime, hops: int = 0) -> None:
    """Send the message of a timer due within 900 s. It follows from the stored timer, so a retried event sends it again."""
    due_at = case.profile.due_at
    if due_at is not None and due_at - now <= NEAR:
        wakeups.send([Wakeup(case.profile.customer, delay_until(due_at, now), hops)])
