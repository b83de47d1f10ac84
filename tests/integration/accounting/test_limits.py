"""A provider's limits are kept, not run into."""

from infra.local.http.wire import Answer, Request
from infra.local.sandbox.xero import TENANT
from tests.integration.accounting.books import Books, xero_invoice


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


def watched(books: Books) -> list[int]:
    """Every status that a sandbox answers with from now on."""
    statuses: list[int] = []
    server = books.running.sandbox._server
    unwatched = server.application

    def answer(request: Request) -> Answer:
        given = unwatched(request)
        statuses.append(given.status)
        return given

    server.application = answer
    return statuses
