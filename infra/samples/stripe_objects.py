"""Stripe's objects as its API of 2026-10-28 renders them (shapes: stripe/openapi, fixtures of the invoice, dispute and event).

Ids are derived from the sample's own names, so that every run has the same ones.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from infra.samples.book import Customer, Sample

API_VERSION = "2026-10-28.endive"
LOCAL_SECRET = b"whsec_local"

Json = dict[str, object]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def stripe_id(prefix: str, name: str, length: int = 24) -> str:
    """An id that looks like Stripe's and depends on nothing but its name."""
    number = int.from_bytes(hashlib.sha256(f"{prefix} {name}".encode()).digest(), "big")
    digits: list[str] = []
    while len(digits) < length:
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return f"{prefix}_{''.join(digits)}"


def customer_id(customer: Customer) -> str:
    """The bare Stripe id of a sample's customer."""
    return stripe_id("cus", customer.key, 14)


def invoice_id(sample: Sample) -> str:
    """The bare Stripe id of a sample's invoice."""
    return stripe_id("in", sample.number)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment on an invoice: minor units and the instant."""

    amount: int
    at: datetime


@dataclass(frozen=True, slots=True)
class InvoiceState:
    """An invoice at one instant of its life. `contact` replaces the customer's address once it was changed."""

    sample: Sample
    created: datetime
    due: datetime | None
    status: str = "draft"
    payments: tuple[Payment, ...] = ()
    closed_at: datetime | None = None
    attempts: int = 0
    email: str | None = None

    @property
    def paid(self) -> int:
        """What has been paid so far, in minor units."""
        return sum(payment.amount for payment in self.payments)

    def pay(self, amount: int, at: datetime) -> "InvoiceState":
        """The invoice after a payment; settled when nothing remains."""
        state = replace(self, payments=(*self.payments, Payment(amount, at)))
        return replace(state, status="paid", closed_at=at) if state.paid >= self.sample.total else state


def unix(at: datetime) -> int:
    """Whole seconds since 1970, as Stripe writes instants."""
    return int(at.timestamp())


def customer_json(customer: Customer, email: str | None = None) -> Json:
    """A customer object."""
    return {
        "id": customer_id(customer),
        "object": "customer",
        "address": _address(customer),
        "balance": 0,
        "currency": None,
        "delinquent": False,
        "description": None,
        "email": email or customer.email,
        "livemode": False,
        "metadata": {},
        "name": customer.name,
        "phone": customer.phone,
        "preferred_locales": [],
    }


def invoice_json(state: InvoiceState) -> Json:
    """An invoice object."""
    sample, issued = state.sample, state.status != "draft"
    closed = None if state.closed_at is None else unix(state.closed_at)
    link = f"https://invoice.stripe.com/i/acct_1TzLocalDunning/{stripe_id('test', sample.number, 40)}"
    return {
        "id": invoice_id(sample),
        "object": "invoice",
        "account_country": "GB",
        "account_name": "Larkfield Supply",
        "amount_due": sample.total,
        "amount_overpaid": 0,
        "amount_paid": state.paid,
        "amount_remaining": sample.total - state.paid,
        "amount_shipping": 0,
        "attempt_count": state.attempts,
        "attempted": state.attempts > 0,
        "auto_advance": sample.charged_automatically and state.status == "open",
        "billing_reason": "manual",
        "collection_method": "charge_automatically" if sample.charged_automatically else "send_invoice",
        "created": unix(state.created),
        "currency": sample.currency.lower(),
        "customer": customer_id(sample.customer),
        "customer_account": None,
        "customer_address": _address(sample.customer),
        "customer_email": sample.customer.email,
        "customer_name": sample.customer.name,
        "customer_phone": sample.customer.phone,
        "customer_tax_exempt": "none",
        "default_payment_method": None,
        "description": sample.about,
        "due_date": None if state.due is None else unix(state.due),
        "effective_at": unix(state.created) if issued else None,
        "ending_balance": 0 if issued else None,
        "hosted_invoice_url": link if issued else None,
        "invoice_pdf": f"{link}/pdf" if issued else None,
        "lines": _lines(sample, state.created),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": sample.number if issued else None,
        "parent": None,
        "payments": _payments(state),
        "period_end": unix(state.created),
        "period_start": unix(state.created),
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "status": state.status,
        "status_transitions": {
            "finalized_at": unix(state.created) if issued else None,
            "marked_uncollectible_at": closed if state.status == "uncollectible" else None,
            "paid_at": closed if state.status == "paid" else None,
            "voided_at": closed if state.status == "void" else None,
        },
        "subtotal": sample.total,
        "subtotal_excluding_tax": sample.total,
        "total": sample.total,
        "total_excluding_tax": sample.total,
        "webhooks_delivered_at": unix(state.created) if issued else None,
    }


