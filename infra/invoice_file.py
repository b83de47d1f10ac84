"""Invoices in a CSV file, as a person writes them: one row an invoice. Every row is read, and all that is wrong with them is told at once.

The file is UTF-8 with or without a byte order mark; columns are parted by commas, semicolons or tabs, in any order, under a row of names.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from dunning.content.suggestions import did_you_mean
from dunning.domain.errors import Rejected
from dunning.domain.invoice import Snapshot, Status
from infra.customer_columns import compared, contact_in, is_of_customer
from infra.invoice_cells import NO_READERS, READERS, REQUIRED, YES, Cell, CellError, Numbers, Readers, money, reader_of_contact, tags_of

SOURCE = "manual"
_DELIMITERS = ",;\t"
_MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where: the line in the file (the names' row is 1, or 2 behind Excel's `sep=`), the column, the remedy."""

    line: int
    column: str | None
    message: str
    unit: str = "line"

    def __str__(self) -> str:
        """As one line of text."""
        place = f"{self.unit} {self.line}"
        return f"{place}, {self.column}: {self.message}" if self.column else f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One good row, as a snapshot of the source `manual`: amounts in minor units, `due` a calendar date. `also`: its further columns.

    `says_what_is_owed`: it has an amount_due; otherwise the snapshot's is the whole amount.
    """

    line: int
    snapshot: Snapshot
    also: Mapping[str, Cell] = field(default_factory=dict)
    says_what_is_owed: bool = True

    @property
    def customer(self) -> str:
        """The full id of who owes."""
        return self.snapshot.customer


@dataclass(frozen=True, slots=True)
class InvoiceFile:
    """What a file holds: its columns, its good rows in the file's order, and what is wrong with the others."""

    name: str
    rows: tuple[InvoiceRow, ...]
    problems: tuple[Problem, ...] = field(default=())
    columns: tuple[str, ...] = ()

    def all_good(self) -> tuple[InvoiceRow, ...]:
        """The rows, if there is any and nothing is wrong with the file. Raises Rejected that lists every problem otherwise."""
        if self.problems:
            raise Rejected(f"{self.name} has {_count(len(self.problems), 'problem')}; nothing was changed:\n{self.told()}")
        if not self.rows:
            raise Rejected(f"{self.name} holds no invoice: write one row for each below the row of column names")
        return self.rows

    def told(self) -> str:
        """The problems, a line each; of very many the first hundred."""
        shown = [f"  {problem}" for problem in self.problems[:_MOST_SHOWN]]
        more = [f"  … and {len(self.problems) - _MOST_SHOWN} more"] if len(self.problems) > _MOST_SHOWN else []
        return "\n".join([*shown, *more])


def read_invoice_file(path: Path, now: datetime, *, decimal_comma: bool = False, also: Readers = NO_READERS) -> InvoiceFile:
    """The invoices in a file, seen at `now` (UTC). Raises Rejected when it cannot be read at all, or has no usable row of names.

    `decimal_comma`: amounts are written 1234,50 instead of 1234.50. `also`: columns that may be there beside the usual ones.
    """
    try:
        raw = path.read_bytes()
    except OSError as exc:
        raise Rejected(f"{path} cannot be read: {exc.strerror}") from exc
    return read_invoices(raw, path.name, now, decimal_comma=decimal_comma, also=also)


def read_invoices(raw: bytes, name: str, now: datetime, *, decimal_comma: bool = False, also: Readers = NO_READERS) -> InvoiceFile:
    """As `read_invoice_file`, from a file's bytes."""
    rows = Rows(raw, name, f"its first line names the columns ({', '.join(REQUIRED)}, …)")
    numbers = Numbers.DECIMAL_COMMA if decimal_comma else Numbers.DECIMAL_POINT
    if rows.delimiter == ";" and not decimal_comma:
        numbers = Numbers.UNSAID
    table = InvoiceTable(name, rows.first, numbers, now, also)
    for line, cells in rows:
        if line == rows.first:
            table.names(cells)
        else:
            table.row(line, cells)
    return table.read()


