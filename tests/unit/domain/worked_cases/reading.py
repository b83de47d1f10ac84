"""The tables of worked cases, read. Amounts are written `EUR 120.50`, instants `2026-03-10 09:00Z` (UTC) or with their offset."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import cast

from dunning.content.policy_loader import load_policy
from dunning.content.strict_yaml import read_mapping
from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.domain.invoice import Contact
from dunning.domain.money import Money, to_minor
from dunning.domain.policy import Policy

HERE = Path(__file__).parent
TEAMS = frozenset({"collections", "legal"})
BRIEF = """
steps:
  - {id: first, at: {after_due: 7d, time: "09:00"}, email: friendly}
  - {id: second, at: {after_previous: 48h}, if: "not replied", email: second_notice, sms: second_notice}
  - {id: escalate, at: {after_previous: 72h}, escalate: {team: collections}}
"""

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Owed:
    """One invoice of a case."""

    name: str
    money: Money
    due: date | None
    issued: datetime | None
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens outside: `invoice` is paid, or owes less, or falls due another day; or a hold begins or ends."""

    at: datetime
    words: str
    row: Row


@dataclass(frozen=True, slots=True)
class Case:
    """A case of the table; `expect` and `decided` as the table has them, line by line.

    Tasks for the team when a plan has ended are told only where the case is about them (`tasks`).
    """

    topic: str
    title: str
    why: str
    policy_text: str
    customer: Contact
    customer_words: str
    invoices: tuple[Owed, ...]
    known: datetime
    until: datetime
    happens: tuple[Happening, ...]
    expect: tuple[str, ...]
    decided: tuple[str, ...] | None
    tasks: bool
    credit: Money | None

    def policy(self) -> Policy:
        """The policy, all of the language allowed."""
        return load_policy(f"name: case\n{self.policy_text}", "case.yaml", TEAMS)


@dataclass(frozen=True, slots=True)
class FeeCase:
    """A late fee reckoned by hand: the terms as in a policy, the debt, the day, and the fee or the reason why there is none."""

    topic: str
    title: str
    why: str
    terms: str
    owed: Money
    due: date
    today: date
    facts: Row
    expect: str


@dataclass(frozen=True, slots=True)
class Topic:
    """One file: what it is about, and its cases."""

    title: str
    about: str
    cases: tuple[Case | FeeCase, ...] = field(default=())


def topics() -> tuple[Topic, ...]:
    """Every table, in the order of its file names."""
    return tuple(_topic(path) for path in sorted(HERE.glob("*.yaml")))


def _topic(path: Path) -> Topic:
    document = read_mapping(path.read_text(encoding="utf-8"), path.name)
    title, policies = text(document["topic"]), _row(document.get("policies"))
    cases = tuple(_fee(title, row) if "fee" in row else _case(title, row, policies) for row in _rows(document["cases"]))
    return Topic(title, text(document["about"]), cases)


def _case(topic: str, row: Row, policies: Row) -> Case:
    customer = _row(row.get("customer"))
    written = text(row.get("policy", BRIEF))
    invoices = tuple(_owed(name, _row(value)) for name, value in _row(row["invoices"]).items())
    known = instant(text(row.get("known", "2026-03-01 08:00Z")))
    return Case(
        topic=topic,
        title=text(row["title"]),
        why=text(row["why"]),
        policy_text=text(policies.get(written, written)),
        customer=_contact(customer),
        customer_words=_customer_words(customer),
        invoices=invoices,
        known=known,
        until=instant(text(row.get("until", "2029-01-01 00:00Z"))),
        happens=tuple(_happening(one) for one in _rows(row.get("happens"))),
        expect=tuple(text(line) for line in cast("list[object]", row["expect"])),
        decided=tuple(text(line) for line in cast("list[object]", row["decided"])) if "decided" in row else None,
        tasks=row.get("tasks") is True,
        credit=money(text(row["credit"])) if "credit" in row else None,
    )


def _fee(topic: str, row: Row) -> FeeCase:
    owed = money(text(row["owed"]))
    return FeeCase(
        topic=topic,
        title=text(row["title"]),
        why=text(row["why"]),
        terms=text(row["fee"]),
        owed=owed,
        due=date.fromisoformat(text(row["due"])),
        today=date.fromisoformat(text(row["on"])),
        facts=_row(row.get("facts")),
        expect=text(row["expect"]),
    )


def _owed(name: str, row: Row) -> Owed:
    issued = row.get("issued")
    due = row.get("due")
    return Owed(
        name,
        money(text(row["owed"])),
        date.fromisoformat(text(due)) if due is not None else None,
        instant(text(issued)) if issued is not None else None,
        row.get("automatic") is True,
    )


def _contact(row: Row) -> Contact:
    def read(name: str) -> str | None:
        value = row.get(name)
        return None if value is None else text(value)

    return Contact(
        name=read("name") or "Acme",
        email="ap@acme.example" if row.get("email", True) else None,
        phone="+442079460117" if row.get("phone", False) else None,
        country=read("country"),
        timezone=read("timezone"),
        settings=CustomerSettings(people=(Person("manager", "manager@acme.example"),)) if row.get("manager") else None,
    )


def _customer_words(row: Row) -> str:
    parts = [text(row[name]) for name in ("timezone", "country") if name in row]
    parts += ["with a phone"] if row.get("phone") else []
    parts += ["with a manager"] if row.get("manager") else []
    parts += ["without a mail address"] if row.get("email") is False else []
    return ", ".join(parts)


def _happening(row: Row) -> Happening:
    return Happening(instant(text(row["at"])), text(row["what"]), row)


def instant(written: str) -> datetime:
    """An instant, in UTC."""
    return datetime.fromisoformat(written.replace(" ", "T", 1)).astimezone(UTC)


def money(written: str) -> Money:
    """`EUR 120.50`"""
    currency, _, amount = written.partition(" ")
    return Money(to_minor(Decimal(amount.replace(",", "")), currency), currency)


def text(value: object) -> str:
    """A text of the table; anything else is a slip in it."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text: put it in quotes")
    return value.strip()


def _row(value: object) -> Row:
    return cast("Row", value or {})


def _rows(value: object) -> Iterator[Row]:
    yield from cast("list[Row]", value or [])
