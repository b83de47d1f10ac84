"""A customer takes back the consent: no reminder on old data, one notice, and all goes on when the consent is given again."""

import json
from urllib.parse import quote

from infra.local.sandbox.xero import TENANT, XeroSandbox
from tests.integration.accounting.books import Books, xero_invoice
from tests.integration.accounting.test_the_plan import LIAM, XERO_ID
from tests.integration.accounting.test_written_back import xero_notes

DUE_TOMORROW_A_WEEK_AGO = "2026-02-24T00:00:00"
"""The first reminder comes a week after the day on which an invoice is due: on the clouds' second day."""

CUSTOMERS = [f"xero:{TENANT}:c{number}" for number in range(3)]


def test_reminders_wait_for_the_connection_and_then_go_out(books: Books) -> None:
    xero = books.running.sandbox.provider("xero")
    assert isinstance(xero, XeroSandbox)
    for number in range(3):
        contact = {"ContactID": f"c{number}", "Name": "X", "EmailAddress": f"x{number}@example.com", "Phones": [{"PhoneType": "FAX"}]}
        books.holds("xero", xero_invoice(f"x{number}", Contact=contact, DueDateString=DUE_TOMORROW_A_WEEK_AGO))
    books.xero_tells("x0", "x1", "x2")
    xero.tokens.revoke()
    books.advance("3d")
    sent = [(row["channel"], row["kind"], row["to"]) for row in books.outbox()]
    assert sent == [("team", "notice", ["collections"])]
    assert "dunning connect xero" in str(books.outbox()[0]["text"])
    assert [books.case(customer)["activities"][-1]["reason"] for customer in CUSTOMERS] == ["stale_data: xero is not connected"] * 3
    xero.tokens.restore()
    books.holds("xero", xero_invoice("x0", Status="PAID", AmountDue=0.0, Contact={"ContactID": "c0"}))
    books.advance("1d")
    reminded = sorted(str(row["customer"]) for row in books.outbox() if row["kind"] == "reminder")
    assert reminded == CUSTOMERS[1:]
    assert [activity["type"] for activity in books.case(CUSTOMERS[0])["activities"]][-1] in ("paid", "released")
    assert books.statuses(CUSTOMERS[0]) == ["paid"]
    assert books.dead_letters() == []


def test_notes_wait_for_the_connection_and_are_then_written(books: Books) -> None:
    xero = books.running.sandbox.provider("xero")
    assert isinstance(xero, XeroSandbox)
    books.holds("xero", xero_invoice())
    books.xero_tells(XERO_ID)
    xero.tokens.revoke()
    told = json.dumps({"invoice": XERO_ID, "until": "2026-03-12"}).encode()
    assert books.ask("POST", f"/_local/cases/{quote(LIAM)}/promise", told).status == 200
    books.advance("4d")
    assert xero_notes(books) == []
    assert books.dead_letters() == []
    xero.tokens.restore()
    books.advance("1h")
    assert ["Promise" in details for details in xero_notes(books)] == [True]
