"""A late fee in QuickBooks and in Xero: one invoice, to the cent, on the account that the policy names."""

import json

import pytest

from infra.local.sandbox.quickbooks import COMPANY
from infra.local.sandbox.xero import TENANT
from tests.integration.accounting.books import Books, Json, quickbooks_invoice, xero_invoice

DUKES = f"quickbooks:{COMPANY}:5"
LIAM = f"xero:{TENANT}:430fa14a-f945-44d3-9f97-5df5e28441b8"
XERO_ID = str(xero_invoice()["InvoiceID"])
PLAN = """
name: standard
timezone: UTC
steps:
  - id: first
    at: {after_due: 7d, time: "09:00"}
    email: friendly
    late_fee: {fixed: "2.50", percent: "1.5", basis: contract, mode: apply, booked_to: {xero: "ACCOUNT", quickbooks: "ITEM"}}
  - id: second
    at: {after_previous: 48h}
    email: second_notice
"""


def plan(account: str = "260", item: str = "19") -> str:
    return PLAN.replace("ACCOUNT", account).replace("ITEM", item)


def fees(books: Books, source: str) -> list[Json]:
    provider = books.running.sandbox.provider(source)
    assert provider is not None
    mark = "DocNumber" if source == "quickbooks" else "InvoiceNumber"
    return [row for row in provider.invoices() if str(row.get(mark)).startswith("LF-")]


def enter(books: Books, source: str) -> str:
    if source == "quickbooks":
        books.holds("quickbooks", quickbooks_invoice())
        books.quickbooks_tells("145")
        return DUKES
    books.holds("xero", xero_invoice())
    books.xero_tells(XERO_ID)
    return LIAM


# USD 2.50 and 1.5 % of 120.00; NZD 2.50 and 1.5 % of 148.35, 2.22525.
@pytest.mark.parametrize(("source", "key", "amount"), [("quickbooks", "Balance", 4.30), ("xero", "AmountDue", 4.73)])
def test_a_fee_is_one_invoice_there_and_rides_with_its_parent(books: Books, source: str, key: str, amount: float) -> None:
    books.running.cloud.put_policy("standard", plan())
    customer = enter(books, source)
    books.advance("12d")
    (fee,) = fees(books, source)
    assert fee[key] == amount
    second = next(row for row in books.outbox() if row["step"] == "second")
    assert str(fee["DocNumber" if source == "quickbooks" else "InvoiceNumber"]) in str(second["text"])
    told = [f"{row['type']} {row['step']}" for row in books.case(customer)["activities"] if row["step"]]
    assert told[:3] == ["sent first", "fee_applied first", "sent second"]
    assert books.dead_letters() == []


@pytest.mark.parametrize(("source", "words"), [("quickbooks", "id 999 not found"), ("xero", "Account code '999'")])
def test_a_wrong_account_parks_the_case_in_the_providers_words_and_it_goes_on_when_mended(books: Books, source: str, words: str) -> None:
    books.running.cloud.put_policy("standard", plan("999", "999"))
    enter(books, source)
    books.advance("10d")
    (letter,) = books.dead_letters()
    assert words in str(letter["reason"])
    assert fees(books, source) == []
    assert [row["step"] for row in books.outbox() if row["channel"] == "email"] == ["first"]
    books.running.cloud.put_policy("standard", plan())
    assert json.loads(books.ask("POST", "/_local/redrive").body)
    books.advance("1h")
    assert len(fees(books, source)) == 1