def dispute_json(state: InvoiceState, payment: int, at: datetime, status: str) -> Json:
    """A dispute about one of the invoice's payments; it names the charge and the payment intent, never the invoice."""
    name = f"{state.sample.number}/{payment}"
    return {
        "id": stripe_id("dp", name),
        "object": "dispute",
        "amount": state.payments[payment].amount,
        "balance_transactions": [],
        "charge": stripe_id("ch", name),
        "created": unix(at),
        "currency": state.sample.currency.lower(),
        "evidence_details": {"due_by": unix(at) + 7 * 86_400, "has_evidence": False, "past_due": False, "submission_count": 0},
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": stripe_id("pi", name),
        "payment_method_details": {"card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "13.1"}, "type": "card"},
        "reason": "product_not_received",
        "status": status,
    }


def event_json(name: str, kind: str, obj: Json, at: datetime) -> Json:
    """An event with its snapshot."""
    return {
        "id": stripe_id("evt", name),
        "object": "event",
        "api_version": API_VERSION,
        "created": unix(at),
        "data": {"object": obj},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def encode(obj: Json) -> bytes:
    """The bytes that Stripe signs."""
    return json.dumps(obj, indent=2, ensure_ascii=False).encode()


def sign(body: bytes, at: datetime, secret: bytes = LOCAL_SECRET) -> dict[str, str]:
    """The headers of a delivery at this instant."""
    stamp = unix(at.astimezone(UTC))
    mac = hmac.new(secret, f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": f"t={stamp},v1={mac}"}


def _address(customer: Customer) -> Json:
    return {"city": customer.city, "country": customer.country, "line1": None, "line2": None, "postal_code": None, "state": None}


def _lines(sample: Sample, created: datetime) -> Json:
    line: Json = {
        "id": stripe_id("il", sample.number),
        "object": "line_item",
        "amount": sample.total,
        "currency": sample.currency.lower(),
        "description": sample.about,
        "discountable": True,
        "invoice": invoice_id(sample),
        "livemode": False,
        "metadata": {},
        "period": {"end": unix(created), "start": unix(created)},
        "quantity": 1,
        "subtotal": sample.total,
    }
    return {"object": "list", "data": [line], "has_more": False, "total_count": 1, "url": f"/v1/invoices/{invoice_id(sample)}/lines"}


def _payments(state: InvoiceState) -> Json:
    rows: list[Json] = []
    for position, payment in enumerate(state.payments):
        name = f"{state.sample.number}/{position}"
        rows.append(
            {
                "id": stripe_id("inpay", name),
                "object": "invoice_payment",
                "amount_paid": payment.amount,
                "amount_requested": payment.amount,
                "created": unix(payment.at),
                "currency": state.sample.currency.lower(),
                "invoice": invoice_id(state.sample),
                "is_default": position == 0,
                "livemode": False,
                "payment": {"type": "payment_intent", "payment_intent": stripe_id("pi", name)},
                "status": "paid",
                "status_transitions": {"canceled_at": None, "paid_at": unix(payment.at)},
            }
        )
    return {"object": "list", "data": rows, "has_more": False, "url": "/v1/invoice_payments"}
