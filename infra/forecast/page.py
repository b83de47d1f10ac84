"""A forecast, or a difference, as one HTML file that needs no network and looks like the report of `dunning demo`."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import infra.demo.words as say
from dunning.domain.errors import Rejected
from dunning.domain.money import Money
from infra.forecast import words
from infra.forecast.difference import Change, Difference
from infra.forecast.shapes import Decision, Ending, Forecast, Message, Owed

MOST_CUSTOMERS = 1_000
"""A page that opens at once; the rest is counted in its sums, and stands in --json."""

_PAGES = (Path(__file__).parent / "pages", Path(say.__file__).parent / "pages")
_MOST_LABELS = 12
_DAY = timedelta(days=1)
_URGENCY = (Ending.ESCALATED, Ending.PLAN_ENDED, Ending.HELD, Ending.ON_PLAN, Ending.NOT_YET_ISSUED, Ending.WATCHED, Ending.PAID)
_TONES = {
    Ending.ESCALATED: "escalated",
    Ending.PLAN_ENDED: "escalated",
    Ending.HELD: "held",
    Ending.PAID: "paid",
    Ending.WATCHED: "withdrawn",
}
CHANGES = {
    Change.MORE: "hears more",
    Change.LESS: "hears less",
    Change.EARLIER: "earlier",
    Change.LATER: "later",
    Change.OTHERWISE: "otherwise",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign on a time line, at `x` per cent of the span."""

    x: float
    kind: str
    sign: str
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happens, in words; times are the customer's."""

    at: datetime
    when: str
    tone: str
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """One customer on the page."""

    name: str
    customer: str
    invoices: tuple[Owed, ...]
    owed: str
    ending: str
    tone: str
    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]

    @property
    def summary(self) -> str:
        """The time line in words, for who cannot see it."""
        return "; ".join(mark.label for mark in self.marks) or "nothing is sent"


@dataclass(frozen=True, slots=True)
class Bar:
    """What goes out in one week: counts, and heights in per cent of the busiest week's.

    `room`: whether its label has room in a `tight` window, only in a `roomy` one, or `never`.
    """

    label: str
    room: str
    counts: tuple[tuple[str, int, float], ...]
    total: int


def forecast_page(forecast: Forecast, title: str) -> str:
    """The page; the same forecast gives the same bytes."""
    rows = _rows(forecast)
    channels = Counter(message.channel for message in forecast.messages)
    return _render(
        "forecast.html.jinja",
        title=title,
        forecast=forecast,
        rows=rows[:MOST_CUSTOMERS],
        left_out=max(0, len(rows) - MOST_CUSTOMERS),
        customers=len(rows),
        days=(forecast.end - forecast.start).days,
        mails=channels["email"],
        texts=channels["sms"],
        notices=channels["team"],
        weeks=_weeks(forecast),
        ticks=_ticks(forecast),
        tiles=_tiles(forecast),
        steps=[(step, words.CHANNELS.get(channel, channel), count) for (step, channel), count in forecast.by_step.items()],
    )


def difference_page(difference: Difference) -> str:
    """The page of what changes from one policy to the other."""
    first, second = (", ".join(forecast.policies) for forecast in (difference.first, difference.second))
    return _render(
        "difference.html.jinja",
        title=f"{first} or {second}?",
        first=first,
        second=second,
        difference=difference,
        days=(difference.first.end - difference.first.start).days,
        unchanged=len(difference.first.invoices) - len(difference.changed),
        counts=[(CHANGES[change], difference.count(change)) for change in Change],
        changed=difference.changed[:MOST_CUSTOMERS],
        left_out=max(0, len(difference.changed) - MOST_CUSTOMERS),
        names=CHANGES,
        endings=[(words.ENDINGS[ending], before, after) for ending, before, after in difference.endings],
        channels=words.CHANNELS,
    )


