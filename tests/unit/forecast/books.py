"""Small books of invoices, and policies to run them through."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dunning.content.policy_book import PolicyBook
from infra.forecast.invoice_book import read_book
from infra.forecast.shapes import Forecast
from infra.forecast.spreading import run
from infra.policies.reading import read_policy

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
NAMES = "customer_id,customer_name,email,phone,country,invoice_number,currency,amount,issued_on,due_on,pays_on"
TEAMS = frozenset({"collections"})
STANDARD = Path("shared/dunning/content/policies/standard.yaml")


def csv_of(folder: Path, *rows: str, names: str = NAMES) -> Path:
    path = folder / "invoices.csv"
    path.write_text("\n".join((names, *rows)), encoding="utf-8")
    return path


def standard() -> PolicyBook:
    policy = read_policy(STANDARD, TEAMS)
    return PolicyBook.of({policy.name: policy})


def plan(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(f"name: {name}\n{text}", encoding="utf-8")
    return path


def forecast_of(folder: Path, *rows: str, days: int = 60, book: PolicyBook | None = None, names: str = NAMES) -> Forecast:
    invoices = read_book(csv_of(folder, *rows, names=names), START)
    return run(invoices, book or standard(), START, START + timedelta(days=days))


def told(forecast: Forecast) -> Sequence[tuple[str, str, str | None, str]]:
    """When (UTC), by what, which step, to whom."""
    return [(f"{message.at:%m-%d %H:%M}", message.channel, message.step, message.to) for message in forecast.messages]
