"""What a forecast holds. Instants are UTC, amounts minor units, invoices by their position in the file's rows (`Owed.id`)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from dunning.domain.money import Money


class Ending(StrEnum):
    """Where an invoice stands when the forecast ends."""

    PAID = "paid"
    ESCALATED = "escalated"
    PLAN_ENDED = "plan_ended"
    ON_PLAN = "on_plan"
    WATCHED = "watched"
    HELD = "held"
    NOT_YET_ISSUED = "not_yet_issued"


@dataclass(frozen=True, slots=True)
class Owed:
    """One invoice of the forecast, as it stands at the end."""

    id: str
    customer: str
    name: str
    number: str
    money: Money
    due_date: date | None
    policy: str | None
    ending: Ending
    reason: str | None
    level: int
    reminders: int
    last_step: str | None
    next_step: str | None
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class Item:
    """An invoice in a message, with what was owed on it then."""

    invoice: str
    number: str
    step: str | None
    money: Money


@dataclass(frozen=True, slots=True)
class Message:
    """One message that would go out. `template` and `step` are those of the highest step in it; `to` an address, a number or a team."""

    at: datetime
    timezone: str
    customer: str
    name: str
    channel: str
    kind: str
    template: str
    step: str | None
    to: str
    items: tuple[Item, ...]
    reason: str | None

    @property
    def totals(self) -> tuple[Money, ...]:
        """What it asks for, each currency for itself."""
        sums: Counter[str] = Counter()
        for item in self.items:
            sums[item.money.currency] += item.money.minor
        return tuple(Money(minor, currency) for currency, minor in sorted(sums.items()))


@dataclass(frozen=True, slots=True)
class Decision:
    """Something that was decided, or put off, and why; `later` is until when a step was put off."""

    at: datetime
    timezone: str
    customer: str
    name: str
    type: str
    step: str | None
    numbers: tuple[str, ...]
    reason: str | None
    later: datetime | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """All that would happen from `start` on and before `end`, oldest first."""

    policies: tuple[str, ...]
    start: datetime
    end: datetime
    messages: tuple[Message, ...]
    decisions: tuple[Decision, ...]
    invoices: tuple[Owed, ...]
    turns: int

    @property
    def by_step(self) -> Mapping[tuple[str, str], int]:
        """How many messages of each step on each channel, in the order in which they first come."""
        return Counter((message.step or message.kind, message.channel) for message in self.messages)
