"""Xero's webhooks: which invoices, contacts and credit notes of which tenant changed."""

from datetime import datetime

from dunning.domain.errors import Rejected
from dunning.providers.json_reading import as_object, items, text
from dunning.providers.webhook_signature import parse
from dunning.workflow.ports import SyncRequest
from dunning.workflow.source_events import FetchKind

SOURCE = "xero"
SIGNATURE_HEADER = "x-xero-signature"
_KINDS = {"INVOICE": FetchKind.INVOICE, "CONTACT": FetchKind.CUSTOMER, "CREDITNOTE": FetchKind.CREDIT_NOTE}


def read_events(raw: bytes, received_at: datetime) -> tuple[SyncRequest, ...]:
    """What must be looked at, each thing once; none for an intent-to-receive check. Bills look like invoices until fetched.

    Raises Rejected for a body without a list of events. Entries that lack a tenant, a category or an id are passed over.
    """
    body = as_object(parse(raw, "the Xero webhook's body"))
    if body is None or not isinstance(body.get("events"), list):
        raise Rejected("the Xero webhook's body holds no list of events")
    found = [
        (text(event, "tenantId") or "", (text(event, "eventCategory") or "").upper(), text(event, "resourceId") or "")
        for event in items(body, "events")
    ]
    return tuple(
        SyncRequest(SOURCE, _KINDS[category].value, bare_id, stamp=received_at, account=tenant)
        for tenant, category, bare_id in dict.fromkeys(found)
        if tenant and category in _KINDS and bare_id
    )
