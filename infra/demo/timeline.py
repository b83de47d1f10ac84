"""Where things stand on an invoice's time line: positions in per cent of the period. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.demo.ledger import Entry, Ledger
from infra.demo.words import because, day, decision, money
from infra.samples.book import What


@dataclass(frozen=True, slots=True)
class Mark:
    """A point: `kind` gives its shape and colour, `sign` the character inside, `label` says it in words."""

    kind: str
    x: float
    label: str
    sign: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch: waiting, overdue, held."""

    kind: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Line:
    """One invoice's time line."""

    spans: tuple[Span, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A week's begin on the axis."""

    x: float
    label: str


def ticks(ledger: Ledger) -> tuple[Tick, ...]:
    """One tick a week from the first midnight on."""
    first = ledger.start.replace(hour=0, minute=0, second=0, microsecond=0)
    weeks = (first + timedelta(days=7 * n) for n in range(ledger.days // 7 + 1))
    return tuple(Tick(position(ledger, at), f"{at.day} {at:%b}") for at in weeks)


def position(ledger: Ledger, at: datetime) -> float:
    """Per cent of the period that has passed at an instant, kept within 0 and 100."""
    share = (at - ledger.start) / (ledger.end - ledger.start) * 100
    return round(min(max(share, 0.0), 100.0), 2)


def line(ledger: Ledger, entry: Entry) -> Line:
    """An invoice's spans and marks."""
    return Line(tuple(_spans(ledger, entry)), tuple(sorted(_marks(ledger, entry), key=lambda mark: mark.x)))


def _spans(ledger: Ledger, entry: Entry) -> list[Span]:
    issued = next(fact.at for fact in entry.facts if fact.what is What.ISSUED)
    until = entry.closed_at or ledger.end
    due = entry.due_noon
    spans = [_span(ledger, "waiting", issued, min(due, until) if due else until)]
    if due is not None and due < until:
        spans.append(_span(ledger, "overdue", due, until))
    held: datetime | None = None
    for activity in entry.activities:
        if activity.type == "held" and held is None:
            held = activity.at
        elif activity.type == "released" and held is not None:
            spans.append(_span(ledger, "held", held, activity.at))
            held = None
    if held is not None:
        spans.append(_span(ledger, "held", held, until))
    return spans


def _span(ledger: Ledger, kind: str, start: datetime, end: datetime) -> Span:
    x = position(ledger, start)
    return Span(kind, x, round(max(position(ledger, end) - x, 0.0), 2))


def _marks(ledger: Ledger, entry: Entry) -> list[Mark]:
    marks = []
    due = entry.due_noon
    if due is not None:
        marks.append(Mark("due", position(ledger, due), f"due {day(due)}"))
    for number, messages in enumerate(entry.reminders, 1):
        at = messages[0].sent_at
        ways = " and ".join(dict.fromkeys({"email": "mail", "sms": "SMS"}.get(message.channel, message.channel) for message in messages))
        kind = "reminder" if number == 1 else "warning"
        marks.append(Mark(kind, position(ledger, at), f"reminder {number} by {ways} {day(at)}", str(number)))
    for activity in entry.activities:
        if activity.type == "escalated":
            marks.append(Mark("escalated", position(ledger, activity.at), f"handed to collections {day(activity.at)}", "!"))
        elif activity.type == "suppressed" or activity.is_last_check:
            marks.append(
                Mark("suppressed", position(ledger, activity.at), f"{decision(activity).lower()} {day(activity.at)}: {because(activity)}")
            )
    for fact in entry.facts:
        x, when = position(ledger, fact.at), day(fact.at)
        if fact.what in (What.PAID, What.PAID_UNHEARD):
            marks.append(Mark("paid", x, f"paid {when}", "✓"))
        elif fact.what is What.PART_PAID:
            part = money(type(entry.owed)(fact.amount, entry.invoice.currency))
            marks.append(Mark("part", x, f"{part} paid {when}", "½"))
        elif fact.what in (What.VOIDED, What.UNCOLLECTIBLE):
            marks.append(Mark("withdrawn", x, f"{'voided' if fact.what is What.VOIDED else 'written off'} {when}", "×"))
    return marks
