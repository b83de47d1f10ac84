"""Payments, credits and deletions are announced by their own ids: the invoices they touch are looked at again."""

from infra.local.sandbox.quickbooks import COMPANY, QuickBooksSandbox
from infra.local.sandbox.xero import TENANT, XeroSandbox
from tests.integration.accounting.books import Books, Json, asked_of, quickbooks_invoice, xero_invoice

DUKES = f"quickbooks:{COMPANY}:5"
LIAM = f"xero:{TENANT}:430fa14a-f945-44d3-9f97-5df5e28441b8"
XERO_ID = "a03ffcd2-5d91-4c7e-b483-318584e9e439"


def owed(books: Books, customer: str) -> list[tuple[object, object]]:
    return [(invoice["status"], invoice["amount_due"]) for invoice in books.case(customer)["invoices"]]


def quickbooks(books: Books) -> QuickBooksSandbox:
    sandbox = books.running.sandbox.provider("quickbooks")
    assert isinstance(sandbox, QuickBooksSandbox)
    return sandbox


def xero(books: Books) -> XeroSandbox:
    sandbox = books.running.sandbox.provider("xero")
    assert isinstance(sandbox, XeroSandbox)
    return sandbox


def applied(kind: str, linked: str) -> Json:
    return {"CustomerRef": {"value": "5"}, "Line": [{"Amount": 50, "LinkedTxn": [{"TxnId": linked, "TxnType": kind}]}]}


def paid_line(amount: int) -> Json:
    return {"Amount": amount, "LinkedTxn": [{"TxnId": "145", "TxnType": "Invoice"}]}


def test_a_quickbooks_payment_lowers_what_is_owed(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice())
    books.quickbooks_tells("145")
    books.holds("quickbooks", quickbooks_invoice(Balance=70.0))
    quickbooks(books).put_transaction("Payment", "7", applied("Invoice", "145"))
    books.quickbooks_tells("7", kind="Payment", operation="Create")
    assert owed(books, DUKES) == [("open", 7000)]


def test_a_quickbooks_credit_memo_that_covers_an_invoice_ends_its_reminders(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice())
    books.quickbooks_tells("145")
    books.holds("quickbooks", quickbooks_invoice(Balance=0))
    quickbooks(books).put_transaction("CreditMemo", "8", applied("Invoice", "145"))
    books.quickbooks_tells("8", kind="CreditMemo", operation="Create")
    assert owed(books, DUKES) == [("paid", 0)]
    assert books.case(DUKES)["invoices"][0]["next_at"] is None


def test_a_quickbooks_payment_that_is_deleted_lets_the_reminders_go_on_the_same_day(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice(Balance=0, DueDate="2026-02-20"))
    quickbooks(books).put_transaction("Payment", "7", {"CustomerRef": {"value": "5"}, "Line": [paid_line(120)]})
    quickbooks(books).put_transaction("Payment", "8", {"CustomerRef": {"value": "5"}, "Line": []})
    books.quickbooks_tells("145")
    books.advance("5h")
    assert (owed(books, DUKES), books.outbox()) == ([("paid", 0)], [])
    quickbooks(books).delete_transaction("Payment", "7")
    quickbooks(books).delete_transaction("Payment", "8")
    asked = asked_of(books)
    books.quickbooks_tells("7", "8", *map(str, range(1000, 1098)), kind="Payment", operation="Delete")
    assert owed(books, DUKES) == [("open", 12000)]
    assert len([path for path in asked if path.endswith("/cdc")]) == 1
    books.advance("8h")
    assert [mail["kind"] for mail in books.outbox()] == ["reminder"]
    assert books.dead_letters() == []


