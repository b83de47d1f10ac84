"""The control interface's answers (DESIGN §8), read into types at the edge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime


class UnexpectedShape(Exception):
    """The local cloud answered something that its control interface does not promise; says where."""


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the outbox: something that SES or SNS accepted. `invoices` are bare ids."""

    channel: str
    kind: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    subject: str
    text: str
    html: str
    headers: Mapping[str, str]
    sent_at: datetime
    customer: str
    invoices: tuple[str, ...]
    step: str | None


@dataclass(frozen=True, slots=True)
class Invoice:
    """A row of a case's invoices. Amounts in minor units."""

    id: str
    number: str
    status: str
    currency: str
    total: int
    amount_due: int
    due_date: str | None
    level: int
    next_step: str | None
    next_at: datetime | None
    holds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Activity:
    """A decision and its reason."""

    at: datetime
    type: str
    reason: str | None
    invoices: tuple[str, ...]
    step: str | None
    actor: str | None

    @property
    def is_last_check(self) -> bool:
        """Whether the check just before sending found that there is nothing left to send."""
        return self.actor == "run_step" and self.type in ("paid", "closed")


@dataclass(frozen=True, slots=True)
class Case:
    """All that one customer owes (`stripe:cus_…`), and what was decided about it."""

    customer: str
    invoices: tuple[Invoice, ...]
    activities: tuple[Activity, ...]


Watcher = Callable[[datetime, tuple[Message, ...]], None]
"""Is told the virtual time and what went out so far."""


def read_outbox(answer: object) -> tuple[Message, ...]:
    """`GET /_local/outbox`. Raises UnexpectedShape."""
    return tuple(_message(_Row(row, f"outbox[{n}]")) for n, row in enumerate(_list(answer, "outbox")))


def read_case(customer: str, answer: object) -> Case:
    """`GET /_local/cases/{customer}`. Raises UnexpectedShape."""
    row = _Row(answer, customer)
    invoices = tuple(_invoice(_Row(each, f"{customer} invoices[{n}]")) for n, each in enumerate(row.rows("invoices")))
    activities = tuple(_activity(_Row(each, f"{customer} activities[{n}]")) for n, each in enumerate(row.rows("activities")))
    return Case(customer, invoices, tuple(sorted(activities, key=lambda activity: activity.at)))


def read_instant(text: str) -> datetime:
    """RFC 3339 with `Z`."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class _Row:
    """One JSON object, read field by field; an error names the field."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise UnexpectedShape(f"{where}: expected an object, got {value!r}")
        self._value: dict[str, object] = value
        self._where = where

    def text(self, name: str) -> str:
        value = self._value.get(name)
        if not isinstance(value, str):
            raise UnexpectedShape(f"{self._where}.{name}: expected text, got {value!r}")
        return value

    def text_or_none(self, name: str) -> str | None:
        return None if self._value.get(name) is None else self.text(name)

    def number(self, name: str) -> int:
        value = self._value.get(name)
        if not isinstance(value, int):
            raise UnexpectedShape(f"{self._where}.{name}: expected an integer, got {value!r}")
        return value

    def instant(self, name: str) -> datetime:
        return read_instant(self.text(name))

    def instant_or_none(self, name: str) -> datetime | None:
        return None if self._value.get(name) is None else self.instant(name)

    def rows(self, name: str) -> list[object]:
        return _list(self._value.get(name), f"{self._where}.{name}")

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(str(value) for value in self.rows(name))

    def table(self, name: str) -> dict[str, str]:
        value = self._value.get(name)
        if not isinstance(value, dict):
            raise UnexpectedShape(f"{self._where}.{name}: expected an object, got {value!r}")
        return {str(key): str(each) for key, each in value.items()}


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise UnexpectedShape(f"{where}: expected a list, got {value!r}")
    return value


def _message(row: _Row) -> Message:
    return Message(
        channel=row.text("channel"),
        kind=row.text("kind"),
        to=row.texts("to"),
        cc=row.texts("cc"),
        subject=row.text_or_none("subject") or "",
        text=row.text_or_none("text") or "",
        html=row.text_or_none("html") or "",
        headers=row.table("headers"),
        sent_at=row.instant("sent_at"),
        customer=row.text("customer"),
        invoices=row.texts("invoices"),
        step=row.text_or_none("step"),
    )


def _invoice(row: _Row) -> Invoice:
    return Invoice(
        id=row.text("id"),
        number=row.text("number"),
        status=row.text("status"),
        currency=row.text("currency"),
        total=row.number("total"),
        amount_due=row.number("amount_due"),
        due_date=row.text_or_none("due_date"),
        level=row.number("level"),
        next_step=row.text_or_none("next_step"),
        next_at=row.instant_or_none("next_at"),
        holds=row.texts("holds"),
    )


def _activity(row: _Row) -> Activity:
    return Activity(
        at=row.instant("at"),
        type=row.text("type"),
        reason=row.text_or_none("reason"),
        invoices=row.texts("invoices"),
        step=row.text_or_none("step"),
        actor=row.text_or_none("actor"),
    )
