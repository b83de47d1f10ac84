"""Late fees in Stripe: a draft, an item on the draft, finalised, sent (docs.stripe.com/invoicing/integration).

Each request carries an idempotency key of its own, drawn from the fee's id. Stripe keeps keys for a day at least; what lies
longer back is found in the list of the customer's invoices, which is asked first of all.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from dunning.domain.errors import Permanent
from dunning.domain.invoice import Snapshot
from dunning.domain.money import smallest_at
from dunning.providers.json_reading import JsonObject, child, items, text, unix_instant
from dunning.providers.stripe_api import StripeApi
from dunning.providers.stripe_objects import FEE, FEE_FOR, bare_customer_id, in_stripes_unit, snapshot_of
from dunning.workflow.fee_port import FeeOrder

KEYS_LAST = timedelta(hours=23)
"""After this a repeated `send` would be a second mail: Stripe forgets keys from 24 hours on."""

_LONGEST_DESCRIPTION = 500
_PAGE = 100


class StripeFees:
    """A FeeBook. Whatever it finds half done it finishes."""

    def __init__(self, api: StripeApi, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock

    def charge(self, order: FeeOrder) -> Snapshot:
        """The fee's invoice. A draft of it that a dead worker left is completed."""
        stamp = self._clock()
        invoice = self._found(order) or self._drafted(order)
        name = text(invoice, "id") or ""
        if text(invoice, "status") == "draft":
            if not items(child(invoice, "lines") or {}, "data"):
                self._add_item(order, name)
            invoice = self._post(f"/v1/invoices/{name}/finalize", {}, order, "finalise")
        if text(invoice, "status") == "open" and stamp - (unix_instant(invoice, "created") or stamp) < KEYS_LAST:
            invoice = self._post(f"/v1/invoices/{name}/send", {}, order, "send")
        snapshot = snapshot_of(invoice, stamp)
        if snapshot is None or snapshot.is_bare:
            raise Permanent(f"Stripe's invoice {name} of the late fee {order.id} cannot be read")
        return snapshot

    def _found(self, order: FeeOrder) -> JsonObject | None:
        """By the list, which knows what was written a moment ago; the search does not (docs.stripe.com/search)."""
        query: dict[str, object] = {
            "customer": bare_customer_id(order.customer),
            "created": {"gte": int(order.not_before.timestamp())},
            "limit": _PAGE,
        }
        while True:
            page = self._api.get("/v1/invoices", query)
            rows = items(page, "data")
            for row in rows:
                if text(child(row, "metadata"), FEE) == order.id:
                    return row
            if not rows or page.get("has_more") is not True:
                return None
            query["starting_after"] = text(rows[-1], "id")

    def _drafted(self, order: FeeOrder) -> JsonObject:
        smallest = smallest_at("stripe", order.currency)
        if order.amount % smallest:  # of before fees were rounded; another amount than a person accepted is never written
            raise Permanent(f"Stripe takes amounts in {order.currency} only in multiples of {smallest} minor units: decline {order.id}")
        draft = {
            "customer": bare_customer_id(order.customer),
            "currency": order.currency.lower(),
            "collection_method": "send_invoice",
            "days_until_due": order.due_in,
            "auto_advance": False,
            "pending_invoice_items_behavior": "exclude",
            "description": f"Late fee on invoice {order.invoice_number}",
            "metadata": {FEE: order.id, FEE_FOR: order.invoice_id},
        }
        return self._post("/v1/invoices", draft, order, "draft")

    def _add_item(self, order: FeeOrder, invoice: str) -> None:
        reckoning = "; ".join(order.lines)
        item = {
            "customer": bare_customer_id(order.customer),
            "invoice": invoice,
            "amount": in_stripes_unit(order.amount, order.currency),
            "currency": order.currency.lower(),
            "description": f"Late fee on invoice {order.invoice_number}: {reckoning}"[:_LONGEST_DESCRIPTION],
            "discountable": False,
            "metadata": {FEE: order.id},
        }
        self._post("/v1/invoiceitems", item, order, "item")

    def _post(self, path: str, params: Mapping[str, object], order: FeeOrder, what: str) -> JsonObject:
        answer = self._api.post(path, params, f"dunning-{order.id}-{what}")
        if answer is None:
            raise Permanent(f"Stripe knows nothing of {path} any more: the late fee {order.id} was deleted there; decline it, or redrive")
        return answer
