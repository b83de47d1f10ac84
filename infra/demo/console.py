"""What the terminal shows: progress while time runs, then the time line as a table."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from infra.demo import words
from infra.demo.ledger import Entry, Ledger
from infra.demo.shapes import Message, Watcher
from infra.demo.timetable import Event, timetable

WIDTH = 100
WIDEST = 120
_STYLES = {
    "reminder": "blue",
    "escalated": "bold red",
    "held": "magenta",
    "paid": "green",
    "quiet": "bright_black",
    "outside": "bright_black",
}


def console() -> Console:
    """The terminal, of which lines longer than are easily read are not used; a pipe or a file gets plain text of a fixed width."""
    terminal = Console()
    if terminal.is_terminal:
        return Console(width=min(terminal.width, WIDEST), highlight=False)
    return Console(width=WIDTH, color_system=None, highlight=False)


@contextmanager
def progress(screen: Console, start: datetime, days: int) -> Iterator[Watcher]:
    """A bar with the virtual date and the messages so far; silent where there is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=36), TextColumn("{task.fields[sent]}"))
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(words.day(start), total=days, sent="")

        def watch(at: datetime, outbox: tuple[Message, ...]) -> None:
            sent = f"{len(outbox)} {'message' if len(outbox) == 1 else 'messages'}" if outbox else "no message yet"
            bar.update(task, completed=(at - start) // timedelta(days=1), description=f"{words.day(at):<10}", sent=sent)

        yield watch


def show(screen: Console, ledger: Ledger, company: str, report: Path) -> None:
    """The time line, how each invoice ended, the money, and where the report is."""
    screen.print(f"{company}: {len(ledger.entries)} invoices through {ledger.days} virtual days. Times are UTC.\n")
    screen.print(_time_line(timetable(ledger)))
    screen.print()
    screen.print(_endings(ledger))
    screen.print()
    screen.print(_money(ledger))
    screen.print(f"\nThe report, with every message as the customer sees it: {report}", soft_wrap=True)


def _table(title: str, *columns: str) -> Table:
    table = Table(*columns, title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    table.columns[0].no_wrap = True
    for column in table.columns:
        column.overflow = "fold"
    return table


def _time_line(events: list[Event]) -> Table:
    table = _table("What happened when, to whom, and why", "when", "invoice", "customer", "what", "why")
    table.columns[1].no_wrap = True
    table.columns[2].ratio, table.columns[3].ratio, table.columns[4].ratio = 4, 5, 6
    day = ""
    for (at, number), together in groupby(events, key=lambda event: (event.at, event.number)):
        first, *rest = together
        today = words.day(at)
        when = f"{today if today != day else '':<10} {at:%H:%M}"
        day = today
        table.add_row(when, number, first.customer, Text(first.what, style=_STYLES.get(first.tone, "")), _because(first, rest))
    return table


def _because(first: Event, rest: list[Event]) -> str:
    """The reason of a decision; what was decided upon a fact from outside."""
    reasons = [first.why] if first.why else []
    return "; ".join(reasons + [f"{event.what}: {event.why}" if event.why else event.what for event in rest])


def _endings(ledger: Ledger) -> Table:
    table = _table("How each invoice ended", "invoice", "customer", "owed", "still due", "reminders", "ending")
    for column in (2, 3, 4):
        table.columns[column].justify = "right"
    for entry in ledger.entries:
        table.add_row(*_ending(entry))
    return table


def _ending(entry: Entry) -> tuple[str, ...]:
    still = words.figure(entry.still_due) if entry.still_due.minor else ""
    return (
        entry.sample.number,
        entry.sample.customer.name,
        words.money(entry.owed),
        still,
        str(len(entry.reminders) or ""),
        words.ending(entry),
    )


def _money(ledger: Ledger) -> Table:
    table = _table(
        "The money, each currency for itself", "", "owed", "paid unasked", "after reminder", "still open", "collections", "withdrawn"
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for row in ledger.figures():
        amounts = (row.owed, row.paid_unasked, row.collected, row.still_open, row.escalated, row.withdrawn)
        table.add_row(row.currency, *(words.figure(amount) if amount.minor else "" for amount in amounts))
    return table
