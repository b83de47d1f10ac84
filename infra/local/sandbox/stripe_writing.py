"""Stripe, written to: draft invoices, items on them, finalising, sending, under idempotency keys (docs.stripe.com/api)."""

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from infra.local.http.wire import Answer, Request, json_answer
from infra.local.json_edges import Json, mapping, mappings
from infra.local.sandbox.account import find
from infra.local.sandbox.ledger import Ledger
from infra.local.sandbox.listing import ApiError, Query

KEYS_ARE_KEPT = timedelta(hours=24)
_METADATA = re.compile(r"metadata\[([^\]]+)\]")
_OF_A_DRAFT = frozenset(
    "customer currency collection_method days_until_due due_date auto_advance pending_invoice_items_behavior description footer".split()
)
_OF_AN_ITEM = frozenset("customer invoice amount currency description discountable".split())
_LAST_DIGIT_ZERO = frozenset("BHD JOD KWD OMR TND".split())
_OTHER_BODY = (
    "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than this one."
)


@dataclass(frozen=True, slots=True)
class _Kept:
    asked: tuple[str, bytes]
    answer: Answer
    at: datetime


class Keys:
    """The answers kept for idempotency keys. What was refused before anything was done is not kept."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def answer(self, request: Request, act: Callable[[], Json]) -> Answer:
        """The answer kept for the request's key, or a new one. Raises ApiError for a key of another request."""
        key = request.headers.get("idempotency-key", "")
        known = self._kept.get(key)
        if not key or known is None or known.at + KEYS_ARE_KEPT <= self._clock():
            answer = json_answer(act())
            self._kept[key] = _Kept((request.path, request.body), answer, self._clock())
            return answer
        if known.asked != (request.path, request.body):
            raise ApiError(400, _OTHER_BODY, kind="idempotency_error")
        return Answer(known.answer.status, known.answer.body, {**known.answer.headers, "Idempotent-Replayed": "true"})


