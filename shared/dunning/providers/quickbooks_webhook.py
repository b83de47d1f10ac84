"""QuickBooks' webhooks: which objects of which company changed, in the older body and in CloudEvents (since 2026-07-31)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from dunning.domain.errors import Rejected
from dunning.providers.json_reading import JsonObject, as_object, child, identifier, iso_instant, items, text
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
_PAYS = frozenset({"payment", "creditmemo"})
_GONE = frozenset({"delete", "deleted"})
_TAKEN_OFF = _GONE | {"void", "voided", "update", "updated"}
"""A payment that was edited names the invoices of today, not those that it was applied to before."""

_BEFORE = timedelta(minutes=10)
_CHANGES_KEPT = timedelta(days=29)
"""Change data capture tells of 30 days."""

_Told = tuple[str, str, str]


def read_events(raw: bytes, received_at: datetime) -> tuple[SyncRequest, ...]:
    """What must be looked at, each thing once, in the order of the body; things that bear no invoice are left out.

    A payment or credit memo that was deleted cannot be read any more, a voided one names no invoice, and an edited one not those that
    it was taken off: what has changed in its company since shortly before must be looked at, once for many of them.

    Raises Rejected for a body that is no notification of Intuit's. Entries that lack a company, a kind or an id are passed over.
    """
    body = parse(raw, "the QuickBooks webhook's body")
    notification = as_object(body)
    if isinstance(body, list):
        found = _from_cloud_events([event for event in body if isinstance(event, dict)], received_at)
    elif notification is not None and "eventNotifications" in notification:
        found = _from_notifications(items(notification, "eventNotifications"), received_at)
    elif notification is not None and "specversion" in notification:
        found = _from_cloud_events([notification], received_at)
    else:
        raise Rejected("the QuickBooks webhook's body is neither an array of CloudEvents nor holds eventNotifications")
    return tuple(
        SyncRequest(SOURCE, kind, bare_id, stamp=received_at, account=company)
        for company, kind, bare_id in dict.fromkeys(found)
        if company and bare_id
    )


def _from_notifications(notifications: tuple[JsonObject, ...], received_at: datetime) -> Iterator[_Told]:
    for notification in notifications:
        company = identifier(notification, "realmId") or ""
        change = child(notification, "dataChangeEvent")
        for entity in items(change, "entities") if change is not None else ():
            name, operation = (text(entity, "name") or "").lower(), (text(entity, "operation") or "").lower()
            yield from _wanted(company, name, identifier(entity, "id") or "", operation, _since(entity, "lastUpdated", received_at))
            # Two customers were merged: the one that went away is named beside the one that stays.
            yield from _wanted(company, name, identifier(entity, "deletedId") or "", "", "")


def _from_cloud_events(events: list[JsonObject], received_at: datetime) -> Iterator[_Told]:
    """`qbo.invoice.updated.v1`: the kind stands between the first two points, what happened after the second.

    Who went away in a merger is named in `data` (developers.intuit.com, QuickBooks webhooks, data objects).
    """
    for event in events:
        read = re.fullmatch(r"qbo\.([a-z]+)\.([a-z]*).*", (text(event, "type") or "").lower())
        company, bare_id = identifier(event, "intuitaccountid") or "", identifier(event, "intuitentityid") or ""
        if read is not None:
            yield from _wanted(company, read[1], bare_id, read[2], _since(event, "time", received_at))
            yield from _wanted(company, read[1], identifier(child(event, "data"), "deletedid") or "", "", "")


def _wanted(company: str, name: str, bare_id: str, operation: str, since: str) -> Iterator[_Told]:
    if name in _PAYS and operation in _TAKEN_OFF:
        yield company, FetchKind.CHANGES.value, since
    if name in _KINDS and not (name in _PAYS and operation in _GONE):
        yield company, _KINDS[name].value, bare_id


def _since(event: JsonObject, key: str, received_at: datetime) -> str:
    """Shortly before it happened, in steps of ten minutes, so that many that happen together are one. News may be days late."""
    told = iso_instant(event, key) or received_at
    since = min(max(told, received_at - _CHANGES_KEPT), received_at) - _BEFORE
    return since.astimezone(UTC).replace(minute=since.minute // 10 * 10, second=0, microsecond=0).isoformat()
