"""A first import of thousands of old invoices under `first_contacts_per_day`."""

from collections import Counter, defaultdict
from datetime import timedelta
from itertools import accumulate, pairwise
from pathlib import Path

from dunning.content.policy_book import PolicyBook
from dunning.domain.invoice import Contact, Snapshot, Status
from infra.forecast.spreading import run
from infra.invoice_file import InvoiceRow
from infra.policies.reading import read_policy
from tests.unit.forecast.books import START, TEAMS, plan

CUSTOMERS, PLACES = 2_500, 1_000
POLICY = f"""
timezone: UTC
scope: customer
first_contacts_per_day: {PLACES}
send_window: {{email: "08:30-17:30"}}
steps:
  - {{id: first, at: {{after_due: 7d, time: "09:00"}}, email: friendly}}
  - {{id: second, at: {{after_due: 45d, time: "09:00"}}, email: second_notice}}
"""


def row(number: int) -> InvoiceRow:
    """The older of a customer's two invoices, or the newer; no two customers owe the same in all."""
    customer, due = number % CUSTOMERS, (START - timedelta(days=30 + number % 9)).date()
    owed = 10_00 + (customer * 7919 % CUSTOMERS) * 50
    contact = Contact(f"Customer {customer}", f"ap{customer}@example.com")
    seen = Snapshot(
        "manual", f"manual:{customer}", f"R-{number}", f"R-{number}", Status.OPEN, "EUR", owed, owed, due, None, START, contact=contact
    )
    return InvoiceRow(number + 2, seen, {})


def test_five_thousand_old_invoices_make_as_many_first_contacts_a_day_as_allowed_the_largest_balances_first(tmp_path: Path) -> None:
    policy = read_policy(plan(tmp_path, "capped", POLICY), TEAMS)
    forecast = run([row(number) for number in range(2 * CUSTOMERS)], PolicyBook.of({policy.name: policy}), START, START + timedelta(days=5))

    by_day = defaultdict(list)
    for message in forecast.messages:
        by_day[message.at.date()].append(message)
    first = START.date()
    assert {(day - first).days: len(messages) for day, messages in by_day.items()} == {0: PLACES, 1: PLACES, 2: CUSTOMERS - 2 * PLACES}
    assert set(Counter(message.customer for message in forecast.messages).values()) == {1}
    assert all(len(message.items) == 2 and message.step == "first" for message in forecast.messages)

    owed = [[total.minor for message in by_day[day] for total in message.totals] for day in sorted(by_day)]
    assert all(min(today) > max(tomorrow) for today, tomorrow in pairwise(owed))

    waited = Counter(one.at.date() for one in forecast.decisions if one.reason == "first_contacts_per_day")
    left = [CUSTOMERS - done for done in accumulate(len(by_day[day]) for day in sorted(by_day))]
    assert waited[first] == 2 * left[0]
