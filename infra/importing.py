"""`dunning import` and `dunning paid`: invoices from a file into a deployed stack, or into a running local cloud."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from dunning.bootstrap import Platform
from dunning.bootstrap.manual import import_invoices
from dunning.domain.errors import Rejected
from dunning.workflow.import_invoices import CustomerChange, NotRecorded
from infra.customer_columns import columns_changed, settings_named
from infra.invoice_file import Rows, column_name, read_invoices

_MOST_SHOWN = 10


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is read, and what its gaps mean. `skip_bad`: take the good rows; `complete`: what is missing was paid."""

    decimal_comma: bool = False
    skip_bad: bool = False
    complete: bool = False

    def as_json(self) -> dict[str, bool]:
        """By name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file: invoice numbers, what was wrong with the rows that were left out, and what is new of customers.

    `not_recorded`: the customers over whom it failed, with their invoices and the reason.
    """

    new: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    paid: tuple[str, ...]
    problems: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    not_recorded: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Plain lists."""
        return {name: list(value) for name, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class Importer:
    """Works on a platform whose `env` is that of any of the stack's functions."""

    platform: Platform

    def __call__(self, raw: bytes, name: str, options: ImportOptions) -> ImportReport:
        """Import a file's invoices. Raises Rejected, and changes nothing, when one row is bad and `skip_bad` is not given."""
        file = read_invoices(raw, name, self.platform.clock(), decimal_comma=options.decimal_comma)
        if options.complete and file.problems:
            raise Rejected(f"{name}: what is missing cannot count as paid while rows are bad; mend them first:\n{file.told()}")
        rows = file.rows if options.skip_bad else file.all_good()
        snapshots, named = [row.snapshot for row in rows], settings_named(file.columns)
        totals_only = frozenset(row.snapshot.invoice_id for row in rows if not row.says_what_is_owed)
        done = import_invoices(self.platform)(snapshots, complete=options.complete, named=named, totals_only=totals_only)
        problems, customers = map(str, file.problems), map(_told_of, done.customers)
        failed = _told_of_failures(done.not_recorded)
        return ImportReport(done.new, done.changed, done.unchanged, done.paid, tuple(problems), tuple(customers), failed)

    def paid(self, numbers: Sequence[str]) -> ImportReport:
        """Record that these invoices were paid in full. Raises Rejected, and changes nothing, when one is not known."""
        done = import_invoices(self.platform).paid(tuple(dict.fromkeys(numbers)))
        return ImportReport(done.new, done.changed, done.unchanged, done.paid, not_recorded=_told_of_failures(done.not_recorded))


def _told_of(change: CustomerChange) -> str:
    """As "anna: do_not_chase, contact_manager": the columns whose word is new."""
    return f"{change.customer.partition(':')[2]}: {', '.join(columns_changed(change.before, change.after))}"


def _told_of_failures(failures: Sequence[NotRecorded]) -> tuple[str, ...]:
    """As "anna (R-1, R-2): row … cannot be read": one for each reason, which all may share who cannot be written."""
    by_reason = dict[str, list[str]]()
    for each in failures:
        by_reason.setdefault(each.reason, []).append(f"{each.customer.partition(':')[2]} ({_shown(each.invoices, ', ')})")
    return tuple(f"{_shown(customers, ', ')}: {reason}" for reason, customers in by_reason.items())


def _shown(found: Sequence[str], between: str) -> str:
    return between.join(found[:_MOST_SHOWN]) + (f"{between}…" if len(found) > _MOST_SHOWN else "")


def invoice_numbers(raw: bytes, name: str) -> list[str]:
    """The numbers in a file with the column invoice_number. Raises Rejected naming the line: a cell too many shifts all behind it."""
    rows = Rows(raw, name, "write invoice_number above the numbers")
    names, place, found = list[str](), 0, list[str]()
    for line, cells in rows:
        if line == rows.first:
            names = [column_name(cell) for cell in cells]
            if names.count("invoice_number") != 1:
                raise Rejected(f"{name}, line {line}: name one column invoice_number, above the numbers")
            place = names.index("invoice_number")
        elif any(cell.strip() for cell in cells):
            if len(cells) != len(names):
                hint = "put text that holds the delimiter into quotation marks"
                raise Rejected(f"{name}, line {line}: {len(cells)} cells for {len(names)} columns; {hint}")
            if not cells[place].strip():
                raise Rejected(f"{name}, line {line}, invoice_number: nothing is written here; write the number, or remove the row")
            found.append(cells[place].strip())
    return found


def report_of(answer: object) -> ImportReport:
    """A report as a local cloud told it."""
    told = answer if isinstance(answer, dict) else {}
    lists = (told.get(name, []) for name in ("new", "changed", "unchanged", "paid", "problems", "customers", "not_recorded"))
    return ImportReport(*(tuple(map(str, found)) for found in lists))


def print_report(report: ImportReport) -> int:
    """A paragraph for each outcome, a line for each row that was left out, or reason why some were not recorded.

    Exit status 1 when there are such.
    """
    from rich.console import Console

    console = Console(highlight=False)
    customers = "customer" if len(report.customers) == 1 else "customers"
    outcomes = (("new", report.new), ("changed", report.changed), ("paid", report.paid), ("as before", report.unchanged))
    told = [(name, numbers, ", ") for name, numbers in outcomes if numbers]
    told += [(customers, report.customers, "; ")] if report.customers else []
    for name, found, between in told:
        shown = _shown(found, between)
        begins = f"{len(found):5} {name:10} "
        indented = textwrap.TextWrapper(console.width, begins, " " * len(begins), break_on_hyphens=False, break_long_words=False)
        console.print(indented.fill(shown), markup=False, soft_wrap=True)
    if (report.problems or report.not_recorded) and not told:
        console.print("nothing was taken")
    for problem in report.problems:
        console.print(f"left out: {problem}", markup=False, soft_wrap=True)
    for failure in report.not_recorded:
        console.print(f"not recorded: {failure}", markup=False, soft_wrap=True)
    if report.not_recorded:
        console.print("Then give the same command again: what was recorded stays as it is.")
    return int(bool(report.problems or report.not_recorded))
