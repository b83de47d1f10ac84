"""The report: one HTML file that needs no network, from a ledger."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.demo import words
from infra.demo.ledger import Entry, Figures, Ledger, Outcome
from infra.demo.shapes import Message
from infra.demo.timeline import Line, line, ticks
from infra.demo.timetable import Event, story

_HERE = Path(__file__).parent / "pages"

_ORDER = (Outcome.ESCALATED, Outcome.HELD, Outcome.OPEN, Outcome.COLLECTED, Outcome.PAID, Outcome.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as the report shows it."""

    message: Message
    channel: str
    sender: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of an invoice's story, with the letters that went out."""

    event: Event
    letters: tuple[Letter, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """An invoice in the report."""

    entry: Entry
    anchor: str
    ending: str
    line: Line
    story: tuple[Happening, ...]

    @property
    def summary(self) -> str:
        """The time line in words, for who cannot see it."""
        return "; ".join(mark.label for mark in self.line.marks) or "nothing happened yet"

    @property
    def letters(self) -> tuple[Letter, ...]:
        """The invoice's messages, oldest first."""
        return tuple(letter for happening in self.story for letter in happening.letters)


def render(ledger: Ledger, company: str) -> str:
    """The report as one HTML document; the same ledger gives the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"money": words.money, "figure": words.figure, "moment": words.moment, "long_day": words.long_day}
    rows = sorted(
        (_row(ledger, entry) for entry in ledger.entries), key=lambda row: (_ORDER.index(row.entry.outcome), row.entry.sample.number)
    )
    return environment.get_template("report.html.jinja").render(
        ledger=ledger,
        company=company,
        rows=rows,
        ticks=ticks(ledger),
        figures=[(each, _shares(each)) for each in ledger.figures()],
        outcomes=[(outcome.value, words.OUTCOMES[outcome], ledger.count(outcome)) for outcome in _ORDER if ledger.count(outcome)],
        counts=_counts(ledger),
    )


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a currency's bar, in per cent of what was owed."""

    kind: str
    label: str
    width: float


def _shares(figures: Figures) -> list[Share]:
    parts = (
        ("paid", "paid without a reminder", figures.paid_unasked),
        ("collected", "paid after a reminder", figures.collected),
        ("open", "open", figures.on_plan),
        ("escalated", "with collections", figures.escalated),
        ("withdrawn", "voided or written off", figures.withdrawn),
    )
    owed = figures.owed.minor or 1
    return [Share(kind, label, round(amount.minor / owed * 100, 2)) for kind, label, amount in parts if amount.minor]


def _counts(ledger: Ledger) -> dict[str, int]:
    return {
        "invoices": len(ledger.entries),
        "customers": len({entry.sample.customer.key for entry in ledger.entries}),
        "mails": sum(message.channel == "email" for message in ledger.messages),
        "sms": sum(message.channel == "sms" for message in ledger.messages),
        "notices": sum(message.channel == "team" for message in ledger.messages),
        "collected": ledger.count(Outcome.COLLECTED),
        "open": ledger.count(Outcome.OPEN, Outcome.HELD, Outcome.ESCALATED),
        "escalated": ledger.count(Outcome.ESCALATED),
    }


def _row(ledger: Ledger, entry: Entry) -> Row:
    return Row(entry, entry.sample.number.lower(), words.ending(entry), line(ledger, entry), _story(entry))


def _story(entry: Entry) -> tuple[Happening, ...]:
    return tuple(
        Happening(event, tuple(_letter(entry, message, f"{number}-{n}") for n, message in enumerate(event.messages)))
        for number, event in enumerate(story(entry), 1)
    )


def _letter(entry: Entry, message: Message, position: str) -> Letter:
    return Letter(message, words.CHANNELS[message.channel], message.headers.get("From", ""), f"{entry.sample.number.lower()}-{position}")
