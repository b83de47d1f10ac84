"""The decision about one invoice."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dunning.domain.effects import Effect


class Verdict(StrEnum):
    """What becomes of a due step."""

    RUN = "run"
    SKIP = "skip"
    MOVE = "move"
    REPLAN = "replan"
    THANK = "thank"
    NOTIFY = "notify"


@dataclass(frozen=True, slots=True)
class Work:
    """The decision about one invoice (or, for a notice, its key): the verdict, its reason in words, and the effects of a run.

    `begun`: something of it has gone out before, under a claim that never settled it.
    """

    invoice: str
    verdict: Verdict
    step: str | None
    reason: str
    effects: tuple[Effect, ...] = ()
    move_to: datetime | None = None
    begun: bool = False