class Drafts:
    """Invoices made through the API. `tell` hears of each event (type, the invoice as it was then). Its owner locks."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime], tell: Callable[[str, Json], None]) -> None:
        self._ledger = ledger
        self._clock = clock
        self._tell = tell
        self._numbers = itertools.count(1)

    def create(self, form: Query) -> Json:
        """POST /v1/invoices."""
        _refuse_others(form, _OF_A_DRAFT)
        customer, currency = _needed(form, "customer"), _needed(form, "currency")
        if find(self._ledger, "customer", customer) is None:
            raise ApiError(400, f"No such customer: '{customer}'", code="resource_missing", param="customer")
        sends = _one(form, "collection_method") == "send_invoice"
        if sends and not ("days_until_due" in form or "due_date" in form):
            raise ApiError(400, "If invoices are sent, days_until_due or due_date must be given.", param="days_until_due")
        now = int(self._clock().timestamp())
        due = int(_one(form, "due_date") or now + int(_one(form, "days_until_due") or 0) * 86400) if sends else None
        number = next(self._numbers)
        return self._kept(
            {
                "id": f"in_local_{number}",
                "object": "invoice",
                "amount_due": 0,
                "amount_paid": 0,
                "amount_remaining": 0,
                "auto_advance": _one(form, "auto_advance") == "true",
                "collection_method": "send_invoice" if sends else "charge_automatically",
                "created": now,
                "currency": currency,
                "customer": customer,
                "description": _one(form, "description"),
                "due_date": due,
                "hosted_invoice_url": None,
                "lines": {"object": "list", "data": [], "has_more": False, "total_count": 0},
                "livemode": False,
                "metadata": {match[1]: values[-1] for name, values in form.items() if (match := _METADATA.fullmatch(name))},
                "number": None,
                "status": "draft",
                "total": 0,
            },
            "invoice.created",
        )

    def add_item(self, form: Query) -> Json:
        """POST /v1/invoiceitems, with the draft it is for."""
        _refuse_others(form, _OF_AN_ITEM)
        draft = self._in_status(_needed(form, "invoice"), "draft")
        if _one(form, "currency") != draft["currency"] or _one(form, "customer") != draft["customer"]:
            raise ApiError(400, "The item's customer and currency must be its invoice's.", param="invoice")
        amount = int(_needed(form, "amount"))
        if str(draft["currency"]).upper() in _LAST_DIGIT_ZERO and amount % 10:
            raise ApiError(400, "Amounts in three-decimal currencies must end in 0.", code="amount_invalid", param="amount")
        item: Json = {"id": f"ii_local_{next(self._numbers)}", "object": "invoiceitem", "amount": amount, "invoice": draft["id"]}
        lines = mappings(mapping(draft.get("lines")).get("data"))
        line: Json = {**item, "object": "line_item", "description": _one(form, "description")}
        total = sum(int(str(each["amount"])) for each in [*lines, line])
        listed = {"object": "list", "data": [*lines, line], "has_more": False, "total_count": len(lines) + 1}
        self._kept(draft | {"lines": listed, "total": total, "amount_due": total, "amount_remaining": total}, "invoice.updated")
        return item

    def finalise(self, invoice_id: str) -> Json:
        """POST /v1/invoices/{id}/finalize; what is for nothing is paid at once."""
        draft = self._in_status(invoice_id, "draft")
        customer = find(self._ledger, "customer", str(draft["customer"])) or {}
        now = int(self._clock().timestamp())
        opened = draft | {
            "status": "open" if draft["total"] else "paid",
            "number": f"LOCAL-{next(self._numbers):04}",
            "hosted_invoice_url": f"https://invoice.stripe.example/i/{invoice_id}",
            "invoice_pdf": f"https://invoice.stripe.example/i/{invoice_id}/pdf",
            "status_transitions": {"finalized_at": now},
            "customer_email": customer.get("email"),
            "customer_name": customer.get("name"),
            "customer_phone": customer.get("phone"),
            "customer_address": customer.get("address"),
        }
        return self._kept(opened, "invoice.finalized")

    def send(self, invoice_id: str) -> Json:
        """POST /v1/invoices/{id}/send."""
        invoice = self._in_status(invoice_id, "open")
        self._tell("invoice.sent", invoice)
        return invoice

    def _in_status(self, invoice_id: str, status: str) -> Json:
        found = find(self._ledger, "invoice", invoice_id)
        if found is None:
            raise ApiError(404, f"No such invoice: '{invoice_id}'", code="resource_missing", param="invoice")
        if found.get("status") != status:
            raise ApiError(400, f"This invoice is {found.get('status')}, and must be {status}.", code=f"invoice_not_{status}")
        return found

    def _kept(self, invoice: Json, event: str) -> Json:
        self._ledger.put("invoice", invoice, int(self._clock().timestamp()))
        self._tell(event, invoice)
        return invoice


def event_body(number: int, kind: str, thing: Json, now: datetime) -> bytes:
    """A webhook's body."""
    event = {
        "id": f"evt_local_{number}",
        "object": "event",
        "api_version": "2026-09-30.endive",
        "created": int(now.timestamp()),
        "type": kind,
        "data": {"object": thing},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
    }
    return json.dumps(event).encode()


def _one(form: Query, name: str) -> str | None:
    return form[name][-1] if name in form else None


def _needed(form: Query, name: str) -> str:
    value = _one(form, name)
    if not value:
        raise ApiError(400, f"Missing required param: {name}.", code="parameter_missing", param=name)
    return value


def _refuse_others(form: Mapping[str, object], known: frozenset[str]) -> None:
    other = sorted(name for name in form if name not in known and not _METADATA.fullmatch(name))
    if other:
        raise ApiError(400, f"Received unknown parameter: {other[0]}", code="parameter_unknown", param=other[0])
