"""A plan that starts again when a part is paid runs more than once: what the log says of each run."""

from collections.abc import Sequence

from dunning.domain.activity import Activity
from dunning.domain.part_payments import STARTS_AGAIN

_BEGINS = f"{STARTS_AGAIN}, counted from"


def runs_of(log: Sequence[Activity]) -> list[list[Activity]]:
    """An invoice's log, cut where its plan started again; the last is the one it is in."""
    runs: list[list[Activity]] = [[]]
    for activity in log:
        runs[-1].append(activity)
        if begins_anew(activity):
            runs.append([])
    return runs


def begins_anew(activity: Activity) -> bool:
    """Whether the plan of its invoice started again with it."""
    return _BEGINS in (activity.reason or "")
