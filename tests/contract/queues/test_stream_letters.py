"""Lambda's letters about the table's stream: the records are read where they stood, as long as the stream has them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.stub import Stubber

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.errors import Permanent, Rejected
from dunning.storage import items
from dunning.storage.expressions import to_wire
from infra.stream_letters import StreamsClient, activities_at
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


def read(*pages: Mapping[str, Any]) -> list[str]:
    """The activities that the stream's pages show, by their ids."""
    client = aws_session().client("dynamodbstreams")
    with Stubber(client) as stream:
        stream.add_response("get_shard_iterator", {"ShardIterator": AT}, BEGIN)
        for at, page in zip([AT, *[NEXT] * len(pages)], pages, strict=False):
            stream.add_response("get_records", page, {"ShardIterator": at})
        found = [logged.id for logged in activities_at(cast("StreamsClient", client), LETTER)]
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