class Rows:
    """A file's rows with the number of the line each ends on; the row of names, line `first`, tells what parts their cells.

    Raises Rejected for what is empty, no UTF-8, or quoted wrongly. `wanted`: what an empty file lacks.
    """

    def __init__(self, raw: bytes, name: str, wanted: str) -> None:
        self._name = name
        self._lines, self.first = _lines(decoded(raw, name))
        if not self._lines:
            raise Rejected(f"{name} is empty: {wanted}")
        self.delimiter = max(_DELIMITERS, key=self._lines[0].count)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        reader, width = csv.reader(io.StringIO("".join(self._lines)), delimiter=self.delimiter, strict=True), 0
        try:
            for number, cells in enumerate(reader):
                # A spreadsheet writes empty columns at the end where there was something once.
                while len(cells) > width and not cells[-1].strip():
                    cells.pop()
                width = width or len(cells)
                yield (self.first if number == 0 else self.first + reader.line_num - 1), cells
        except csv.Error as exc:
            line = self.first + reader.line_num - 1
            raise Rejected(f"{self._name}, line {line}: {exc}; check the quotation marks in and before this line") from exc


def column_name(cell: str) -> str:
    """A column's name as it is compared: `Invoice Number` is `invoice_number`."""
    return cell.strip().lower().replace(" ", "_")


def decoded(raw: bytes, name: str) -> str:
    """A file's text. Raises Rejected when it is not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = raw.count(b"\n", 0, exc.start) + 1
        raise Rejected(f"{name}, line {line}: this is not UTF-8; in Excel save it as “CSV UTF-8 (Comma delimited)”") from exc


def _lines(text: str) -> tuple[list[str], int]:
    """The lines from the row of names on, and its number: Excel may put `sep=;` before it, and on a Mac end lines with CR alone."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").splitlines(keepends=True)
    if lines and lines[0].lower().startswith("sep="):
        return lines[1:], 2
    return lines, 1


