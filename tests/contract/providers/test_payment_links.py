"""Whether an invoice that shows no payment link is known to have none."""

import pytest

from dunning.domain.invoice import Status
from tests.contract.providers.played_accounting import PlayedQuickBooks, PlayedXero
from tests.contract.providers.source_contract import ANNA, Owed


def test_a_quickbooks_invoice_fetched_by_itself_tells_that_it_has_no_link_and_lists_do_not(quickbooks: PlayedQuickBooks) -> None:
    shown = {"Balance": 1, "TotalAmt": 1, "CustomerRef": {"value": ANNA}}
    seen = []
    for link in ({"InvoiceLink": "https://connect.intuit.example/1"}, {}):
        quickbooks.has("1", {**shown, **link})
        found = quickbooks.source.fetch("1", quickbooks.account)
        assert found is not None
        seen.append((found.payment_url, found.link_read))
    assert seen == [("https://connect.intuit.example/1", True), (None, True)]
    (listed,) = quickbooks.source.open_invoices_of(quickbooks.customer_id(ANNA))
    assert (listed.payment_url, listed.link_read) == (None, False)
    quickbooks.answers_once(404)
    confirmed = quickbooks.source.fetch("1", quickbooks.account)
    assert confirmed is not None
    assert not confirmed.link_read
    quickbooks.has("1", {**shown, "Balance": 0})
    paid = quickbooks.source.fetch("1", quickbooks.account)
    assert paid is not None
    assert not paid.link_read


@pytest.mark.parametrize(("status", "is_known"), [(404, True), (400, True), (401, False), (403, False)])
def test_xero_tells_that_an_invoice_has_no_page_unless_we_may_not_ask(xero: PlayedXero, status: int, is_known: bool) -> None:
    xero.has_invoice(Owed("one"))
    there = xero.source.fetch("one", xero.account)
    assert there is not None
    assert there.payment_url is not None
    xero.lacks(status=status, where=lambda path: "/OnlineInvoice" in path)
    found = xero.source.fetch("one", xero.account)
    assert found is not None
    assert (found.status, found.payment_url, found.link_read) == (Status.OPEN, None, is_known)
