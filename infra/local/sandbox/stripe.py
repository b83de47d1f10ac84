"""Stripe, as far as the product reads and writes it: verified webhooks in, Stripe's own API out.

Its memory is its own: it listens to the same signed webhooks as the product, before the product answers them, because what
Stripe holds does not depend on whether we took the news.
"""

import base64
import hashlib
import hmac
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import parse_qs, quote, unquote

from dunning.domain.errors import Rejected
from infra.local.http.wire import Answer, Request, json_answer
from infra.local.json_edges import Json
from infra.local.sandbox.account import find, invoice_payments
from infra.local.sandbox.ledger import Ledger, child, ident, parse_object, rows
from infra.local.sandbox.listing import ApiError, Matches, Query, equals, instants, page
from infra.local.sandbox.paper import pdf
from infra.local.sandbox.stripe_writing import Drafts, Keys, event_body

WEBHOOK_SECRET = "whsec_local"
API_KEY = "sk_test_local"
TOLERANCE = 300
_STATUSES = frozenset({"draft", "open", "paid", "void", "uncollectible"})
_AMOUNTS = ("amount_due", "amount_paid", "amount_remaining", "total")
_PAPER = "/invoice/acct_local/"
_MOST_KEYS = 50
_LONGEST_VALUE = 500
_METADATA = re.compile(r"metadata\[([^\]]+)\]")
_KINDS = {
    "invoices": "invoice",
    "customers": "customer",
    "charges": "charge",
    "disputes": "dispute",
    "credit_notes": "credit_note",
    "invoice_payments": "invoice_payment",
    "payment_intents": "payment_intent",
}


