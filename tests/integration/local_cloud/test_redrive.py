"""What no retry helps lies in the dead-letter queues with its reason, at once; `dunning redrive` sends back what can be read."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.running import RunningCloud, running_cloud
from tests.integration.faults.run import Run, run_queue_of

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
NO_SOURCE = json.dumps({"source": "nosuch", "kind": "invoice", "id": "in_1"})
NO_JSON = "queue message is not JSON: 'not json'"
UNREADABLE = {("RunDeadLetters", NO_JSON), ("SyncDeadLetters", NO_JSON), ("SweepDeadLetters", NO_JSON)}


@pytest.fixture
def running() -> Iterator[RunningCloud]:
    with running_cloud(START, outer_env={}) as running:
        yield running


def send(running: RunningCloud, queue: str, body: str) -> None:
    sqs, _ = run_queue_of(running.cloud)
    (url,) = [url for url in sqs.list_queues()["QueueUrls"] if queue in url]
    sqs.send_message(QueueUrl=url, MessageBody=body)


def letters(running: RunningCloud) -> set[tuple[str, str | None]]:
    return {(letter["queue"], letter["reason"]) for letter in running.cloud.dead_letters()}


def test_what_cannot_be_read_stays_until_it_is_dropped_and_all_else_is_sent_back(running: RunningCloud) -> None:
    cloud = running.cloud
    for queue in ("RunQueue", "SyncQueue", "SweepQueue"):
        send(running, queue, "not json")
    send(running, "SyncQueue", NO_SOURCE)
    cloud.settle()
    no_source = ("SyncDeadLetters", "no source 'nosuch': known are manual, quickbooks, stripe, xero")
    assert letters(running) == {*UNREADABLE, no_source}

    redriven = cloud.redrive()
    assert {(row.queue, row.reason) for row in redriven} == {*UNREADABLE, no_source}
    assert {row.outcome for row in redriven if row.reason == NO_JSON} == {f"left there: {NO_JSON}"}
    assert [row.outcome for row in redriven if row.reason != NO_JSON] == ["sent back"]
    assert letters(running) == UNREADABLE
    cloud.settle()
    assert letters(running) == {*UNREADABLE, no_source}  # its cause was not mended: it is put aside again, and not lost

    cloud.advance_to(cloud.now + timedelta(minutes=10))
    assert {row.outcome for row in cloud.redrive(drop_unreadable=True)} == {f"dropped: {NO_JSON}", "sent back"}
    assert letters(running) == set()


def test_activities_that_could_not_be_published_are_published_after_a_fix(running: RunningCloud) -> None:
    cloud = running.cloud
    cloud.add_fault("events", "PutEvents", "error", 100_000)
    run = Run(running, cloud.now, 1)
    run.enrol(due=-1)
    cloud.advance_to(cloud.now + timedelta(hours=2))
    put_aside = [letter for letter in cloud.dead_letters() if letter["queue"] == "ActivityDeadLetters"]
    assert put_aside
    assert {letter["reason"] for letter in put_aside} == {"putting 1 events: ClientError"}
    assert cloud.events() == []

    cloud.forget_faults()
    assert {row.outcome for row in cloud.redrive()} == {"published"}
    assert cloud.dead_letters() == []
    assert "activity.enrolled" in {event["detail_type"] for event in cloud.events()}


def test_activities_whose_function_died_each_time_are_read_from_the_stream_and_published(running: RunningCloud) -> None:
    cloud = running.cloud
    run = Run(running, cloud.now, 1)
    cloud.add_fault("events", "PutEvents", "crash", 100_000)
    run.enrol(due=-1)
    cloud.advance_to(cloud.now + timedelta(hours=2))
    put_aside = [letter for letter in cloud.dead_letters() if letter["queue"] == "ActivityDeadLetters"]
    assert put_aside
    assert all("DDBStreamBatchInfo" in letter["body"] for letter in put_aside)
    taken_before = len(cloud.events())

    cloud.forget_faults()
    assert {row.outcome for row in cloud.redrive()} == {"published"}
    assert cloud.dead_letters() == []
    again = [event["detail_type"] for event in cloud.events()[taken_before:]]
    assert again == [f"activity.{activity.type.value}" for activity in run.log()]


def test_a_letter_that_tells_no_place_in_the_stream_is_left(running: RunningCloud) -> None:
    place = {"shardId": "shardId-1", "startSequenceNumber": "1", "endSequenceNumber": "1", "streamArn": "arn", "batchSize": 1}
    for body in ({"batchSize": 1}, place):
        send(running, "ActivityDeadLetters", json.dumps({"DDBStreamBatchInfo": body}))
    assert all(left.outcome.startswith("left there: Lambda's letter does not tell where") for left in running.cloud.redrive())
    running.cloud.advance_to(running.cloud.now + timedelta(minutes=10))
    assert [row.outcome.partition(":")[0] for row in running.cloud.redrive(drop_unreadable=True)] == ["dropped", "dropped"]
