"""A provider's limits are kept, not run into."""

from infra.local.sandbox.xero import TENANT
from tests.integration.accounting.books import Books, watched, xero_invoice


def test_one_hundred_changed_invoices_are_fetched_without_one_refused_call(books: Books) -> None:
    statuses = watched(books)
    ids = [f"x{number}" for number in range(100)]
    for number, each in enumerate(ids):
        contact = {"ContactID": f"c{number}", "Name": "N", "EmailAddress": f"n{number}@example.com", "Phones": [{"PhoneType": "FAX"}]}
        books.holds("xero", xero_invoice(each, DueDateString="2026-05-01", Contact=contact))
    assert books.xero_tells(*ids).status == 200
    books.advance("1h")
    assert [each for number, each in enumerate(ids) if not books.knows(f"xero:{TENANT}:c{number}")] == []
    assert set(statuses) == {200}
    assert books.dead_letters() == []
