"""Lambda's letters about the table's stream: the records are read where they stood, as long as the stream has them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.stub import Stubber

from dunning.bootstrap.feed import PublishServices
from dunning.domain.activity import Activity, ActivityType
from dunning.domain.errors import Permanent, Rejected
from dunning.storage import items
from dunning.storage.activity_stream import read_stream_record
from dunning.storage.expressions import to_wire
from dunning.storage.queues import Aside
from dunning.workflow.activity_feed import LoggedActivity
from dunning.workflow.publish_activity import PublishActivity
from infra.redrive import publish_found
from infra.stream_letters import Found, StreamsClient, activities_at
from tests.fakes.table import aws_session

FIRST, SECOND, THIRD, FOURTH = (f"{number:021}" for number in (1998, 1999, 2000, 2001))
STREAM, SHARD, AT, NEXT = (
    f"arn:aws:dynamodb:us-east-1:1:table/cases/stream/{'x' * 9}",
    "shardId-00000001541626099285-f35f62ef",
    "at",
    "next",
)
LETTER = {"DDBStreamBatchInfo": {"streamArn": STREAM, "shardId": SHARD, "startSequenceNumber": FIRST, "endSequenceNumber": THIRD}}
BEGIN = {"StreamArn": STREAM, "ShardId": SHARD, "ShardIteratorType": "AT_SEQUENCE_NUMBER", "SequenceNumber": FIRST}


def record(number: str, ulid: str = "") -> dict[str, Any]:
    """A new activity, or the change of something else."""
    logged = Activity(datetime(2026, 3, 2, tzinfo=UTC), ActivityType.SENT, "due", ("in_1",), "first", "run_step")
    keys: dict[str, object] = {"pk": "CUST#stripe:cus_1", "sk": f"ACT#2026-03-02T00:00:00.000000Z#{ulid}" if ulid else "PROFILE"}
    row: dict[str, object] = {name: value for name, value in items.activity_attributes(logged).items() if value is not None}
    return {"eventName": "INSERT", "dynamodb": {"SequenceNumber": number, "Keys": to_wire(keys), "NewImage": to_wire({**row, **keys})}}


def odd(number: str) -> dict[str, Any]:
    """An activity of a kind that nobody here knows."""
    found = record(number, "ODD")
    image = found["dynamodb"]["NewImage"]
    image["type"] = {"S": "danced"}
    return {**found, "dynamodb": {**found["dynamodb"], "ApproximateCreationDateTime": datetime(2026, 3, 2, tzinfo=UTC)}}


def read(*pages: Mapping[str, Any]) -> list[str]:
    """The activities that the stream's pages show, by their ids."""
    return [logged.id for logged in found_in(*pages).activities]


def found_in(*pages: Mapping[str, Any]) -> Found:
    """All that the stream's pages show."""
    client = aws_session().client("dynamodbstreams")
    with Stubber(client) as stream:
        stream.add_response("get_shard_iterator", {"ShardIterator": AT}, BEGIN)
        for at, page in zip([AT, *[NEXT] * len(pages)], pages, strict=False):
            stream.add_response("get_records", page, {"ShardIterator": at})
        found = activities_at(cast("StreamsClient", client), LETTER)
        stream.assert_no_pending_responses()
    return found


def test_new_activities_from_the_first_to_the_last_are_found_over_pages_of_which_some_are_empty() -> None:
    pages: list[dict[str, object]] = [
        {"Records": [record(FIRST, "A"), record(SECOND)]},
        {"Records": []},
        {"Records": [record(THIRD, "B"), record(FOURTH, "C")]},
    ]
    assert read(*[{**page, "NextShardIterator": NEXT} for page in pages]) == ["A", "B"]


def test_what_was_filtered_away_between_them_ends_it_too() -> None:
    assert read({"Records": [record(FIRST, "A"), record(FOURTH, "C")], "NextShardIterator": NEXT}) == ["A"]


def test_a_record_that_cannot_be_read_keeps_none_of_its_neighbours_and_is_told_whole_with_the_reason() -> None:
    found = found_in({"Records": [record(FIRST, "A"), odd(SECOND), record(THIRD, "B")], "NextShardIterator": NEXT})
    assert [logged.id for logged in found.activities] == ["A", "B"]
    ((letter, reason),) = found.unreadable
    assert "danced" in reason
    with pytest.raises(Rejected, match="danced"):
        read_stream_record(json.loads(letter))
    mended = json.loads(letter.replace("danced", "sent"))
    assert (read_stream_record(mended).id, read_stream_record(mended).activity.type) == ("ODD", ActivityType.SENT)


def test_its_neighbours_are_published_and_it_becomes_a_letter_of_its_own() -> None:
    published, put_aside = list[str](), list[tuple[str, str]]()

    class Bus:
        def put(self, activities: Sequence[LoggedActivity]) -> None:
            published.extend(logged.id for logged in activities)

    class Queue:
        def send_message(self, **message: Any) -> None:
            put_aside.append((message["MessageBody"], message["MessageAttributes"]["reason"]["StringValue"]))

    services = PublishServices(read_stream_record, PublishActivity(Bus(), {}), Aside(cast("Any", Queue()), "letters"))
    outcome = publish_found(found_in({"Records": [record(FIRST, "A"), odd(SECOND), record(THIRD, "B")]}), services)
    assert published == ["A", "B"]
    ((letter, reason),) = put_aside
    assert "ODD" in letter
    assert outcome == f"published; left there by itself: {reason}"


def test_a_shard_that_ends_before_is_told() -> None:
    with pytest.raises(Rejected, match="ends before record"):
        read({"Records": [record(FIRST, "A")]})


@pytest.mark.parametrize(
    ("code", "raised", "said"),
    [
        ("TrimmedDataAccessException", Rejected, "more than 24 hours ago"),
        ("ResourceNotFoundException", Rejected, "more than 24 hours ago"),
        ("AccessDeniedException", Permanent, "could not be read: AccessDeniedException"),
    ],
)
def test_what_the_stream_does_not_give_is_told(code: str, raised: type[Exception], said: str) -> None:
    client = aws_session().client("dynamodbstreams")
    with Stubber(client) as stream:
        stream.add_client_error("get_shard_iterator", code)
        with pytest.raises(raised, match=said):
            activities_at(cast("StreamsClient", client), LETTER)
