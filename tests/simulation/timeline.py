"""Virtual time: a heap of what is to happen, in order of its instant."""

from collections.abc import Callable
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count

DEEPEST = 4
"""How many workers may be inside one another: the one on top works while the ones below wait for an answer."""

Act = Callable[[], None]


class Timeline:
    """The true time (UTC), and all that is still to come."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self._heap: list[tuple[datetime, int, Act]] = []
        self._order = count()
        self._depth = 0

    def at(self, when: datetime, act: Act) -> None:
        """Let this happen then; at once when that is past."""
        heappush(self._heap, (when, next(self._order), act))

    def after(self, seconds: float, act: Act) -> None:
        """Let this happen so much later."""
        self.at(self.now + timedelta(seconds=seconds), act)

    def run_until(self, end: datetime) -> None:
        """Do all that falls due until then, in order."""
        while self._heap and self._heap[0][0] <= end:
            when, _, act = heappop(self._heap)
            self.now = max(self.now, when)
            act()
        self.now = max(self.now, end)

    @property
    def is_deep(self) -> bool:
        """Whether time would pass without anybody at work."""
        return self._depth >= DEEPEST

    def pass_time(self, seconds: float) -> None:
        """Somebody waits; others work meanwhile, unless too many wait already."""
        end = self.now + timedelta(seconds=seconds)
        if self.is_deep:
            self.now = end
            return
        self._depth += 1
        try:
            self.run_until(end)
        finally:
            self._depth -= 1