class InvoiceTable:
    """Rows as they are read, one after the other, with what must agree between them. `unit`: what a row's number counts."""

    def __init__(self, name: str, first: int, numbers: Numbers, now: datetime, also: Readers = NO_READERS, unit: str = "line") -> None:
        self._unit = unit
        self._readers = {**READERS, **also}
        self._also = also.keys()
        self._name, self._first, self._numbers, self._now = name, first, numbers, now
        self._columns: list[str] = []
        self._seen: dict[str, int] = {}
        self._contacts: dict[str, tuple[int, dict[str, str]]] = {}
        self._good: list[tuple[int, dict[str, Cell]]] = []
        self.problems: list[Problem] = []

    def names(self, cells: Sequence[str]) -> None:
        """Take the row of names. Raises Rejected: without it no row means anything."""
        self._columns = [column_name(cell) for cell in cells]
        place = f"{self._name}, {self._unit} {self._first}"
        for column in self._columns:
            reader = self._readers.get(column) or reader_of_contact(column)
            if reader is not None:
                self._readers[column] = reader
            else:
                raise Rejected(f"{place}: no column {column!r} is known{did_you_mean(column, self._readers)}")
            if self._columns.count(column) > 1:
                raise Rejected(f"{place}: the column {column} is there twice; remove one")
        missing = [column for column in REQUIRED if column not in self._columns]
        if missing:
            raise Rejected(f"{place}: no column {', '.join(missing)}; add it")

    def row(self, line: int, cells: Sequence[str]) -> None:
        """Take one row: it becomes an invoice, or at least one problem. Rows without any text are left out."""
        if not any(cell.strip() for cell in cells):
            return
        if len(cells) != len(self._columns):
            hint = "; put text that holds the delimiter into quotation marks" if len(cells) > len(self._columns) else ""
            self._note(line, None, f"{len(cells)} cells for {len(self._columns)} columns{hint}")
            return
        before = len(self.problems)
        written = {column: cell.replace("\u00a0", " ").strip() for column, cell in zip(self._columns, cells, strict=True)}
        values = self._values(line, written)
        self.problems += self._disagreements(line, values)
        if len(self.problems) == before:
            self._good.append((line, values))

    def read(self) -> InvoiceFile:
        """What the rows say, once all were taken."""
        return InvoiceFile(self._name, tuple(self._invoices()), tuple(self.problems), tuple(self._columns))

    def _invoices(self) -> Iterator[InvoiceRow]:
        for line, values in self._good:
            also = {column: values[column] for column in self._also if column in values}
            yield InvoiceRow(line, self._snapshot(values), also, "amount_due" in values)

    def _note(self, line: int, column: str | None, message: str) -> None:
        self.problems.append(Problem(line, column, message, self._unit))

    def _values(self, line: int, written: Mapping[str, str]) -> dict[str, Cell]:
        values: dict[str, Cell] = {}
        for column, reader in self._readers.items():
            text = written.get(column, "")
            try:
                if text:
                    values[column] = reader(text, values)
                elif column in REQUIRED:
                    raise CellError("nothing is written here, and it is needed")
            except CellError as exc:
                self._note(line, column, str(exc))
        for column in ("amount", "amount_due"):
            if written.get(column) and "currency" in values:
                try:
                    values[column] = money(written[column], str(values["currency"]), self._numbers)
                except CellError as exc:
                    self._note(line, column, str(exc))
                    values.pop(column, None)
        return values

    def _disagreements(self, line: int, values: Mapping[str, Cell]) -> Iterator[Problem]:
        number, amount, due = str(values.get("invoice_number", "")), values.get("amount"), values.get("amount_due")
        if number and (twice := self._seen.setdefault(number, line)) != line:
            yield Problem(line, "invoice_number", f"{number} stands in {self._unit} {twice} already", self._unit)
        if isinstance(amount, int) and isinstance(due, int) and due > amount:
            yield Problem(line, "amount_due", "more is owed than the invoice is for; correct amount or amount_due", self._unit)
        issued, due_on = values.get("issued_on"), values.get("due_on")
        if isinstance(issued, datetime) and isinstance(due_on, datetime) and due_on < issued:
            yield Problem(line, "due_on", f"{due_on:%Y-%m-%d} lies before {issued:%Y-%m-%d}, when it was issued; correct one", self._unit)
        yield from self._other_contact(line, values)

    def _other_contact(self, line: int, values: Mapping[str, Cell]) -> Iterator[Problem]:
        """One customer is reached in one way: what a row leaves out is taken from the customer's other rows."""
        if "customer_id" not in values:
            return
        known_line, known = self._contacts.setdefault(str(values["customer_id"]), (line, {}))
        for column in filter(is_of_customer, self._columns):
            value = values.get(column)
            if value is not None and compared(column, known.setdefault(column, str(value))) != compared(column, str(value)):
                yield Problem(
                    line, column, f"this customer's differs from the one in {self._unit} {known_line} or below; write it alike", self._unit
                )

    def _snapshot(self, values: Mapping[str, Cell]) -> Snapshot:
        customer_id, total = str(values["customer_id"]), values["amount"]
        due, issued, due_on = values.get("amount_due", total), values.get("issued_on"), values["due_on"]
        if not (isinstance(total, int) and isinstance(due, int) and isinstance(due_on, datetime)):
            raise TypeError("a row was taken without its amounts and dates")
        return Snapshot(
            source=SOURCE,
            customer=f"{SOURCE}:{customer_id}",
            invoice_id=str(values["invoice_number"]),
            number=str(values["invoice_number"]),
            status=Status.OPEN if due > 0 else Status.PAID,
            currency=str(values["currency"]),
            total=total,
            amount_due=due,
            due=due_on.date(),
            issued_at=issued if isinstance(issued, datetime) else None,
            stamp=self._now,
            payment_url=str(values["payment_url"]) if "payment_url" in values else None,
            contact=contact_in(self._contacts[customer_id][1], self._columns),
            subscription=values.get("subscription") == YES,
            tags=tags_of(str(values.get("tags", ""))) if "tags" in self._columns else None,
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
