"""Stripe's objects and events, made up, in the shapes of two API versions."""

import json
from datetime import UTC, datetime

CREATED = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DUE = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)
FINALISED = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
Payload = dict[str, object]


def invoice(**changes: object) -> Payload:
    """An open invoice as API versions of 2025-03-31 and later show it."""
    shown: Payload = {
        "id": "in_1",
        "object": "invoice",
        "amount_due": 120_00,
        "amount_paid": 20_00,
        "amount_remaining": 100_00,
        "amount_overpaid": 0,
        "collection_method": "send_invoice",
        "created": int(datetime(2026, 2, 28, tzinfo=UTC).timestamp()),
        "currency": "eur",
        "customer": "cus_1",
        "customer_address": {"city": "Vienna", "country": "AT"},
        "customer_email": "ap@acme.example",
        "customer_name": "Acme GmbH",
        "customer_phone": "+431234567",
        "due_date": int(DUE.timestamp()),
        "hosted_invoice_url": "https://invoice.stripe.example/i/1",
        "number": "ACME-0007",
        "status": "open",
        "status_transitions": {"finalized_at": int(FINALISED.timestamp()), "paid_at": None},
        "total": 120_00,
        "parent": None,
    }
    return {**shown, **changes}


def legacy_invoice(**changes: object) -> Payload:
    """The same invoice as API version 2020-08-27 shows it."""
    old: Payload = {"paid": False, "charge": "ch_1", "payment_intent": "pi_1", "subscription": None}
    shown = {**invoice(), **old, **changes}
    for later in ("amount_overpaid", "parent"):
        shown.pop(later)
    return shown


def event(type_: str, subject: Payload, **changes: object) -> Payload:
    """A snapshot event about an object."""
    shown: Payload = {
        "id": "evt_1",
        "object": "event",
        "api_version": "2025-09-30.clover",
        "created": int(CREATED.timestamp()),
        "data": {"object": subject},
        "livemode": True,
        "pending_webhooks": 1,
        "type": type_,
    }
    return {**shown, **changes}


def thin_event(type_: str, related_type: str, related_id: str, **changes: object) -> Payload:
    """An event that only names its object."""
    shown: Payload = {
        "id": "evt_thin_1",
        "object": "v2.core.event",
        "created": "2026-03-02T08:00:00.000Z",
        "livemode": True,
        "related_object": {"id": related_id, "type": related_type, "url": f"/v1/{related_type}s/{related_id}"},
        "type": type_,
    }
    return {**shown, **changes}


def body(payload: object) -> bytes:
    """The bytes that Stripe would send."""
    return json.dumps(payload, indent=2).encode()
