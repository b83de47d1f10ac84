"""Late fees in Xero: an authorised ACCREC invoice on the account that the policy names (developer.xero.com, Invoices).

The fee's id is the invoice's number, which Xero keeps unique, and by which it is asked for first. The `Idempotency-Key`, which
lives for minutes only, is for an answer that was lost a moment ago.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from dunning.domain.errors import Permanent, Retryable
from dunning.domain.invoice import Snapshot
from dunning.domain.money import Money
from dunning.providers.http_client import HttpAnswer
from dunning.providers.json_reading import JsonObject, items, text
from dunning.providers.oauth_api import OAuthApi
from dunning.providers.xero import spare
from dunning.providers.xero_objects import RECEIVABLE, snapshot_of, split_customer_id
from dunning.workflow.fee_port import FeeOrder

_PATH = "/api.xro/2.0/Invoices"
_BAD_REQUEST = 400


class XeroFees:
    """A FeeBook."""

    def __init__(self, api: OAuthApi, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock

    def charge(self, order: FeeOrder) -> Snapshot:
        """The fee's invoice; the page where it is paid comes with the next fetch."""
        tenant, contact = split_customer_id(order.customer)
        stamp = self._clock()
        headers = {"xero-tenant-id": tenant}
        with self._api.pace.turn(tenant, 2):
            answer = self._api.get(tenant, _PATH, {"InvoiceNumbers": order.id, "page": "1"}, headers)
            spare(self._api, tenant, answer)
            rows = _rows(answer)
            found = next((row for row in rows if text(row, "InvoiceNumber") == order.id and text(row, "Type") == RECEIVABLE), None)
            invoice = found if found is not None else self._written(tenant, contact, order)
        snapshot = snapshot_of(tenant, invoice, stamp)
        if snapshot is None or snapshot.is_bare:
            raise Permanent(f"Xero's invoice {text(invoice, 'InvoiceID')} of the late fee {order.id} cannot be read")
        return snapshot

    def _written(self, tenant: str, contact: str, order: FeeOrder) -> JsonObject:
        headers = {"xero-tenant-id": tenant, "Idempotency-Key": f"dunning-{order.id}"}
        answer = self._api.send("PUT", tenant, _PATH, {}, {"Invoices": [_invoice(contact, order)]}, headers, tells=_is_refused)
        spare(self._api, tenant, answer)
        if _is_refused(answer):
            raise Permanent(f"Xero does not take the late fee {order.id} on invoice {order.invoice_number}: {_said(answer)}")
        rows = _rows(answer)
        if not rows:
            raise Retryable(f"Xero answered a new invoice without one: {order.id}")
        return rows[0]


def _invoice(contact: str, order: FeeOrder) -> JsonObject:
    # With a tax, it is part of the fee, so that what is owed is what was announced.
    taxed = {"TaxType": order.tax_code} if order.tax_code else {}
    return {
        "Type": RECEIVABLE,
        "Status": "AUTHORISED",
        "Contact": {"ContactID": contact},
        "InvoiceNumber": order.id,
        "Reference": f"Late fee on invoice {order.invoice_number}"[:255],
        "Date": order.day.isoformat(),
        "DueDate": (order.day + timedelta(days=order.due_in)).isoformat(),
        "CurrencyCode": order.currency,
        "LineAmountTypes": "Inclusive" if taxed else "NoTax",
        "LineItems": [
            {
                "Description": f"Late fee on invoice {order.invoice_number}: {'; '.join(order.lines)}"[:4000],
                "Quantity": 1,
                "UnitAmount": float(Money(order.amount, order.currency).as_decimal()),
                "AccountCode": order.booked_to,
                **taxed,
            }
        ],
    }


def _rows(answer: HttpAnswer) -> tuple[JsonObject, ...]:
    content = answer.json() or {}
    if not isinstance(content.get("Invoices"), list):
        raise Retryable("Xero answered about Invoices without a list of them")
    return items(content, "Invoices")


def _is_refused(answer: HttpAnswer) -> bool:
    return answer.status == _BAD_REQUEST and answer.json() is not None


def _said(answer: HttpAnswer) -> str:
    """Xero's own words: they name the account or the field, and nothing of the contact was sent."""
    content = answer.json() or {}
    found = [text(error, "Message") for element in items(content, "Elements") for error in items(element, "ValidationErrors")]
    return ("; ".join(said for said in found if said) or text(content, "Message") or "it says no reason")[:300]
