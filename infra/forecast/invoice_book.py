"""The invoices of a forecast: a file as `dunning import` takes it, or the same as JSON, with a few columns more.

They say when the customer pays, and what else a policy's conditions may ask of an invoice or its customer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from dunning.domain.errors import Rejected
from dunning.domain.invoice import Snapshot
from infra.invoice_cells import YES, Cell, CellError, Numbers, Readers, a_yes_or_no
from infra.invoice_file import InvoiceFile, InvoiceRow, InvoiceTable, read_invoices
from infra.policies.reading import read_bytes

MOST_BYTES = 200_000_000
PAYS_ON = ("pays_on", "paid_at")
"""Two names of one column."""

_MIDNIGHT = 10
_SOURCES = ("manual", "stripe", "quickbooks", "xero")


def read_book(path: Path, now: datetime, *, decimal_comma: bool = False) -> tuple[InvoiceRow, ...]:
    """The invoices of a .csv or .json file, seen at `now` (UTC). Raises Rejected that tells all that is wrong, each with its place."""
    raw = read_bytes(path, MOST_BYTES, "a file of invoices")
    if path.suffix.lower() == ".json":
        return _completed(_read_entries(raw, path.name, now).all_good())
    if path.suffix.lower() != ".csv":
        raise Rejected(f"{path} is neither .csv nor .json: save the invoices as one of them")
    return _completed(read_invoices(raw, path.name, now, decimal_comma=decimal_comma, also=ALSO).all_good())


def _completed(rows: Sequence[InvoiceRow]) -> tuple[InvoiceRow, ...]:
    return tuple(replace(row, snapshot=_seen(row.snapshot, row.also)) for row in rows)


def _seen(snapshot: Snapshot, also: Mapping[str, Cell]) -> Snapshot:
    """The invoice with what the further columns say of it."""
    source = str(also.get("source", snapshot.source))
    return replace(
        snapshot,
        source=source,
        customer=f"{source}:{snapshot.customer.partition(':')[2]}",
        collects_automatically=also.get("charged_automatically") == YES,
    )


def pays_at(row: InvoiceRow) -> str | None:
    """When the customer pays, as it is written: a calendar date, or an instant in UTC."""
    written = next((row.also[name] for name in PAYS_ON if name in row.also), None)
    return None if written is None else str(written)


def _moment(text: str, _values: Mapping[str, Cell]) -> str:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or (len(text) > _MIDNIGHT and at.tzinfo is None):
        raise CellError(f"{text!r} is no date; write year-month-day, as 2026-03-31, or an instant, as 2026-03-31T14:30:00Z")
    return at.date().isoformat() if len(text) <= _MIDNIGHT else at.astimezone(UTC).isoformat()


def _source(text: str, _values: Mapping[str, Cell]) -> str:
    if text not in _SOURCES:
        raise CellError(f"{text!r} is no source; write {', '.join(_SOURCES)}, or leave it empty")
    return text


ALSO: Readers = {
    **dict.fromkeys(PAYS_ON, _moment),
    "charged_automatically": a_yes_or_no,
    "source": _source,
}


def _read_entries(raw: bytes, name: str, now: datetime) -> InvoiceFile:
    try:
        document = json.loads(raw.decode("utf-8-sig"), parse_float=Decimal)
    except UnicodeDecodeError as error:
        raise Rejected(f"{name}, line {raw.count(10, 0, error.start) + 1}: this is not UTF-8; save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise Rejected(f"{name} is not JSON ({error}): write a list of objects, one for each invoice") from error
    if not isinstance(document, list) or not all(isinstance(entry, dict) for entry in document):
        raise Rejected(f"{name} is not a list of objects: write one for each invoice, with the columns of a CSV file as names")
    names = list(dict.fromkeys(key for entry in document for key in entry))
    table = InvoiceTable(name, 1, Numbers.DECIMAL_POINT, now, ALSO, unit="entry")
    if document:
        table.names(names)
    for position, entry in enumerate(document, 1):
        table.row(position, [_cell(entry.get(key)) for key in names])
    return table.read()


def _cell(value: object) -> str:
    """As it would stand in a CSV file; what is no plain value shows as JSON, and is refused by the column."""
    if value is None:
        return ""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ";".join(value)
    return str(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else json.dumps(value, default=str)
