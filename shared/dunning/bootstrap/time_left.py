"""How long the invocation under way may still last: who asks a slow provider must give up before Lambda gives up on us."""

import math
from collections.abc import Callable


class TimeLeft:
    """Seconds until Lambda ends the invocation; without end where nobody says."""

    def __init__(self) -> None:
        self._millis: Callable[[], float] = lambda: math.inf

    def begins(self, context: object) -> None:
        """An invocation begins, with Lambda's context."""
        self._millis = getattr(context, "get_remaining_time_in_millis", lambda: math.inf)

    def __call__(self) -> float:
        """What is left now."""
        return self._millis() / 1000
