"""All invoices' stories as one list in the order of time: decisions and what came from outside. Pure."""

from dataclasses import dataclass
from datetime import datetime

from infra.demo import words
from infra.demo.ledger import Entry, Ledger
from infra.demo.shapes import Activity, Message
from infra.samples.book import What
from infra.samples.story import Fact

_TONES = {
    "escalated": "escalated",
    "held": "held",
    "released": "held",
    "suppressed": "quiet",
    "skipped": "quiet",
    "paid": "paid",
    "partly_paid": "paid",
    "sent": "reminder",
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an invoice. `ours`: a decision of the system, with its reason; otherwise a fact from outside."""

    at: datetime
    number: str
    customer: str
    what: str
    why: str | None
    tone: str
    ours: bool
    messages: tuple[Message, ...] = ()


def timetable(ledger: Ledger) -> list[Event]:
    """Everything, oldest first; at the same instant in the order of the book."""
    return sorted((event for entry in ledger.entries for event in story(entry)), key=lambda event: (event.at, event.number))


def story(entry: Entry) -> list[Event]:
    """One invoice's events, oldest first: at the same instant the fact comes before what was decided upon it."""
    events = [_fact(entry, fact) for fact in entry.facts]
    waiting = list(entry.messages)
    for activity in entry.activities:
        sent = [message for message in waiting if message.sent_at == activity.at] if activity.type in ("sent", "escalated") else []
        waiting = [message for message in waiting if message not in sent]
        events.append(_decision(entry, activity, tuple(sent)))
    events.extend(_unexplained(entry, message) for message in waiting)
    return sorted(events, key=lambda event: event.at)


def _fact(entry: Entry, fact: Fact) -> Event:
    paid = fact.what in (What.PAID, What.PAID_UNHEARD, What.PART_PAID)
    return _event(entry, fact.at, words.happening(fact, entry), None, "paid" if paid else "outside", ours=False)


def _decision(entry: Entry, activity: Activity, sent: tuple[Message, ...]) -> Event:
    what = words.decision(activity, sent)
    return _event(entry, activity.at, what, words.because(activity), _tone(activity), ours=True, messages=sent)


def _tone(activity: Activity) -> str:
    return "quiet" if activity.is_last_check else _TONES.get(activity.type, "plain")


def _unexplained(entry: Entry, message: Message) -> Event:
    """A message for which no decision was logged is shown all the same: nothing is hidden."""
    return _event(entry, message.sent_at, f"{words.CHANNELS[message.channel]} sent", None, "reminder", ours=True, messages=(message,))


def _event(entry: Entry, at: datetime, what: str, why: str | None, tone: str, *, ours: bool, messages: tuple[Message, ...] = ()) -> Event:
    return Event(at, entry.sample.number, entry.sample.customer.name, what, why, tone, ours, messages)
