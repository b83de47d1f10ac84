"""QuickBooks and Xero invoices, announced by webhooks that carry ids only, follow the same plan as Stripe's."""

import pytest

from dunning.workflow.last_check import MOST_LINKS
from infra.local.sandbox.quickbooks import COMPANY
from infra.local.sandbox.xero import TENANT
from tests.integration.accounting.books import QUICKBOOKS_LINK, Books, Json, asked_of, quickbooks_invoice, watched, xero_body, xero_invoice

DUKES = f"quickbooks:{COMPANY}:5"
LIAM = f"xero:{TENANT}:430fa14a-f945-44d3-9f97-5df5e28441b8"
XERO_ID = "a03ffcd2-5d91-4c7e-b483-318584e9e439"


def facts(books: Books, customer: str) -> list[tuple[object, ...]]:
    names = ("id", "status", "amount_due", "currency", "due_date")
    return [tuple(invoice[name] for name in names) for invoice in books.case(customer)["invoices"]]


def types(books: Books, customer: str) -> list[object]:
    return [activity["type"] for activity in books.case(customer)["activities"]]


def test_a_quickbooks_invoice_follows_the_plan_with_its_payment_link_in_the_mail(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice())
    assert books.quickbooks_tells("145").status == 200
    assert facts(books, DUKES) == [("145", "open", 12000, "USD", "2026-03-04")]
    books.advance("15d")
    sent = [(row["channel"], row["step"]) for row in books.outbox()]
    assert sent == [("email", "first"), ("email", "second"), ("team", "escalate")]
    first = books.outbox()[0]
    assert (first["to"], first["customer"], first["invoices"]) == (["dukes@example.com"], DUKES, ["145"])
    assert QUICKBOOKS_LINK in str(first["text"])


def test_a_xero_invoice_follows_the_plan_with_its_payment_link_in_the_mail_and_reaches_the_telephone(books: Books) -> None:
    books.holds("xero", xero_invoice())
    assert books.xero_tells(XERO_ID).status == 200
    assert facts(books, LIAM) == [(XERO_ID, "open", 14835, "NZD", "2026-03-04")]
    books.advance("15d")
    sent = [(row["channel"], row["step"], row["to"]) for row in books.outbox()]
    assert sent == [
        ("email", "first", ["liam@rockstar.example"]),
        ("email", "second", ["liam@rockstar.example"]),
        ("sms", "second", ["+64214443433"]),
        ("team", "escalate", ["collections"]),
    ]
    assert f"https://in.xero.com/{XERO_ID}" in str(books.outbox()[0]["text"])


def test_what_the_sweep_found_and_falls_due_together_has_each_its_payment_link_in_the_mail(books: Books) -> None:
    """No list of either provider tells the links; a last check reads a few of them at a time."""
    numbers = range(MOST_LINKS + 2)
    for number in numbers:
        books.holds("quickbooks", quickbooks_invoice(f"2{number}", InvoiceLink=f"{QUICKBOOKS_LINK}-{number}"))
        books.holds("xero", xero_invoice(f"a03ffcd2-5d91-4c7e-b483-00000000000{number}"))
    statuses = watched(books)
    books.advance("9d")
    books.advance("2h")
    mails = {str(row["invoices"]): str(row["text"]) for row in books.outbox() if row["step"] == "first"}
    assert len(mails) == 2 * len(numbers)
    for number in numbers:
        assert f"{QUICKBOOKS_LINK}-{number}" in mails[f"['2{number}']"]
        xero_id = f"a03ffcd2-5d91-4c7e-b483-00000000000{number}"
        assert f"https://in.xero.com/{xero_id}" in mails[f"['{xero_id}']"]
    assert set(statuses) == {200}


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "never announced"])
def test_what_is_paid_is_not_reminded_about(books: Books, *, announced: bool) -> None:
    books.holds("quickbooks", quickbooks_invoice())
    books.holds("xero", xero_invoice())
    books.quickbooks_tells("145")
    books.xero_tells(XERO_ID)
    books.holds("quickbooks", quickbooks_invoice(Balance=0))
    books.holds("xero", xero_invoice(Status="PAID", AmountDue=0.0))
    if announced:
        books.quickbooks_tells("145")
        books.xero_tells(XERO_ID)
    books.advance("15d")
    assert [row for row in books.outbox() if row["kind"] == "reminder"] == []
    assert "paid" in types(books, DUKES)
    assert "paid" in types(books, LIAM)


@pytest.mark.parametrize(
    "never_owed",
    [
        xero_invoice(Type="ACCPAY"),
        xero_invoice(Status="DRAFT"),
        xero_invoice(Status="SUBMITTED"),
    ],
    ids=["a bill", "a draft", "a submitted one"],
)
def test_what_is_no_debt_starts_no_reminders(books: Books, never_owed: Json) -> None:
    books.holds("xero", never_owed)
    books.xero_tells(XERO_ID)
    books.advance("15d")
    assert books.outbox() == []
    assert books.dead_letters() == []