def test_a_quickbooks_payment_that_is_edited_to_pay_another_invoice_leaves_the_first_one_owed(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice(Balance=0))
    books.holds("quickbooks", quickbooks_invoice("146"))
    quickbooks(books).put_transaction("Payment", "7", {"CustomerRef": {"value": "5"}, "Line": [paid_line(120)]})
    books.quickbooks_tells("145", "146")
    books.advance("1h")
    books.holds("quickbooks", quickbooks_invoice())
    books.holds("quickbooks", quickbooks_invoice("146", Balance=0))
    quickbooks(books).put_transaction("Payment", "7", applied("Invoice", "146"))
    asked = asked_of(books)
    books.quickbooks_tells("7", kind="Payment", operation="Update")
    assert owed(books, DUKES) == [("open", 12000), ("paid", 0)]
    assert len([path for path in asked if path.endswith("/cdc")]) == 1
    assert books.dead_letters() == []


def test_a_payment_of_a_parent_company_that_is_voided_opens_its_daughter_s_invoice_again(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice(Balance=0))
    quickbooks(books).put_transaction("Payment", "7", {"CustomerRef": {"value": "1"}, "Line": [paid_line(120)]})
    books.quickbooks_tells("145")
    books.advance("1h")
    quickbooks(books).delete_transaction("Payment", "7", void=True)
    books.quickbooks_tells("7", kind="Payment", operation="Void")
    assert owed(books, DUKES) == [("open", 12000)]


def test_a_voided_xero_credit_note_names_no_invoice_and_all_that_its_customer_owes_is_looked_at(books: Books) -> None:
    books.holds("xero", xero_invoice(AmountDue=0.0, Status="PAID"))
    books.xero_tells(XERO_ID)
    books.advance("1h")
    books.holds("xero", xero_invoice())
    contact = {"ContactID": LIAM.rpartition(":")[2]}
    xero(books).put_credit_note("n1", {"Type": "ACCRECCREDIT", "Status": "VOIDED", "Allocations": [], "Contact": contact})
    books.xero_tells("n1", category="CREDITNOTE", kind="UPDATE")
    assert owed(books, LIAM) == [("open", 14835)]


def test_a_xero_credit_note_lowers_what_is_owed_and_a_supplier_s_touches_nothing(books: Books) -> None:
    books.holds("xero", xero_invoice())
    books.xero_tells(XERO_ID)
    books.holds("xero", xero_invoice(AmountDue=48.35))
    allocated: Json = {"Allocations": [{"Amount": 100, "Invoice": {"InvoiceID": XERO_ID}}], "Contact": {"ContactID": "c"}}
    xero(books).put_credit_note("n2", {"Type": "ACCPAYCREDIT", **allocated})
    books.xero_tells("n2", category="CREDITNOTE", kind="CREATE")
    assert owed(books, LIAM) == [("open", 14835)]
    xero(books).put_credit_note("n1", {"Type": "ACCRECCREDIT", **allocated})
    books.xero_tells("n1", category="CREDITNOTE", kind="Update")
    assert owed(books, LIAM) == [("open", 4835)]


def test_a_quickbooks_invoice_that_was_deleted_is_found_by_its_reference_and_closed(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice())
    books.quickbooks_tells("145")
    quickbooks(books).delete_invoice("145")
    books.quickbooks_tells("145", operation="Delete")
    assert owed(books, DUKES) == [("deleted", 12000)]
    assert (books.case(DUKES)["invoices"][0]["next_at"], books.dead_letters()) == (None, [])


def test_a_deletion_that_nobody_announced_is_found_by_the_sweep(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice(DueDate="2026-05-01"))
    books.quickbooks_tells("145")
    quickbooks(books).delete_invoice("145")
    books.advance("21h")
    assert owed(books, DUKES) == [("deleted", 12000)]


def test_a_bill_that_is_paid_and_a_payment_of_a_stranger_touch_nothing(books: Books) -> None:
    books.holds("xero", xero_invoice("bill", Type="ACCPAY", Status="PAID", AmountDue=0.0))
    quickbooks(books).put_transaction("Payment", "9", {"CustomerRef": {"value": "9"}, "Line": []})
    books.xero_tells("bill", "never-was")
    books.quickbooks_tells("9", "never-was", kind="Payment")
    books.quickbooks_tells("1", kind="Bill")
    assert (books.knows(LIAM), books.knows(DUKES), books.dead_letters()) == (False, False, [])
