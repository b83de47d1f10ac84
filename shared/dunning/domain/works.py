"""The decision about one invoice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dunning.domain.effects import Effect


class Verdict(StrEnum):
    """What becomes of a due step. `SUPPRESS`: moved, and its reason is logged when it is a new one."""

    RUN = "run"
    SKIP = "skip"
    MOVE = "move"
    SUPPRESS = "suppress"
    REPLAN = "replan"
    THANK = "thank"
    NOTIFY = "notify"
    CHARGE = "charge"
    LAPSE = "lapse"
    ASK = "ask"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True)
class Work:
    """The decision about one invoice (or, for a notice, its key): the verdict, its reason in words, and the effects of a run.

    `begun`: something of it has gone out before, under a claim that never settled it.
    `again`: what is moved is the repetition of a step whose mail bounced.
    `unapproved`: a run without what goes to the customer, which nobody has approved.
    `together`: the invoices of one question about a message's total; the first of them that is still open then carries it.
    """

    invoice: str
    verdict: Verdict
    step: str | None
    reason: str
    effects: tuple[Effect, ...] = ()
    move_to: datetime | None = None
    begun: bool = False
    again: bool = False
    together: tuple[str, ...] = ()
    unapproved: bool = False


def reminders_in(works: Sequence[Work]) -> int:
    """How many reminders went out with these works, as the customer counts them: a mail and the SMS beside it are one.

    One about several invoices counts with the first of them, wherever the others are settled. What went out under an abandoned
    claim is put down invoice by invoice, however it was put together then, and counts as one.
    """
    fresh = {
        (effect.channel, effect.key)
        for work in works
        for effect in work.effects
        if effect.kind == "reminder" and not work.begun and effect.invoices[:1] == (work.invoice,)
    }
    begun = any(effect.kind == "reminder" for work in works if work.begun for effect in work.effects)
    return max(Counter(channel for channel, _ in fresh).values(), default=0) + begun
