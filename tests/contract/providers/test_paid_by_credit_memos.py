"""Whether money came for a paid QuickBooks invoice, or only credit memos: its payments tell."""

from datetime import timedelta

import pytest

from dunning.domain.invoice import Status
from dunning.providers.quickbooks import QuickBooksSource
from tests.contract.providers.played_accounting import PlayedQuickBooks
from tests.contract.providers.source_contract import ANNA


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
