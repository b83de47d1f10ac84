"""A provider's limits are kept, not run into; and nothing waits longer than they demand."""

import json

import pytest

from infra.local.sandbox.quickbooks import COMPANY
from infra.local.sandbox.xero import TENANT
from tests.integration.accounting.books import Books, Json, quickbooks_invoice, watched, xero_invoice


def owed(source: str, number: int, due: str) -> Json:
    """An invoice of a customer of its own, whom Xero shows as a stub."""
    if source == "quickbooks":
        customer = {"value": str(number), "name": "N"}
        return quickbooks_invoice(f"q{number}", CustomerRef=customer, BillEmail={"Address": f"n{number}@example.com"}, DueDate=due)
    contact = {"ContactID": f"c{number}", "Name": "N", "EmailAddress": f"n{number}@example.com"}
    return xero_invoice(f"x{number}", DueDateString=due, Contact=contact)


def told_one_by_one(books: Books, source: str, count: int, due: str) -> None:
    """A webhook of its own for each invoice, all at one instant."""
    for number in range(count):
        books.holds(source, owed(source, number, due))
    for number in range(count):
        answer = books.xero_tells(f"x{number}") if source == "xero" else books.quickbooks_tells(f"q{number}")
        assert answer.status == 200


def unknown(books: Books, source: str, count: int) -> list[int]:
    prefix = f"xero:{TENANT}:c" if source == "xero" else f"quickbooks:{COMPANY}:"
    return [number for number in range(count) if not books.knows(f"{prefix}{number}")]


def test_one_hundred_changed_invoices_are_fetched_without_one_refused_call(books: Books) -> None:
    statuses = watched(books)
    ids = [f"x{number}" for number in range(100)]
    for number in range(100):
        books.holds("xero", owed("xero", number, "2026-05-01"))
    assert books.xero_tells(*ids).status == 200
    books.advance("5m")
    assert unknown(books, "xero", 100) == []
    assert set(statuses) == {200}
    assert books.dead_letters() == []


@pytest.mark.parametrize(("source", "at_once", "within"), [("xero", 20, "1s"), ("quickbooks", 5, "4s")])
def test_twenty_webhooks_at_one_instant_are_fetched_as_fast_as_the_provider_allows(
    books: Books, source: str, at_once: int, within: str
) -> None:
    statuses = watched(books)
    told_one_by_one(books, source, 20, "2026-05-01")
    assert len(unknown(books, source, 20)) == 20 - at_once
    books.advance(within)
    assert unknown(books, source, 20) == []
    of_a_token = 1
    assert statuses.count(200) == len(statuses) == {"xero": 60, "quickbooks": 40}[source] + of_a_token


@pytest.mark.parametrize(("source", "within"), [("xero", "123s"), ("quickbooks", "30s")])
def test_forty_reminders_due_at_one_instant_go_out_within_some_two_minutes(books: Books, source: str, within: str) -> None:
    """Due on 4 March, so that the first reminder is due on the 11th at 09:00 in London."""
    told_one_by_one(books, source, 40, "2026-03-04")
    books.advance("10m")
    assert unknown(books, source, 40) == []
    statuses = watched(books)
    books.ask("POST", "/_local/clock", json.dumps({"to": "2026-03-11T09:00:00Z"}).encode())
    books.advance(within)
    assert sorted(str(row["to"]) for row in books.outbox()) == sorted(str([f"n{number}@example.com"]) for number in range(40))
    assert set(statuses) == {200}
