"""What an accounting source answers at the edges: a customer made inactive, the last request of a day."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from dunning.domain.errors import Retryable
from dunning.domain.invoice import Status
from dunning.providers.json_reading import child, items
from dunning.providers.quickbooks import QuickBooksSource
from tests.contract.providers.played_accounting import PlayedQuickBooks, PlayedXero
from tests.contract.providers.source_contract import ANNA, Owed


def test_a_quickbooks_customer_who_is_inactive_is_found_among_those_asked_for_and_one_that_is_none_is_not(
    quickbooks: PlayedQuickBooks,
) -> None:
    quickbooks.books.put_customer(ANNA, {"DisplayName": "Anna", "Active": False})
    quickbooks.has_invoice(Owed("one"))
    quickbooks.source.open_page(None, quickbooks.account)
    (asked,) = [path for path in quickbooks.asked if "from+Customer" in path]
    assert names_listed(quickbooks, asked) == ["Anna"]
    assert names_listed(quickbooks, asked.replace(ANNA, "nobody")) == []


def names_listed(quickbooks: PlayedQuickBooks, asked: str) -> list[object]:
    """What the company answers to this very request."""
    query = {name: values[-1] for name, values in parse_qs(urlsplit(asked).query).items()}
    answer = quickbooks.api.get(quickbooks.account or "", urlsplit(asked).path, query)
    return [row.get("DisplayName") for row in items(child(answer.json(), "QueryResponse") or {}, "Customer")]


@pytest.mark.parametrize(("left", "asks"), [(1, False), (2, True)])
def test_the_last_request_of_a_day_at_xero_closes_the_tenant_even_to_what_is_urgent(xero: PlayedXero, left: int, asks: bool) -> None:
    xero.has_invoice(Owed("one", amount_due=0, status=Status.PAID))
    xero.books.left_today(left)
    urgent = xero.asking_urgently()
    assert urgent.fetch("one", xero.account) is not None
    if asks:
        assert urgent.fetch("one", xero.account) is not None
    asked = xero.requests()
    with pytest.raises(Retryable) as closed:
        urgent.fetch("one", xero.account)
    assert xero.requests() == asked == left
    assert closed.value.retry_at == xero.clock.now + timedelta(hours=1)


@pytest.mark.parametrize(("total", "by_credit"), [(0, True), (10, False)])
def test_whether_a_quickbooks_invoice_was_paid_by_credit_its_payments_tell(
    quickbooks: PlayedQuickBooks, total: int, by_credit: bool
) -> None:
    anna, linked = {"CustomerRef": {"value": ANNA}}, [{"TxnId": "7", "TxnType": "Payment"}]
    lines = [{"Amount": 10, "LinkedTxn": [{"TxnId": bare, "TxnType": kind}]} for bare, kind in (("1", "Invoice"), ("8", "CreditMemo"))]
    quickbooks.books.put_transaction("Payment", "7", {**anna, "TotalAmt": total, "Line": lines})
    quickbooks.has("1", {"Balance": 0, "TotalAmt": 10, **anna, "LinkedTxn": linked})
    began = quickbooks.clock() - timedelta(minutes=10)
    asked = quickbooks.requests()
    source = QuickBooksSource(quickbooks.api, quickbooks.clock)
    (changed,) = source.changed_invoices(quickbooks.account or "", began).snapshots
    assert (changed.by_credit, quickbooks.requests() - asked) == (by_credit, 1)
    fetched = quickbooks.source.fetch("1", quickbooks.account)
    assert fetched is not None
    assert (fetched.status, fetched.by_credit, quickbooks.requests() - asked) == (Status.PAID, by_credit, 3)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_payments_that_quickbooks_does_not_show_count_as_money(quickbooks: PlayedQuickBooks, status: int) -> None:
    linked = [{"TxnId": "7", "TxnType": "Payment"}]
    quickbooks.has("1", {"Balance": 0, "TotalAmt": 10, "CustomerRef": {"value": ANNA}, "LinkedTxn": linked})
    quickbooks.lacks(status=status, where=lambda path: "from+Payment" in path)
    fetched = quickbooks.source.fetch("1", quickbooks.account)
    assert fetched is not None
    assert (fetched.status, fetched.by_credit) == (Status.PAID, False)


def test_what_is_owed_or_names_no_payment_costs_no_request_for_payments(quickbooks: PlayedQuickBooks) -> None:
    linked = [{"TxnId": "7", "TxnType": "Payment"}]
    quickbooks.has("1", {"Balance": 4, "TotalAmt": 10, "CustomerRef": {"value": ANNA}, "LinkedTxn": linked})
    quickbooks.has("2", {"Balance": 0, "TotalAmt": 10, "CustomerRef": {"value": ANNA}})
    for invoice in ("1", "2"):
        assert quickbooks.source.fetch(invoice, quickbooks.account) is not None
    assert not any("Payment" in path for path in quickbooks.asked)
