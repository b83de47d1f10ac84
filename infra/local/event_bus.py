"""A stand-in for EventBridge's custom buses: takes events as PutEvents does, and keeps them to be looked at. Nothing here subscribes."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypedDict
from uuid import uuid4

from infra.local.json_edges import Json, mapping, mappings, text
from infra.local.moto_door import Reply, json_reply
from infra.local.outbox import rfc3339

_MOST_ENTRIES = 10
_MOST_BYTES = 256 * 1024
_BYTES_OF_TIME = 14


class BusEvent(TypedDict):
    """An event as a rule's target would get it, as far as it is told here."""

    id: str
    bus: str
    source: str
    detail_type: str
    time: str
    detail: Json


class EventBuses:
    """The buses of one account. Safe only for one caller at a time: the wire sees to that."""

    def __init__(self, names: frozenset[str], clock: Callable[[], datetime]) -> None:
        self._names = names
        self._clock = clock
        self._events: list[BusEvent] = []

    def events(self) -> list[BusEvent]:
        """All that was put, oldest first."""
        return list(self._events)

    def put(self, request: Mapping[str, object]) -> Reply:
        """PutEvents: what cannot be taken is told in its place, the rest is taken."""
        entries = mappings(request.get("Entries"))
        if not 1 <= len(entries) <= _MOST_ENTRIES:
            return json_reply({"message": f"{len(entries)} entries; 1 to {_MOST_ENTRIES} are taken"}, 400, "ValidationException")
        if sum(map(_size, entries)) > _MOST_BYTES:
            return json_reply({"message": "Total size of the entries in the request is over the limit."}, 400, "ValidationException")
        results = [self._take(entry) for entry in entries]
        return json_reply({"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results})

    def _take(self, entry: Json) -> Json:
        bus = text(entry.get("EventBusName")).rpartition("/")[2]
        try:
            detail = mapping(json.loads(text(entry.get("Detail"))))
        except ValueError:
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        if bus not in self._names:
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": f"Event bus {bus} does not exist."}
        event_id = str(uuid4())
        told = entry.get("Time")
        at = datetime.fromtimestamp(told, UTC) if isinstance(told, int | float) else self._clock()
        self._events.append(
            BusEvent(
                id=event_id,
                bus=bus,
                source=text(entry.get("Source")),
                detail_type=text(entry.get("DetailType")),
                time=rfc3339(at.replace(microsecond=0)),
                detail=detail,
            )
        )
        return {"EventId": event_id}


def _size(entry: Json) -> int:
    timed = _BYTES_OF_TIME if "Time" in entry else 0
    return timed + sum(len(text(entry.get(name)).encode()) for name in ("Source", "DetailType", "Detail"))
