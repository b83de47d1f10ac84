"""What nobody waits for: schedules, topics, streams."""

import json
from datetime import timedelta

from tests.integration.local_cloud.conftest import START, SmallStack


def test_a_failed_scheduled_run_is_tried_again_after_one_minute_and_two_more(stack: SmallStack) -> None:
    stack.let_fail("ticker")
    stack.advance(minutes=19)
    assert [at - START for at, _ in stack.seen("ticker")] == [timedelta(minutes=minutes) for minutes in (10, 11, 13)]


def test_a_scheduled_run_that_fails_three_times_ends_in_the_functions_dead_letters(stack: SmallStack) -> None:
    stack.let_fail("ticker")
    stack.advance(minutes=19)
    [letter] = stack.cloud.dead_letters()
    assert (letter["queue"], letter["reason"]) == ("DeadEvents", "RuntimeError: told to fail")
    assert json.loads(letter["body"])["time"] == "2026-03-02T08:10:00Z"


def test_a_published_message_wakes_the_subscriber(stack: SmallStack) -> None:
    answer = stack.call("sns", "publish", TopicArn=stack.env["TOPIC"], Message="hello", Subject="News")
    stack.cloud.settle()
    [(_, event)] = stack.seen("listener")
    notice = event["Records"][0]["Sns"]
    assert (notice["Message"], notice["Subject"], notice["MessageId"]) == ("hello", "News", answer["MessageId"])
    assert event["Records"][0]["EventSource"] == "aws:sns"


def test_a_filter_policy_keeps_other_messages_from_a_subscriber(stack: SmallStack) -> None:
    for speed in ("slow", "fast"):
        attributes = {"speed": {"DataType": "String", "StringValue": speed}}
        stack.call("sns", "publish", TopicArn=stack.env["TOPIC"], Message=speed, MessageAttributes=attributes)
    stack.advance(seconds=30)
    assert [bodies for _, bodies in stack.bodies("patient")] == [["slow"]]


def test_publishing_to_a_topic_that_is_not_there_is_refused(stack: SmallStack) -> None:
    answer = stack.call("sns", "publish", TopicArn=f"{stack.env['TOPIC']}x", Message="hello")
    assert answer == {"error": "NotFound", "status": 404}


def _put(stack: SmallStack, partition: str, sort: str) -> None:
    item = {"pk": {"S": partition}, "sk": {"S": sort}}
    stack.call("dynamodb", "put_item", TableName=stack.env["TABLE_NAME"], Item=item)


def test_a_stream_brings_only_matching_changes_in_batches(stack: SmallStack) -> None:
    for sort in "abc":
        _put(stack, "WATCHED", sort)
        _put(stack, "OTHER", sort)
    _put(stack, "WATCHED", "a")  # a change of what is there, not an insert
    stack.cloud.settle()
    records = [record for _, event in stack.seen("follower") for record in event["Records"]]
    assert [record["dynamodb"]["Keys"]["sk"]["S"] for record in records] == ["a", "b", "c"]
    assert {record["eventName"] for record in records} == {"INSERT"}
    assert records[0]["dynamodb"]["NewImage"] == {"pk": {"S": "WATCHED"}, "sk": {"S": "a"}}
    assert records[0]["dynamodb"]["ApproximateCreationDateTime"] == START.timestamp()


def test_a_failing_stream_batch_is_tried_again_and_then_skipped(stack: SmallStack) -> None:
    stack.let_fail("follower")
    _put(stack, "WATCHED", "a")
    stack.advance(minutes=5)
    assert len(stack.seen("follower")) == 2
