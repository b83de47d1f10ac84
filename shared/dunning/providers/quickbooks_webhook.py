"""QuickBooks' webhooks: which objects of which company changed, in the older body and in CloudEvents (since 2026-07-31)."""

import re
from collections.abc import Iterator
from datetime import datetime

from dunning.domain.errors import Rejected
from dunning.providers.json_reading import JsonObject, as_object, child, items, text
from dunning.providers.webhook_signature import parse
from dunning.workflow.ports import SyncRequest
from dunning.workflow.source_events import FetchKind

SOURCE = "quickbooks"
SIGNATURE_HEADER = "intuit-signature"
_KINDS = {
    "invoice": FetchKind.INVOICE,
    "customer": FetchKind.CUSTOMER,
    "payment": FetchKind.PAYMENT,
    "creditmemo": FetchKind.CREDIT_NOTE,
}


def read_events(raw: bytes, received_at: datetime) -> tuple[SyncRequest, ...]:
    """What must be looked at, each thing once, in the order of the body; things that bear no invoice are left out.

    Raises Rejected for a body that is no notification of Intuit's. Entries that lack a company, a kind or an id are passed over.
    """
    body = parse(raw, "the QuickBooks webhook's body")
    notification = as_object(body)
    if isinstance(body, list):
        found = _from_cloud_events([event for event in body if isinstance(event, dict)])
    elif notification is not None and "eventNotifications" in notification:
        found = _from_notifications(items(notification, "eventNotifications"))
    elif notification is not None and "specversion" in notification:
        found = _from_cloud_events([notification])
    else:
        raise Rejected("the QuickBooks webhook's body is neither an array of CloudEvents nor holds eventNotifications")
    return tuple(
        SyncRequest(SOURCE, _KINDS[kind].value, bare_id, stamp=received_at, account=company)
        for company, kind, bare_id in dict.fromkeys(found)
        if company and kind in _KINDS and bare_id
    )


def _from_notifications(notifications: tuple[JsonObject, ...]) -> Iterator[tuple[str, str, str]]:
    for notification in notifications:
        company = text(notification, "realmId") or ""
        change = child(notification, "dataChangeEvent")
        for entity in items(change, "entities") if change is not None else ():
            kind = (text(entity, "name") or "").lower()
            yield company, kind, text(entity, "id") or ""
            # Two customers were merged: the one that went away is named beside the one that stays.
            yield company, kind, text(entity, "deletedId") or ""


def _from_cloud_events(events: list[JsonObject]) -> Iterator[tuple[str, str, str]]:
    """`qbo.invoice.updated.v1`: the kind stands between the first two points."""
    for event in events:
        kind = re.fullmatch(r"qbo\.([a-z]+)\..*", (text(event, "type") or "").lower())
        yield text(event, "intuitaccountid") or "", kind[1] if kind else "", text(event, "intuitentityid") or ""
