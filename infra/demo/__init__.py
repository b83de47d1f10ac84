"""`dunning demo`: twenty sample invoices through sixty virtual days, told as a table and as a report."""

from datetime import UTC, datetime
from pathlib import Path

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAYS = 60
COMPANY = "Larkfield Supply"


def run(out: Path) -> int:
    """Play the samples, print the time line, write `out/index.html`; the exit status. Every run gives the same report."""
    from infra.demo.console import console, progress, show
    from infra.demo.drive import drive
    from infra.demo.report import render

    screen = console()
    with progress(screen, START, DAYS) as watch:
        ledger = drive(START, DAYS, watch)
    out.mkdir(parents=True, exist_ok=True)
    report = out / "index.html"
    report.write_text(render(ledger, COMPANY), encoding="utf-8")
    show(screen, ledger, COMPANY, report)
    return 0
