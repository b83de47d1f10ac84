"""Late fees in QuickBooks: an invoice with one line of the item that the policy names (developer.intuit.com, Invoice).

QuickBooks repeats the first answer to a `requestid` of at most 50 characters, for how long it does not say
(blogs.intuit.com/2015/04/06/15346); beyond that the customer's younger invoices are asked for the fee's id,
which is their number and begins their private note.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from dunning.domain.errors import Permanent, Retryable
from dunning.domain.invoice import Snapshot
from dunning.domain.money import Money
from dunning.providers.http_client import HttpAnswer
from dunning.providers.json_reading import JsonObject, as_object, child, iso_instant, items, text
from dunning.providers.oauth_api import OAuthApi
from dunning.providers.quickbooks_objects import FEE_LINE, fee_in, fee_note, literal, snapshot_of, split_customer_id
from dunning.workflow.fee_port import FeeOrder

_MINOR_VERSION = {"minorversion": "75"}
_PAGE = 1000
_BAD_REQUEST = 400


class QuickBooksFees:
    """A FeeBook."""

    def __init__(self, api: OAuthApi, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock

    def charge(self, order: FeeOrder) -> Snapshot:
        """The fee's invoice; its payment link comes with the next fetch."""
        company, customer = split_customer_id(order.customer)
        stamp = self._clock()
        with self._api.pace.turn(company, 2):
            # A bookkeeper's copy of it has its note, too, and is younger.
            rows = [row for row in self._younger(company, customer, order) if order.id in (fee_in(row)[0], text(row, "DocNumber"))]
            found = min(rows, key=_created, default=None)
            invoice = found if found is not None else self._written(company, customer, order)
        snapshot = snapshot_of(company, invoice, stamp, home=order.currency)
        if snapshot is None or snapshot.is_bare:
            raise Permanent(f"QuickBooks' invoice {text(invoice, 'Id')} of the late fee {order.id} cannot be read")
        return replace(snapshot, fee_id=order.id)

    def _younger(self, company: str, customer: str, order: FeeOrder) -> Iterator[JsonObject]:
        """The customer's invoices that were made since the one that the fee is on."""
        since = f"{order.not_before.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        start = 1
        while True:
            condition = f"CustomerRef = {literal(customer)} AND MetaData.CreateTime >= '{since}'"
            query = " ".join(("select * from Invoice where", condition, f"STARTPOSITION {start} MAXRESULTS {_PAGE}"))
            answer = self._api.get(company, f"/v3/company/{quote(company, safe='')}/query", {**_MINOR_VERSION, "query": query})
            response = child(answer.json(), "QueryResponse")
            if response is None:
                raise Retryable("QuickBooks answered a query without QueryResponse")
            rows = items(response, "Invoice")
            yield from rows
            if len(rows) < _PAGE:
                return
            start += len(rows)

    def _written(self, company: str, customer: str, order: FeeOrder) -> JsonObject:
        path = f"/v3/company/{quote(company, safe='')}/invoice"
        answer = self._api.send(
            "POST", company, path, {**_MINOR_VERSION, "requestid": order.id}, _invoice(customer, order), tells=_is_refused
        )
        if _is_refused(answer):
            raise Permanent(f"QuickBooks does not take the late fee {order.id} on invoice {order.invoice_number}: {_said(answer)}")
        invoice = child(answer.json(), "Invoice")
        if invoice is None:
            raise Retryable(f"QuickBooks answered {path} without Invoice")
        return invoice


def _invoice(customer: str, order: FeeOrder) -> JsonObject:
    amount = float(Money(order.amount, order.currency).as_decimal())
    # Outside the US every line must name a tax code (error 6000 without); there `TAX` and `NON` are all there is.
    taxed = {"TaxCodeRef": {"value": order.tax_code}} if order.tax_code else {}
    return {
        "CustomerRef": {"value": customer},
        "CurrencyRef": {"value": order.currency},
        "DocNumber": order.id,
        "TxnDate": order.day.isoformat(),
        "DueDate": (order.day + timedelta(days=order.due_in)).isoformat(),
        "PrivateNote": fee_note(order.id, order.invoice_id, order.invoice_number, order.lines),
        "Line": [
            {
                "Amount": amount,
                "DetailType": "SalesItemLineDetail",
                "Description": f"{FEE_LINE}{order.invoice_number}: {'; '.join(order.lines)}"[:4000],
                "SalesItemLineDetail": {"ItemRef": {"value": order.booked_to}, "Qty": 1, "UnitPrice": amount, **taxed},
            }
        ],
    }


def _created(invoice: JsonObject) -> tuple[str, int, str]:
    made = iso_instant(child(invoice, "MetaData"), "CreateTime")
    bare = text(invoice, "Id") or ""
    return (made.astimezone(UTC).isoformat() if made else "~", len(bare), bare)


def _is_refused(answer: HttpAnswer) -> bool:
    return answer.status == _BAD_REQUEST and answer.json() is not None


def _said(answer: HttpAnswer) -> str:
    """QuickBooks' own words: they name the item or the field, and nothing of the customer was sent."""
    fault = child(answer.json(), "Fault") or {}
    errors = fault.get("Error")
    first = as_object(errors[0]) if isinstance(errors, list) and errors else None
    return (text(first, "Detail") or text(first, "Message") or "it says no reason")[:300]
