"""Where our own people see an invoice at its source: a page that asks them to sign in, never one for customers."""

from urllib.parse import quote

_PAGES = {
    "stripe": "https://dashboard.stripe.com/invoices/{}",
    "quickbooks": "https://app.qbo.intuit.com/app/invoice?txnId={}",
    "xero": "https://go.xero.com/AccountsReceivable/View.aspx?InvoiceID={}",
}


def page_in_the_books(customer: str, invoice_id: str) -> str | None:
    """The page of an invoice (bare id) of this customer (full id); None where its source has no such pages.

    QuickBooks and Xero show it while the company it belongs to is the one that is signed in to.
    """
    page = _PAGES.get(customer.partition(":")[0])
    return page.format(quote(invoice_id, safe="")) if page else None