@pytest.mark.parametrize("status", ["VOIDED", "DELETED"])
def test_what_is_voided_or_deleted_is_reminded_about_no_more(books: Books, status: str) -> None:
    books.holds("xero", xero_invoice())
    books.xero_tells(XERO_ID)
    books.holds("xero", xero_invoice(Status=status, AmountDue=0.0))
    books.xero_tells(XERO_ID)
    books.advance("15d")
    assert books.outbox() == []
    assert types(books, LIAM) == ["enrolled", "closed"]


def test_a_voided_quickbooks_invoice_is_closed_and_not_thanked_for(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice())
    books.quickbooks_tells("145")
    books.holds("quickbooks", quickbooks_invoice(Balance=0, TotalAmt=0, PrivateNote="Voided"))
    books.quickbooks_tells("145", operation="Void")
    books.advance("15d")
    assert books.outbox() == []
    assert types(books, DUKES) == ["enrolled", "closed"]


def test_an_invoice_that_moves_to_another_customer_is_closed_there_and_opened_here(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice())
    books.quickbooks_tells("145")
    books.holds("quickbooks", quickbooks_invoice(CustomerRef={"value": "6", "name": "Kookies"}, BillEmail={"Address": "k@example.com"}))
    books.quickbooks_tells("145")
    books.advance("8d")
    books.advance("2d")
    assert types(books, DUKES) == ["enrolled", "closed"]
    assert {tuple(map(str, row["to"])) for row in books.outbox() if isinstance(row["to"], list)} == {("k@example.com",)}


def test_an_invoice_that_moves_away_and_back_is_found_where_it_is(books: Books) -> None:
    for customer in ("5", "6", "5"):
        books.holds("quickbooks", quickbooks_invoice(CustomerRef={"value": customer, "name": "Dukes"}))
        books.quickbooks_tells("145")
        books.advance("2m")
    books.holds("quickbooks", quickbooks_invoice(Balance=0))
    books.quickbooks_tells("145")
    books.advance("15d")
    assert types(books, DUKES) == ["enrolled", "closed", "reopened", "updated", "paid"]  # updated: it came from the other
    assert books.outbox() == []


def test_one_hundred_events_about_one_invoice_are_one_fetch(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice())
    assert books.quickbooks_tells(*["145"] * 100).status == 200
    assert facts(books, DUKES) == [("145", "open", 12000, "USD", "2026-03-04")]
    assert books.calls("sync_invoice")["TransactWriteItems"] == 1


def test_one_hundred_webhooks_about_one_invoice_are_few_fetches_and_the_last_change_is_seen(books: Books) -> None:
    asked = asked_of(books)
    books.holds("quickbooks", quickbooks_invoice())
    for _ in range(50):
        assert books.quickbooks_tells("145").status == 200
    books.holds("quickbooks", quickbooks_invoice(Balance=70))
    for _ in range(50):
        assert books.quickbooks_tells("145").status == 200
    books.advance("1m")
    assert facts(books, DUKES) == [("145", "open", 7000, "USD", "2026-03-04")]
    assert sum("/invoice/145" in path for path in asked) <= 3


def test_a_webhook_costs_two_calls_however_many_things_it_names(books: Books) -> None:
    books.quickbooks_sends({"eventNotifications": [_notification(str(number)) for number in range(2000)]})
    assert books.calls("accounting_webhook") == {"GetSecretValue": 1, "SendMessage": 1}


def _notification(bare: str) -> Json:
    return {"realmId": COMPANY, "dataChangeEvent": {"entities": [{"name": "Estimate" if bare > "3" else "Class", "id": bare}, _item(bare)]}}


def _item(bare: str) -> Json:
    return {"name": "Invoice", "id": bare, "operation": "Create"}


def test_xero_is_answered_without_a_body_and_without_cookies(books: Books) -> None:
    checks = [books.xero_sends(xero_body([])), books.xero_sends(xero_body([]), key="wrong")]
    assert [(answer.status, answer.body) for answer in checks] == [(200, b""), (401, b"")]
    assert not any("cookie" in name.lower() for answer in checks for name in answer.headers)


def test_quickbooks_is_believed_only_with_its_signature(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice())
    assert books.quickbooks_sends({"eventNotifications": []}, key="wrong").status == 401
    assert not books.knows(DUKES)


def test_cloud_events_come_in_base64_and_mean_the_same(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice())
    event = {
        "specversion": "1.0",
        "id": "e1",
        "source": "intuit.x",
        "type": "qbo.invoice.updated.v1",
        "time": "2026-03-02T08:00:00.034359333Z",
        "intuitentityid": "145",
        "intuitaccountid": COMPANY,
    }
    answer = books.quickbooks_sends([event], content_type="application/cloudevents+json")
    assert (answer.status, facts(books, DUKES)) == (200, [("145", "open", 12000, "USD", "2026-03-04")])
