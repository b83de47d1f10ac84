"""From a world that fails to the smallest one that still does: fewer faults, fewer happenings, less out of order."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from tests.simulation.campaign import Outcome, Wrong
from tests.simulation.plans import Plan

Part = TypeVar("Part")

LONGEST_SECONDS = 45.0
LONGEST_SECONDS_ON_CLOUD = 180.0
_CALMER: tuple[Callable[[Plan], Plan], ...] = (
    lambda plan: replace(plan, provider_down=()),
    lambda plan: replace(plan, mail_down=()),
    lambda plan: replace(plan, quota_spent=()),
    lambda plan: replace(plan, wheel_silent=()),
    lambda plan: replace(plan, sweep_silent=()),
    lambda plan: replace(plan, clocks=(0.0,)),
    lambda plan: replace(plan, index_lag=0.0),
)


class Shrinker(Generic[Wrong]):
    """Leaves away whatever the failure does not need, as far as time allows; `judge` runs a world again."""

    def __init__(
        self,
        plan: Plan,
        outcome: Outcome[Wrong],
        judge: Callable[[Plan, Sequence[Wrong]], Outcome[Wrong]],
        seconds: float = LONGEST_SECONDS,
    ) -> None:
        self.plan = plan
        self.faults: Sequence[Wrong] = outcome.faults
        self.outcome = outcome
        self._judge = judge
        self._until = time.monotonic() + seconds

    def shrink(self) -> Outcome[Wrong]:
        """The smallest failing outcome found; `plan` and `faults` are its cause."""
        for _ in range(3):
            size = self._size()
            for calmer in _CALMER:
                if calmer(self.plan) != self.plan:
                    self._try(calmer(self.plan), self.faults)
            self._few(self.faults, lambda kept: (self.plan, kept))
            self._few(self.plan.happenings, lambda kept: (replace(self.plan, happenings=tuple(kept)), self.faults))
            if self._size() == size:
                break
        return self.outcome

    def _size(self) -> int:
        return len(self.faults) + len(self.plan.happenings)

    def _few(self, parts: Sequence[Part], made: Callable[[Sequence[Part]], tuple[Plan, Sequence[Wrong]]]) -> None:
        """Leave away halves, quarters, … and at last single ones."""
        chunk = max(1, len(parts) // 2)
        while True:
            start = 0
            while start < len(parts):
                kept = [*parts[:start], *parts[start + chunk :]]
                if self._try(*made(kept)):
                    parts = kept
                else:
                    start += chunk
            if chunk == 1:
                return
            chunk //= 2

    def _try(self, plan: Plan, faults: Sequence[Wrong]) -> bool:
        if time.monotonic() > self._until:
            return False
        outcome = self._judge(plan, faults)
        if not outcome.violations:
            return False
        self.plan, self.faults, self.outcome = plan, faults, outcome
        return True
