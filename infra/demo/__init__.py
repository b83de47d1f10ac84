"""`dunning demo`: twenty sample invoices through sixty virtual days, told as a table and as a report."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from infra.demo.ledger import Ledger

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAYS = 60
COMPANY = "Larkfield Supply"


def run(out: Path) -> int:
    """Play the samples, print the time line, write `out/index.html`; the exit status. Every run gives the same report."""
    from infra.demo.console import console, progress
    from infra.demo.drive import drive

    screen = console()
    with progress(screen, START, DAYS) as watch:
        ledger = drive(START, DAYS, watch)
    publish(ledger, out, screen)
    return 0


def publish(ledger: "Ledger", out: Path, screen: "Console") -> None:
    """Write the report to `out/index.html`, and print the table."""
    from infra.demo.console import show
    from infra.demo.report import render

    out.mkdir(parents=True, exist_ok=True)
    report = out / "index.html"
    report.write_text(render(ledger, COMPANY), encoding="utf-8")
    show(screen, ledger, COMPANY, report)
