"""A forecast, or a difference, in the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from infra.demo.words import long_day, money
from infra.forecast import words
from infra.forecast.difference import Change, Changed, Difference
from infra.forecast.shapes import Ending, Forecast
from infra.forecast.spreading import Watch

MOST_ROWS = 200
"""More is not read in a terminal; the page and JSON hold all."""

_TONES = {"email": "blue", "sms": "blue", "team": "bold red"}
_CHANGES = {
    Change.MORE: "hears more",
    Change.LESS: "hears less",
    Change.EARLIER: "earlier",
    Change.LATER: "later",
    Change.OTHERWISE: "otherwise",
}


@contextmanager
def progress(screen: Console, invoices: int, what: str) -> Iterator[Watch]:
    """A bar of invoices done, which begins (and with it its thread) when it is first told; silent where there is no terminal."""
    if not screen.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=36), TextColumn("{task.completed:.0f} of {task.total:.0f}"))
    bar = Progress(*columns, console=screen, transient=True)
    task = bar.add_task(what, total=invoices)

    def watch(done: int) -> None:
        bar.start()
        bar.update(task, completed=done)

    try:
        yield watch
    finally:
        bar.stop()


def show(screen: Console, forecast: Forecast) -> None:
    """What would go out and what would not, then totals per step and how the invoices end."""
    screen.print(
        Text(f"{len(forecast.invoices):,} invoices of {len({owed.customer for owed in forecast.invoices}):,} customers, {_span(forecast)}.")
    )
    screen.print(Text("Nothing is sent. Times are the customer's own.\n"))
    rows = [*_message_rows(forecast), *_decision_rows(forecast)]
    rows.sort(key=lambda row: row[0])
    table = _table("Who gets what", "when", "customer", "invoices", "what", "owed", "why")
    for _, cells in rows[:MOST_ROWS]:
        table.add_row(*cells)
    screen.print(table)
    if len(rows) > MOST_ROWS:
        screen.print(Text(f"… and {len(rows) - MOST_ROWS:,} more: --html and --json hold more.\n"))
    screen.print(_steps(forecast))
    screen.print(_endings(forecast))


def _message_rows(forecast: Forecast) -> Iterator[tuple[datetime, tuple[Text, ...]]]:
    for message in forecast.messages:
        cells = (
            words.when(message.at, message.timezone),
            message.name,
            words.numbers(message.items),
            words.what(message),
            words.amounts(message),
            words.reason(message.reason),
        )
        yield (
            message.at,
            tuple(Text(cell, style=_TONES.get(message.channel, "") if position == 3 else "") for position, cell in enumerate(cells)),
        )


def _decision_rows(forecast: Forecast) -> Iterator[tuple[datetime, tuple[Text, ...]]]:
    for decision in forecast.decisions:
        if decision.type in words.QUIET:
            continue
        later = f"; until {words.when(decision.later, decision.timezone)}" if decision.later else ""
        cells = (
            words.when(decision.at, decision.timezone),
            decision.name,
            ", ".join(decision.numbers[:4]),
            words.decided(decision),
            "",
            words.why(decision) + later,
        )
        yield decision.at, tuple(Text(cell, style="bright_black") for cell in cells)


def _steps(forecast: Forecast) -> Table:
    table = _table("Messages of each step", "step", "channel", "messages")
    for (step, channel), count in forecast.by_step.items():
        table.add_row(Text(step), words.CHANNELS.get(channel, channel), f"{count:,}")
    table.columns[2].justify = "right"
    return table


def _endings(forecast: Forecast) -> Table:
    table = _table(f"On {long_day(forecast.end)}", "invoices", "", "owed, each currency for itself")
    for ending in Ending:
        ended = [owed for owed in forecast.invoices if owed.ending is ending]
        if not ended:
            continue
        sums: dict[str, int] = {}
        for owed in ended:
            sums[owed.money.currency] = sums.get(owed.money.currency, 0) + owed.money.minor
        owed_in_words = ", ".join(money(type(ended[0].money)(minor, currency)) for currency, minor in sorted(sums.items()))
        table.add_row(words.ENDINGS[ending], f"{len(ended):,}", owed_in_words)
    table.columns[1].justify = "right"
    return table


def show_difference(screen: Console, difference: Difference) -> None:
    """Which invoices fare differently, and the totals per step."""
    first, second = (", ".join(forecast.policies) for forecast in (difference.first, difference.second))
    screen.print(Text(f"{len(difference.first.invoices):,} invoices, {_span(difference.first)}: first {first}, then {second}.\n"))
    table = _table("What changes", "invoice", "customer", "change", "first", "then")
    for one in difference.changed[:MOST_ROWS]:
        table.add_row(*(Text(cell) for cell in _changed_cells(one)))
    screen.print(table)
    if len(difference.changed) > MOST_ROWS:
        screen.print(Text(f"… and {len(difference.changed) - MOST_ROWS:,} more: --html and --json hold more.\n"))
    counts = ", ".join(f"{difference.count(change):,} {words_of}" for change, words_of in _CHANGES.items() if difference.count(change))
    screen.print(
        Text(f"{len(difference.first.invoices) - len(difference.changed):,} unchanged" + (f"; {counts}" if counts else "") + ".\n")
    )
    totals = _table("Messages of each step", "step", "channel", "first", "then")
    for total in difference.totals:
        totals.add_row(Text(total.step), words.CHANNELS.get(total.channel, total.channel), f"{total.before:,}", f"{total.after:,}")
    endings = _table("How the invoices end", "", "first", "then")
    for ending, before, after in difference.endings:
        endings.add_row(words.ENDINGS[ending], f"{before:,}", f"{after:,}")
    screen.print(totals)
    screen.print(endings)


def _changed_cells(one: Changed) -> tuple[str, ...]:
    moved = words.shift(one.shift)
    change = moved if moved and one.change in (Change.EARLIER, Change.LATER) else ", ".join(filter(None, (_CHANGES[one.change], moved)))
    told = [
        "; ".join(f"{occasion.step or occasion.kind} {words.when(occasion.at, occasion.timezone)}" for occasion in occasions) or "nothing"
        for occasions in (one.before, one.after)
    ]
    return one.invoice.number, one.invoice.name, change, *told


def _span(forecast: Forecast) -> str:
    return f"{long_day(forecast.start)} to {long_day(forecast.end)}"


def _table(title: str, *columns: str) -> Table:
    table = Table(*columns, title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        column.overflow = "fold"
    return table