class StripeSandbox:
    """One Stripe account. Safe under threads, with a lock of its own; `clock` is the virtual time (UTC)."""

    name = "stripe"

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._ledger = Ledger()
        self._lock = threading.Lock()
        self._keys = Keys(clock)
        self._drafts = Drafts(self._ledger, clock, self._tell)
        self._untold: deque[bytes] = deque()

    def observe(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Take in a webhook that carries our signature; answers whether it did. Header names in lower case."""
        if not _signed(headers.get("stripe-signature", ""), body, self._clock().timestamp()):
            return False
        with self._lock:
            self._ledger.hear(body)
        return True

    def put_invoice(self, invoice_id: str, raw: bytes) -> Json:
        """Make this JSON the invoice, as taken now. Raises Rejected naming the field that cannot be."""
        try:
            body = parse_object(raw)
        except ValueError as exc:
            raise Rejected(f"the body is no JSON object: {exc}") from exc
        if body.setdefault("id", invoice_id) != invoice_id:
            raise Rejected(f"the body's id is {body['id']!r}, the address says {invoice_id!r}")
        _check_invoice(body)
        body["object"] = "invoice"
        with self._lock:
            self._ledger.put("invoice", body, int(self._clock().timestamp()))
        return body

    def invoice(self, invoice_id: str) -> Json | None:
        """The invoice as held; None when no verified word about it has come."""
        with self._lock:
            return self._ledger.get("invoice", invoice_id)

    def put_customer(self, customer_id: str, body: Json) -> None:
        """Make this the customer, beside what was known; a negative `balance` is credit."""
        with self._lock:
            known = find(self._ledger, "customer", customer_id) or {}
            self._ledger.put("customer", {**known, **body, "id": customer_id, "object": "customer"}, int(self._clock().timestamp()))

    def put_credit(self, credit_id: str, body: Json) -> None:
        """Raises Rejected: at Stripe credit lies on the customer."""
        raise Rejected(f"Stripe holds no credit {credit_id!r} by itself: PUT …/customers/cus_… with a negative balance")

    def invoices(self) -> list[Json]:
        """All invoices as held."""
        with self._lock:
            return self._ledger.all("invoice")

    def customers(self) -> list[str]:
        """Bare ids of the customers whose invoices are held, in the order of their first invoice."""
        with self._lock:
            return list(dict.fromkeys(who for invoice in self._ledger.all("invoice") if (who := ident(invoice.get("customer")))))

    def answer(self, request: Request) -> Answer:
        """What api.stripe.com would answer."""
        try:
            if request.path.startswith(_PAPER):
                return self._paper(request.path)
            _authorise(request.headers.get("authorization", ""))
            with self._lock:
                if request.method == "POST":
                    return self._keys.answer(request, lambda: self._written(request))
                return json_answer(self._route(request))
        except ApiError as exc:
            return exc.answer()

    def _route(self, request: Request) -> Json:
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        query: Query = parse_qs(request.query, keep_blank_values=True)
        match request.method, parts:
            case "GET", ["v1", "invoices"]:
                found = page("/v1/invoices", self._invoices(), query, _INVOICE_FILTERS)
                return found | {"data": [self._expanded(row, query, "data.customer") for row in rows(found, "data")]}
            case "GET", ["v1", "customers"]:
                return page("/v1/customers", self._ledger.all("customer"), query, instants("created") | {"email": equals("email")})
            case "GET", ["v1", "invoice_payments"]:
                return page("/v1/invoice_payments", invoice_payments(self._ledger), query, _PAYMENT_FILTERS)
            case "GET", ["v1", "events"]:
                events = [event for event in self._ledger.events.values() if event.get("object") == "event"]
                return page("/v1/events", events, query, _EVENT_FILTERS)
            case "GET", ["v1", "events", event_id] | ["v2", "core", "events", event_id]:
                return _existing("event", event_id, self._ledger.events.get(event_id))
            case "GET", ["v1", kind, object_id] if kind in _KINDS:
                found = _existing(_KINDS[kind], object_id, find(self._ledger, _KINDS[kind], object_id))
                if kind == "invoices" and found.get("status") != "draft":
                    # What stands there leads to Stripe itself, or nowhere: this account's paper lies here.
                    found = found | {"invoice_pdf": f"http://{request.headers.get('host', '')}{_PAPER}{quote(object_id, safe='')}/pdf"}
                return self._expanded(found, query, "customer")
        raise ApiError(404, f"Unrecognized request URL ({request.method}: {request.path}).")

    def _written(self, request: Request) -> Json:
        form: Query = parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        match [unquote(part) for part in request.path.strip("/").split("/")]:
            case ["v1", "invoices"]:
                return self._drafts.create(form)
            case ["v1", "invoiceitems"]:
                return self._drafts.add_item(form)
            case ["v1", "invoices", invoice_id, "finalize"]:
                return self._drafts.finalise(invoice_id)
            case ["v1", "invoices", invoice_id, "send"]:
                return self._drafts.send(invoice_id)
            case ["v1", "invoices", invoice_id]:
                return self._annotate(invoice_id, form)
        raise ApiError(404, f"Unrecognized request URL ({request.method}: {request.path}).")

    def _tell(self, kind: str, invoice: Json) -> None:
        """Keep the event, and the webhook that carries it."""
        body = event_body(len(self._ledger.events) + 1, kind, invoice, self._clock())
        self._ledger.events[str(parse_object(body)["id"])] = parse_object(body)
        self._untold.append(body)

    def next_webhook(self) -> bytes | None:
        """The next event that what was written through the API caused, to be delivered."""
        with self._lock:
            return self._untold.popleft() if self._untold else None

    def _invoices(self) -> list[Json]:
        return [invoice for invoice in self._ledger.all("invoice") if invoice.get("deleted") is not True]

    def _paper(self, path: str) -> Answer:
        """The PDF behind an invoice's link, which needs no key (docs.stripe.com/api/invoices/object, invoice_pdf)."""
        invoice = self.invoice(unquote(path.removeprefix(_PAPER).removesuffix("/pdf")))
        if invoice is None:
            return Answer(404)
        return Answer(200, pdf(f"Invoice {invoice.get('number') or invoice['id']}"), {"Content-Type": "application/pdf"})

    def _expanded(self, row: Json, query: Query, name: str) -> Json:
        """The object with its customer in place of the customer's id, where that was asked for (docs.stripe.com/api/expanding_objects)."""
        if all(name not in query.get(key, ()) for key in ("expand[]", "expand[0]")):
            return row
        customer = find(self._ledger, "customer", ident(row.get("customer")) or "")
        return row | {"customer": customer} if customer else row

    def _annotate(self, invoice_id: str, form: Query) -> Json:
        _existing("invoice", invoice_id, find(self._ledger, "invoice", invoice_id))
        notes: dict[str, str] = {}
        for name, values in form.items():
            key = _METADATA.fullmatch(name)
            if key is None:
                raise ApiError(400, f"Finalized invoices can't be updated in this way: {name}", param=name)
            if len(values[-1]) > _LONGEST_VALUE:
                raise ApiError(400, f"Metadata values can have up to {_LONGEST_VALUE} characters", param=name)
            notes[key[1]] = values[-1]
        known = child(self._ledger.get("invoice", invoice_id) or {}, "metadata")
        if len({*known, *notes} - {key for key, value in notes.items() if value == ""}) > _MOST_KEYS:
            raise ApiError(400, f"Metadata can have up to {_MOST_KEYS} keys", param="metadata")
        self._ledger.annotate(invoice_id, notes)
        return _existing("invoice", invoice_id, find(self._ledger, "invoice", invoice_id))


def _customer_is(row: Json, wanted: str) -> bool:
    return ident(row.get("customer")) == wanted


def _paid_with(field: str) -> Matches:
    return lambda row, wanted: child(row, "payment").get(field) == wanted


_INVOICE_FILTERS: dict[str, Matches] = {
    "status": equals("status"),
    "collection_method": equals("collection_method"),
    "subscription": equals("subscription"),
    "customer": _customer_is,
    **instants("created"),
    **instants("due_date"),
}
_PAYMENT_FILTERS: dict[str, Matches] = {
    "invoice": equals("invoice"),
    "status": equals("status"),
    "payment[type]": _paid_with("type"),
    "payment[payment_intent]": _paid_with("payment_intent"),
    "payment[charge]": _paid_with("charge"),
    **instants("created"),
}
_EVENT_FILTERS: dict[str, Matches] = {
    "type": equals("type"),
    "types[]": equals("type"),
    "delivery_success": lambda _row, wanted: wanted == "true",
    **instants("created"),
}


def _existing(kind: str, object_id: str, body: Json | None) -> Json:
    if body is None:
        raise ApiError(404, f"No such {kind}: '{object_id}'", code="resource_missing", param="id" if kind == "customer" else kind)
    return body


def _check_invoice(body: Json) -> None:
    if body.get("object", "invoice") != "invoice":
        raise Rejected(f"object is {body['object']!r}: give an invoice")
    if body.get("deleted") is True:
        return
    if body.get("status") not in _STATUSES:
        raise Rejected(f"status is {body.get('status')!r}: give one of {', '.join(sorted(_STATUSES))}")
    for name in _AMOUNTS:
        amount = body.get(name)
        if amount is not None and (not isinstance(amount, int) or isinstance(amount, bool)):
            raise Rejected(f"{name} is {amount!r}: give an integer of minor units")


def _authorise(header: str) -> None:
    """The secret key as a bearer token, or as the user of Basic authentication (docs.stripe.com/api/authentication)."""
    scheme, _, credentials = header.partition(" ")
    key = credentials.strip()
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(key, validate=True).decode().partition(":")[0]
        except ValueError:
            key = ""
    if not header:
        raise ApiError(401, "You did not provide an API key. You need to provide your API key in the Authorization header.")
    if scheme.lower() not in ("basic", "bearer") or not hmac.compare_digest(key.encode(), API_KEY.encode()):
        raise ApiError(401, f"Invalid API Key provided: {key[:8]}***")


_LONGEST_STAMP = 12


def _signed(header: str, body: bytes, now: float) -> bool:
    """Whether Stripe's signature scheme holds (docs.stripe.com/webhooks), independent of the product's own reading of it."""
    fields = [part.strip().partition("=")[::2] for part in header.split(",")]
    stamp = next((value for name, value in fields if name == "t" and value.isdecimal()), None)
    if stamp is None or len(stamp) > _LONGEST_STAMP or abs(now - int(stamp)) > TOLERANCE:
        return False
    expected = hmac.new(WEBHOOK_SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return any(name == "v1" and hmac.compare_digest(value.encode(), expected.encode()) for name, value in fields)
