"""The command's work: read what it names, run it, show it."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from dunning.content.policy_book import PolicyBook
from dunning.domain.errors import Permanent, Rejected
from infra.demo.console import console
from infra.forecast import fitting
from infra.forecast.as_json import difference_row, forecast_row
from infra.forecast.difference import difference
from infra.forecast.invoice_book import read_book
from infra.forecast.page import difference_page, forecast_page, write_page
from infra.forecast.shapes import Forecast
from infra.forecast.spreading import run
from infra.forecast.terminal import progress, show, show_difference
from infra.invoice_file import InvoiceRow
from infra.policies import reading


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be forecast: files, the span, and the teams that policies may name."""

    invoices: Path
    policy: Path
    against: Path | None
    start: datetime
    days: int
    teams: frozenset[str]
    decimal_comma: bool = False


def report(request: Request, *, as_json: bool, page: Path | None = None) -> int:
    """Print a table, or JSON, or write a page. Raises Rejected for what cannot be read or written."""
    invoices = read_book(request.invoices, request.start, decimal_comma=request.decimal_comma)
    if not any(row.snapshot.contact.email for row in invoices):
        print(f"{request.invoices} names no mail address: every customer is taken to have one.", file=sys.stderr)
    books = [(path.stem, reading.read_book(path, request.teams)) for path in (request.policy, request.against) if path]
    for _, book in books:
        if unfit := fitting.unfitting(invoices, book, request.start):
            print(fitting.told(book.default.name, unfit, len(invoices)), file=sys.stderr)
    first, *others = [_forecast(request, invoices, name, book) for name, book in books]
    second = others[0] if others else None
    if as_json:
        row = difference_row(difference(first, second)) if second else forecast_row(first)
        print(json.dumps(row, ensure_ascii=False, indent=2))
        return 0
    screen = console()
    if page:
        write_page(difference_page(difference(first, second)) if second else forecast_page(first, request.invoices.stem), page)
        screen.print(f"The forecast is in {page}", soft_wrap=True, markup=False)
        return 0
    if second:
        show_difference(screen, difference(first, second))
    else:
        show(screen, first)
    return 0


def _forecast(request: Request, invoices: Sequence[InvoiceRow], name: str, book: PolicyBook) -> Forecast:
    with progress(console(), len(invoices), f"{request.days} days of {name}") as watch:
        try:
            return run(invoices, book, request.start, request.start + timedelta(days=request.days), watch)
        except Permanent as error:
            raise Rejected(str(error)) from error
