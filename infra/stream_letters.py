"""Letters of Lambda's own about the table's stream: they tell where the records stood, and the stream keeps those for 24 hours.

Source: AWS Lambda Developer Guide, "Retain records for a failed batch" (DynamoDB): the letter has the shard and the first and last
sequence number, and no record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError, ParamValidationError

from dunning.domain.errors import Permanent, Rejected
from dunning.storage.activity_stream import read_stream_record
from dunning.storage.keys import ACTIVITIES_FROM
from dunning.workflow.activity_feed import LoggedActivity

PLACE = "DDBStreamBatchInfo"
_GONE = frozenset({"TrimmedDataAccessException", "ExpiredIteratorException", "ResourceNotFoundException"})
_MOST_EMPTY_PAGES = 20


class StreamsClient(Protocol):
    """The part of boto3's client `dynamodbstreams` that is used here."""

    def get_shard_iterator(self, **place: str) -> Mapping[str, Any]:
        """Where to begin."""
        ...

    def get_records(self, **place: str) -> Mapping[str, Any]:
        """One page."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """The new activities that stood there, in order, and the records (as JSON) that cannot be read, each with the reason."""

    activities: list[LoggedActivity] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


def activities_at(client: StreamsClient, letter: Mapping[str, Any]) -> Found:
    """What stood there.

    Raises Rejected when the letter tells no place, or the stream no longer has what stood there, Permanent when it may not be read.
    """
    place = letter[PLACE]
    try:
        stream, shard = str(place["streamArn"]), str(place["shardId"])
        first, last = str(place["startSequenceNumber"]), int(place["endSequenceNumber"])
    except (KeyError, ValueError, TypeError) as exc:
        raise Rejected(f"Lambda's letter does not tell where the records stood: {exc!r}") from exc
    try:
        found = list(_records(client, stream, shard, first, last))
    except ParamValidationError as exc:
        raise Rejected("Lambda's letter does not tell where the records stood: no such place can be") from exc
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code")
        if code not in _GONE:
            raise Permanent(f"the table's stream could not be read: {code}") from exc
        raise Rejected(
            "publish_activity died of it more than 24 hours ago, and the table's stream no longer has it: the activity is in its case,"
            " its event and its note are missing; see docs/events.md"
        ) from exc
    told = Found()
    for record in filter(_is_new_activity, found):
        try:
            told.activities.append(read_stream_record(record))
        except Rejected as exc:
            # As Lambda would have handed it over, but for its times, which are no JSON and nobody reads.
            change = {name: record["dynamodb"].get(name) for name in ("SequenceNumber", "Keys", "NewImage")}
            told.unreadable.append((json.dumps({"eventName": record["eventName"], "dynamodb": change}, default=str), str(exc)))
    return told


def _records(client: StreamsClient, stream: str, shard: str, first: str, last: int) -> Iterator[Mapping[str, Any]]:
    """From the first to the last; a page may be empty though more follow, and a shard that was closed ends."""
    begun = client.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="AT_SEQUENCE_NUMBER", SequenceNumber=first)
    at, empty = begun.get("ShardIterator"), 0
    while at and empty < _MOST_EMPTY_PAGES:
        page = client.get_records(ShardIterator=at)
        empty = 0 if page["Records"] else empty + 1
        for record in page["Records"]:
            if int(record["dynamodb"]["SequenceNumber"]) > last:
                return
            yield record
            if int(record["dynamodb"]["SequenceNumber"]) == last:
                return
        at = page.get("NextShardIterator")
    raise Rejected(f"the table's stream ends before record {last}: try again, or see docs/events.md")


def _is_new_activity(record: Mapping[str, Any]) -> bool:
    """As template.yaml filters what publish_activity gets."""
    sort_key = record["dynamodb"].get("Keys", {}).get("sk", {}).get("S", "")
    return record.get("eventName") == "INSERT" and str(sort_key).startswith(ACTIVITIES_FROM)
