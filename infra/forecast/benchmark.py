"""How long a forecast takes, and whether its cost for each invoice stays the same: `python -m infra.forecast.benchmark [invoices]`.

Prints the time, and the CPU time of all processes, for a tenth of the invoices and for all of them (10,000 unless told), over ninety
days on a plan with a calendar, windows, gaps and five steps.
"""

import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.invoice import Contact, Snapshot, Status
from infra.forecast.spreading import run
from infra.invoice_file import InvoiceRow

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAYS = 90
_PLACES = (("DE", "EUR"), ("GB", "GBP"), ("US", "USD"), ("JP", "JPY"), ("FR", "EUR"), ("KW", "KWD"))
POLICY = """
name: benchmark
timezone: Europe/London
calendar: GB
scope: customer
min_gap: 1d
max_messages: {count: 3, per: 7d}
send_window: {email: "08:30-17:30", sms: "10:00-19:00"}
steps:
  - {id: upcoming, at: {before_due: 3d, time: "09:00"}, email: upcoming}
  - {id: first, at: {after_due: 7d, time: "09:00"}, email: friendly}
  - {id: second, at: {after_previous: 48h}, if: "not replied", email: second_notice, sms: second_notice}
  - {id: third, at: {after_previous: 5bd, time: "09:00"}, if: "amount_due > 100", email: second_notice}
  - {id: escalate, at: {after_previous: 72h}, escalate: {team: collections}}
"""


def book() -> PolicyBook:
    """The plan that is run."""
    policy = load_policy(POLICY, "benchmark.yaml", frozenset({"collections"}))
    return PolicyBook.of({policy.name: policy})


def invoices(count: int) -> Sequence[InvoiceRow]:
    """Invented invoices, half of them paid some day; the same ones every time."""
    customers = max(1, count * 2 // 5)
    return [_row(number, number * 7919 % customers) for number in range(count)]


def _row(number: int, customer: int) -> InvoiceRow:
    country, currency = _PLACES[customer % len(_PLACES)]
    due, owed = date(2026, 2, 1) + timedelta(days=number * 37 % 90), 1_000 + number * 6_151 % 499_000
    phone = f"+44207946{customer % 10_000:04d}" if customer % 3 == 0 else None
    contact = Contact(f"Customer {customer}", f"ap{customer}@example.com", phone, country)
    seen = Snapshot(
        "manual", f"manual:{customer}", f"R-{number}", f"R-{number}", Status.OPEN, currency, owed, owed, due, None, START, contact=contact
    )
    pays = {"pays_on": (due + timedelta(days=number * 13 % 40)).isoformat()} if number % 2 else {}
    return InvoiceRow(number + 2, seen, pays)


def _cpu() -> float:
    """Of this process and of those that it started and that have ended."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def main(arguments: Sequence[str]) -> int:
    """Print the figures."""
    most = int(arguments[0]) if arguments else 10_000
    each: list[float] = []
    for count in (max(1, most // 10), most):
        rows, policies = invoices(count), book()
        began, cpu_before = time.perf_counter(), _cpu()
        forecast = run(rows, policies, START, START + timedelta(days=DAYS))
        seconds, cpu = time.perf_counter() - began, _cpu() - cpu_before
        each.append(cpu / count)
        print(
            f"{count:>9,} invoices, {DAYS} days: {seconds:6.2f} s, {cpu:6.2f} s of CPU, {cpu / count * 1e6:6.0f} µs an invoice, "
            f"{forecast.turns / count:.2f} decisions an invoice, {len(forecast.messages):,} messages"
        )
    print(f"cost of an invoice among all, to that among a tenth of them: {each[1] / each[0]:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
