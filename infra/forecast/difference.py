"""Two policies for the same invoices: who hears more or less, earlier or later."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import zip_longest

from infra.forecast.shapes import Ending, Forecast, Message, Owed

_REMINDERS = ("email", "sms")


class Change(StrEnum):
    """What the other policy changes for an invoice, the weightiest of it first."""

    MORE = "more"
    LESS = "less"
    EARLIER = "earlier"
    LATER = "later"
    OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class Occasion:
    """A message about one invoice, as the comparison sees it."""

    at: datetime
    channel: str
    kind: str
    step: str | None
    timezone: str


@dataclass(frozen=True, slots=True)
class Changed:
    """One invoice that the two policies treat differently. `shift`: the first message comes so much later (negative: earlier)."""

    invoice: Owed
    other: Owed
    change: Change
    before: tuple[Occasion, ...]
    after: tuple[Occasion, ...]
    shift: timedelta | None


@dataclass(frozen=True, slots=True)
class StepTotal:
    """How many messages of one step on one channel, under each policy."""

    step: str
    channel: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Difference:
    """From one forecast to another of the same invoices and days."""

    first: Forecast
    second: Forecast
    changed: tuple[Changed, ...]
    totals: tuple[StepTotal, ...]

    def count(self, change: Change) -> int:
        """How many invoices changed so."""
        return sum(one.change is change for one in self.changed)

    @property
    def endings(self) -> tuple[tuple[Ending, int, int], ...]:
        """How many invoices end so, under each."""
        before, after = (Counter(owed.ending for owed in forecast.invoices) for forecast in (self.first, self.second))
        return tuple((ending, before[ending], after[ending]) for ending in Ending if before[ending] or after[ending])


def difference(first: Forecast, second: Forecast) -> Difference:
    """Compare forecasts of the same invoices, in the same order."""
    before, after = _by_invoice(first), _by_invoice(second)
    changed = [
        _changed(owed, other, before.get(owed.id, ()), after.get(owed.id, ()))
        for owed, other in zip(first.invoices, second.invoices, strict=True)
        if _differs(owed, other, before.get(owed.id, ()), after.get(owed.id, ()))
    ]
    steps = list(dict.fromkeys([*first.by_step, *second.by_step]))
    totals = tuple(
        StepTotal(step, channel, first.by_step.get((step, channel), 0), second.by_step.get((step, channel), 0)) for step, channel in steps
    )
    return Difference(first, second, tuple(changed), totals)


def _by_invoice(forecast: Forecast) -> Mapping[str, Sequence[Occasion]]:
    found: dict[str, list[Occasion]] = defaultdict(list)
    for message in forecast.messages:
        for item in message.items:
            found[item.invoice].append(_occasion(message, item.step))
    return found


def _occasion(message: Message, step: str | None) -> Occasion:
    return Occasion(message.at, message.channel, message.kind, step, message.timezone)


def _differs(owed: Owed, other: Owed, before: Sequence[Occasion], after: Sequence[Occasion]) -> bool:
    if owed.ending is not other.ending:
        return True
    return any(
        one is None or two is None or (one.at, one.channel, one.kind) != (two.at, two.channel, two.kind)
        for one, two in zip_longest(before, after)
    )


def _changed(owed: Owed, other: Owed, before: Sequence[Occasion], after: Sequence[Occasion]) -> Changed:
    shift = after[0].at - before[0].at if before and after else None
    count = _heard(after) - _heard(before)
    if count:
        change = Change.MORE if count > 0 else Change.LESS
    elif shift:
        change = Change.LATER if shift > timedelta() else Change.EARLIER
    else:
        change = _by_later_messages(before, after)
    return Changed(owed, other, change, tuple(before), tuple(after), shift)


def _by_later_messages(before: Sequence[Occasion], after: Sequence[Occasion]) -> Change:
    instants = (sorted({occasion.at for occasion in occasions}) for occasions in (before, after))
    moved = [two - one for one, two in zip(*instants, strict=False) if one != two]
    if not moved:
        return Change.OTHERWISE
    return Change.LATER if moved[0] > timedelta() else Change.EARLIER


def _heard(occasions: Sequence[Occasion]) -> int:
    """How often the customer is written to; mail and SMS of one step count once."""
    return len({(one.at, one.step) for one in occasions if one.channel in _REMINDERS})
