"""EventBridge: each activity as an event that a CRM, a data warehouse or a chat can subscribe to (docs/events.md).

An event names ids only: the reason is told where it is made of our own words, never where it might quote a person.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

from dunning.domain.activity import ActivityType
from dunning.domain.errors import Retryable
from dunning.workflow.activity_feed import LoggedActivity

SOURCE = "dunning"
VERSION = 1
MOST_ENTRIES = 10
MOST_BYTES = 256 * 1024
"""Of one PutEvents (docs.aws.amazon.com/eventbridge, PutEvents)."""

_ATTEMPTS = 3
_BYTES_OF_TIME = 14
_OWN_WORDS = frozenset(
    {
        ActivityType.ENROLLED,
        ActivityType.SENT,
        ActivityType.SUPPRESSED,
        ActivityType.SKIPPED,
        ActivityType.ESCALATED,
        ActivityType.PAID,
        ActivityType.PARTLY_PAID,
        ActivityType.CLOSED,
        ActivityType.REOPENED,
        ActivityType.FEE_PROPOSED,
        ActivityType.FEE_APPLIED,
        ActivityType.PLAN_ENDED,
    }
)

Entry = dict[str, object]


class EventsClient(Protocol):
    """boto3's client of EventBridge, as far as it is used here."""

    def put_events(self, **parameters: object) -> Mapping[str, object]:
        """Put up to ten events: `Entries`."""
        ...


class EventBridgeBus:
    """workflow.activity_feed.EventBus."""

    def __init__(self, client: EventsClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def put(self, activities: Sequence[LoggedActivity]) -> None:
        """In batches of ten, and of 256 KB. Raises Retryable for what EventBridge refused three times."""
        for batch in batches([self._entry(logged) for logged in activities]):
            self._put(batch)

    def _put(self, entries: list[Entry]) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        for _ in range(_ATTEMPTS):
            try:
                answer = self._client.put_events(Entries=entries)
            except (ClientError, BotoCoreError) as exc:
                raise Retryable(f"putting {len(entries)} events: {type(exc).__name__}") from exc
            # A 200 may carry failures, in the order of the entries; only those are put again.
            results = answer.get("Entries")
            refused = [isinstance(result, Mapping) and "ErrorCode" in result for result in results] if isinstance(results, list) else []
            entries = [entry for entry, failed in zip(entries, refused, strict=False) if failed]
            if not entries:
                return
        raise Retryable(f"{len(entries)} events were not taken by the bus")

    def _entry(self, logged: LoggedActivity) -> Entry:
        return {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": detail_type(logged.activity.type),
            "Time": logged.activity.at,
            "Detail": json.dumps(detail(logged), separators=(",", ":")),
        }


def detail_type(kind: ActivityType) -> str:
    """The event's name: `activity.sent`."""
    return f"activity.{kind.value}"


def detail(logged: LoggedActivity) -> dict[str, object]:
    """The event's body, as docs/activity-event.schema.json says; absent values are null."""
    activity = logged.activity
    return {
        "version": VERSION,
        "id": logged.id,
        "at": _rfc3339(activity.at),
        "type": activity.type.value,
        "customer": logged.customer,
        "source": logged.customer.partition(":")[0],
        "invoices": list(activity.invoices),
        "step": activity.step,
        "channel": activity.channel,
        "actor": activity.actor,
        "reason": activity.reason if activity.type in _OWN_WORDS else None,
        "summary": _summary(logged),
    }


def _summary(logged: LoggedActivity) -> str:
    """The ids in one line, which fits between the quotes of any JSON: EventBridge's input transformer puts lists in as they are.

    docs.aws.amazon.com/eventbridge, Input transformation: no quotes around variables that are objects or arrays.
    """
    activity = logged.activity
    step = f" (step {activity.step})" if activity.step else ""
    invoices = f", invoices {', '.join(activity.invoices)}" if activity.invoices else ""
    said = f"{activity.type.value}{step}, customer {logged.customer}{invoices}"
    return "".join("'" if sign in '"\\' else sign for sign in said if sign.isprintable())


def batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries in as few batches as one PutEvents each allows."""
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        own = _size(entry)
        if batch and (len(batch) == MOST_ENTRIES or size + own > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += own
    if batch:
        yield batch


def _size(entry: Entry) -> int:
    return _BYTES_OF_TIME + sum(len(str(entry[name]).encode()) for name in ("Source", "DetailType", "Detail"))


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
