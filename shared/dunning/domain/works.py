"""The decision about one invoice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dunning.domain.case import Mark
from dunning.domain.effects import Channel, Effect, repetition_of, row_key

LONGEST_APART = timedelta(hours=12)
"""Messages of one step that lie further apart are no longer one reminder to whoever gets them."""


OUTRUN = "a later message has fallen due meanwhile"
"""Why a step that waited past its day is planned anew (`catch_up: latest`)."""


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

    @property
    def step_in_key(self) -> str | None:
        """What stands for the step in the keys of its effects."""
        return repetition_of(self.step) if self.step and self.verdict is Verdict.REPEAT else self.step


def ran_at(work: Work, marks: Mapping[str, Mark], now: datetime) -> datetime:
    """When a step ran (UTC): when the first of its messages went out, whenever it is put down.

    As of now where nothing had gone out before, or where another message to the customer goes out now, so long after that the next
    step would seem to follow at its heels.
    """
    rows = {effect.channel: marks.get(_row(effect, work)) for effect in work.effects}
    begun = [min(mark.at or now, now) for mark in rows.values() if mark and mark.has_begun]
    at = min(begun, default=now)
    writes_now = any(effect.kind == "reminder" and not _begun(rows[effect.channel]) for effect in work.effects)
    return now if writes_now and now - at > LONGEST_APART else at


def reminders_in(works: Sequence[Work], marks: Mapping[str, Mark], now: datetime, shares: Callable[[Work], str | None]) -> list[datetime]:
    """When each reminder among these works went out (UTC), as the customer counts them: a mail and the SMS beside it are one.

    So are the works that share their messages (`shares`: with whom; None: with nobody).

    One about several invoices counts with the first of them, wherever the others are settled; so does one that went out under an
    abandoned claim (`marks`, by row), though what became of it is put down invoice by invoice.
    """
    groups: dict[object, list[Work]] = {}
    for number, work in enumerate(works):
        groups.setdefault((work.begun, shares(work) or number), []).append(work)
    return [at for group in groups.values() for at in _most_on_a_channel(group, marks, now)]


def _most_on_a_channel(works: Sequence[Work], marks: Mapping[str, Mark], now: datetime) -> list[datetime]:
    found: dict[Channel, list[datetime]] = {}
    for work in works:
        for effect in work.effects:
            mark = marks.get(_row(effect, work))
            leads = mark.leads if mark and mark.has_begun else effect.invoices[:1] == (work.invoice,)
            if effect.kind == "reminder" and leads:
                found.setdefault(effect.channel, []).append(ran_at(work, marks, now))
    return max(found.values(), key=len, default=[])


def _row(effect: Effect, work: Work) -> str:
    return row_key(effect.channel, work.step_in_key, work.invoice)


def _begun(mark: Mark | None) -> bool:
    return mark is not None and mark.has_begun
