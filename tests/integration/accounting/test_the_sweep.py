"""What no webhook told of is healed by the daily sweep, in both directions, within the providers' limits."""

from dunning.workflow.daily_sweep import MOST_TRIES
from infra.local.sandbox.quickbooks import COMPANY
from infra.local.sandbox.xero import TENANT
from tests.integration.accounting.books import Books, asked_of, lacking, quickbooks_invoice, watched, xero_invoice

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


def test_providers_without_the_lists_that_we_can_do_without_cost_a_few_requests_a_day(books: Books) -> None:
    lacking(books, lambda path: path.endswith(("/cdc", "/Contacts")))
    asked = asked_of(books)
    contact = {"ContactID": "c1", "Name": "X", "EmailAddress": "x@example.com"}
    books.holds("quickbooks", quickbooks_invoice(DueDate="2026-05-04"))
    books.holds("xero", xero_invoice(DueDateString="2026-05-04", Contact=contact))
    books.advance("16d")
    assert [books.statuses(customer) for customer in (DUKES, f"xero:{TENANT}:c1")] == [["open"], ["open"]]
    assert len(asked) < 16 * 12
    assert books.dead_letters() == []


def test_a_listing_that_is_refused_day_after_day_is_given_up_every_day(books: Books) -> None:
    listings = ("/query", "/Invoices")
    lacking(books, lambda path: path.endswith(listings))
    asked = asked_of(books)
    books.advance("4d")
    refused = [path for path in asked if path.endswith(listings)]
    assert 4 * 2 <= len(refused) <= 4 * 2 * (MOST_TRIES + 1)
    assert books.dead_letters() == []


def test_a_webhook_of_a_company_that_was_never_connected_alarms_nobody(books: Books) -> None:
    entity = {"name": "Invoice", "id": "145", "operation": "Update", "lastUpdated": "2026-03-02T08:00:00.000Z"}
    told = books.quickbooks_sends({"eventNotifications": [{"realmId": "4444444444", "dataChangeEvent": {"entities": [entity]}}]})
    assert told.status == 200
    books.advance("2h")
    assert books.outbox() == []
    assert books.dead_letters() == []
