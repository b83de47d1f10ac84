"""What no webhook told of is healed by the daily sweep, in both directions, within the providers' limits."""

from infra.local.sandbox.quickbooks import COMPANY
from infra.local.sandbox.xero import TENANT
from tests.integration.accounting.books import Books, quickbooks_invoice, watched, xero_invoice

DUKES = f"quickbooks:{COMPANY}:5"
LIAM = f"xero:{TENANT}:430fa14a-f945-44d3-9f97-5df5e28441b8"
XERO_ID = "a03ffcd2-5d91-4c7e-b483-318584e9e439"
MANY = 101
FEW_CUSTOMERS = 20


def test_what_nobody_announced_is_enrolled_and_what_was_paid_is_closed(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice(DueDate="2026-05-04"))
    books.holds("xero", xero_invoice(DueDateString="2026-05-04"))
    books.advance("21h")
    assert [books.statuses(customer) for customer in (DUKES, LIAM)] == [["open"], ["open"]]
    books.holds("quickbooks", quickbooks_invoice(Balance=0))
    books.holds("xero", xero_invoice(Status="PAID", AmountDue=0.0))
    books.advance("24h")
    assert [books.statuses(customer) for customer in (DUKES, LIAM)] == [["paid"], ["paid"]]
    assert books.dead_letters() == []


def test_a_book_of_several_pages_is_imported_without_one_refused_call(books: Books) -> None:
    statuses = watched(books)
    for number in range(MANY):
        stub = {"ContactID": f"c{number % FEW_CUSTOMERS}", "Name": "X", "EmailAddress": f"x{number % FEW_CUSTOMERS}@example.com"}
        books.holds("xero", xero_invoice(f"x{number:04}", DueDateString="2026-05-04", Contact=stub))
    books.advance("21h")
    contacts = [f"xero:{TENANT}:c{number}" for number in range(FEW_CUSTOMERS)]
    assert sum(len(books.statuses(customer)) for customer in contacts) == MANY
    assert set(statuses) == {200}
    assert len(statuses) < 10
    assert books.dead_letters() == []