def write_page(text: str, path: Path) -> None:
    """Write it. Raises Rejected when it cannot be written there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Rejected(f"{path} cannot be written ({error.strerror}): give a file in a folder that you may write to") from error


def _render(template: str, **values: object) -> str:
    environment = Environment(
        loader=FileSystemLoader(_PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"money": say.money, "long_day": say.long_day, "shift": words.shift}
    environment.globals |= {"when": words.when}
    return environment.get_template(template).render(**values)


def _rows(forecast: Forecast) -> list[Row]:
    """Customers, most urgent first, then by the number of messages."""
    owed, messages, decisions = _by_customer(forecast.invoices), _by_customer(forecast.messages), _by_customer(forecast.decisions)
    found = [_row(forecast, invoices, messages.get(customer, []), decisions.get(customer, [])) for customer, invoices in owed.items()]
    order = {words.ENDINGS[ending]: position for position, ending in enumerate(_URGENCY)}
    return sorted(found, key=lambda row: (order[row.ending], -len(row.marks), row.name))


T = TypeVar("T", Owed, Message, Decision)


def _by_customer(found: Iterable[T]) -> dict[str, list[T]]:
    by_customer: dict[str, list[T]] = defaultdict(list)
    for one in found:
        by_customer[one.customer].append(one)
    return by_customer


def _row(forecast: Forecast, invoices: Sequence[Owed], messages: Sequence[Message], decisions: Sequence[Decision]) -> Row:
    ending = min((owed.ending for owed in invoices), key=_URGENCY.index)
    lines = [_message_line(message) for message in messages] + [
        _decision_line(decision) for decision in decisions if decision.type not in ("enrolled", "escalated")
    ]
    return Row(
        name=invoices[0].name,
        customer=invoices[0].customer,
        invoices=tuple(invoices),
        owed=", ".join(say.money(money) for money in _sums(invoices)),
        ending=words.ENDINGS[ending],
        tone=_TONES.get(ending, "open"),
        marks=tuple(_marks(forecast, invoices, messages, decisions)),
        lines=tuple(sorted(lines, key=lambda line: line.at)),
    )


def _message_line(message: Message) -> Line:
    invoices = f"{words.numbers(message.items)}: {words.amounts(message)}"
    tone = "escalated" if message.channel == "team" else "reminder"
    title = f"{words.what(message)[:1].upper()}{words.what(message)[1:]}"
    return Line(message.at, words.when(message.at, message.timezone), tone, title, f"{invoices}. {words.reason(message.reason)}")


def _decision_line(decision: Decision) -> Line:
    later = f"; until {words.when(decision.later, decision.timezone)}" if decision.later else ""
    title = words.decided(decision)
    why = f"{', '.join(decision.numbers[:4])}: {words.why(decision)}{later}"
    tone = "paid" if decision.type == "paid" else "held" if decision.type == "held" else "quiet"
    return Line(decision.at, words.when(decision.at, decision.timezone), tone, title[:1].upper() + title[1:], why)


def _marks(forecast: Forecast, invoices: Sequence[Owed], messages: Sequence[Message], decisions: Sequence[Decision]) -> Iterable[Mark]:
    for due in sorted({owed.due_date for owed in invoices if owed.due_date}):
        at = datetime.combine(due, datetime.min.time(), tzinfo=forecast.start.tzinfo)
        if forecast.start <= at < forecast.end:
            yield Mark(_x(forecast, at), "due", "", f"due {say.long_day(at)}")
    seen: set[tuple[datetime, str]] = set()
    for message in messages:
        kind = "escalated" if message.channel == "team" else "reminder"
        if (message.at, kind) in seen:
            continue
        seen.add((message.at, kind))
        sign = "!" if kind == "escalated" else str(len(message.items))
        yield Mark(_x(forecast, message.at), kind, sign, f"{words.what(message)}, {words.when(message.at, message.timezone)}")
    for decision in decisions:
        if decision.type == "paid":
            yield Mark(_x(forecast, decision.at), "paid", "✓", f"paid, {words.when(decision.at, decision.timezone)}")


def _x(forecast: Forecast, at: datetime) -> float:
    return round((at - forecast.start) / (forecast.end - forecast.start) * 100, 2)


def _ticks(forecast: Forecast) -> list[tuple[float, str]]:
    days = (forecast.end - forecast.start).days
    step = max(1, round(days / 6))
    return [(_x(forecast, at), f"{at.day} {at:%b}") for at in (forecast.start + _DAY * day for day in range(0, days, step))]


def _weeks(forecast: Forecast) -> list[Bar]:
    """Messages by week from the start; by as many days as keep it to some thirty bars where the span is long."""
    days = max(1, (forecast.end - forecast.start).days)
    width = 1 if days <= 21 else 7 * max(1, -(-days // 210))
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for message in forecast.messages:
        counts[(message.at - forecast.start).days // width][message.channel] += 1
    busiest = max((found.total() for found in counts.values()), default=1)
    bars = -(-days // width)
    every = -(-bars // _MOST_LABELS)
    room = ["never" if number % every else "roomy" if number % (2 * every) else "tight" for number in range(bars)]
    return [_bar(forecast.start + _DAY * width * number, room[number], counts[number], busiest) for number in range(bars)]


def _bar(start: datetime, room: str, found: Counter[str], busiest: int) -> Bar:
    heights = tuple(
        (channel, found[channel], round(found[channel] / busiest * 100, 2)) for channel in ("team", "sms", "email") if found[channel]
    )
    return Bar(f"{start.day} {start:%b}", room, heights, found.total())


@dataclass(frozen=True, slots=True)
class Tile:
    """How many invoices stand so at the end, with their sums."""

    title: str
    count: int
    sums: tuple[Money, ...]
    tone: str


def _tiles(forecast: Forecast) -> list[Tile]:
    ended: dict[Ending, list[Owed]] = defaultdict(list)
    for owed in forecast.invoices:
        ended[owed.ending].append(owed)
    tones = {Ending.PAID: "collected", Ending.ESCALATED: "escalated"}
    return [
        Tile(words.ENDINGS[ending], len(ended[ending]), _sums(ended[ending]), tones.get(ending, "")) for ending in Ending if ended[ending]
    ]


def _sums(invoices: Iterable[Owed]) -> tuple[Money, ...]:
    sums: Counter[str] = Counter()
    for owed in invoices:
        sums[owed.money.currency] += owed.money.minor
    return tuple(Money(minor, currency) for currency, minor in sorted(sums.items()))
