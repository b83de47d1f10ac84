"""Virtual time: it stands still, moves when told, and runs what falls due on the way."""

import time
from datetime import datetime, timedelta

import pytest

from dunning.domain.errors import Rejected
from infra.local.clock import VirtualClock, virtual_time
from infra.local.cloud import LocalCloud
from tests.integration.local_cloud.conftest import START, TEMPLATE, SmallStack


def test_time_stands_still_while_requests_are_served(stack: SmallStack) -> None:
    stack.call("sqs", "send_message", QueueUrl=stack.env["QUEUE_URL"], MessageBody="now")
    stack.cloud.settle()
    assert stack.cloud.now == START


def test_each_firing_on_the_way_runs_at_its_own_instant(stack: SmallStack) -> None:
    invocations = stack.advance(minutes=30)
    assert invocations == 3
    assert [(at, event["time"]) for at, event in stack.seen("ticker")] == [
        (START + timedelta(minutes=minutes), f"2026-03-02T08:{minutes}:00Z") for minutes in (10, 20, 30)
    ]


def test_a_scheduled_event_looks_as_eventbridge_sends_it(stack: SmallStack) -> None:
    stack.advance(minutes=10)
    [(_, event)] = stack.seen("ticker")
    assert {key: event[key] for key in ("version", "detail-type", "source", "detail")} == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "detail": {},
    }
    assert event["resources"][0].startswith("arn:aws:events:us-east-1:")


def test_messages_and_schedules_run_in_the_order_of_time(stack: SmallStack) -> None:
    stack.send("after", delay=601)
    stack.send("before", delay=599)
    stack.advance(minutes=15)
    moments = [(at - START, "job") for at, _ in stack.seen("worker")] + [(at - START, "tick") for at, _ in stack.seen("ticker")]
    assert sorted(moments) == [(timedelta(seconds=599), "job"), (timedelta(seconds=600), "tick"), (timedelta(seconds=601), "job")]


def test_moving_on_in_small_steps_or_in_one_leap_runs_the_same(stack: SmallStack) -> None:
    other = LocalCloud(START, outer_env={}, template=TEMPLATE)
    for minute in range(1, 61):
        other.advance_to(START + timedelta(minutes=minute))
    stack.advance(hours=1)
    assert [call["count"] for call in other.calls()] == [call["count"] for call in stack.cloud.calls()]
    other.close()


def test_time_does_not_go_back(stack: SmallStack) -> None:
    with pytest.raises(Rejected, match="only moves on"):
        stack.cloud.advance_to(START - timedelta(seconds=1))
    assert stack.cloud.now == START


def test_an_instant_without_a_zone_is_refused(stack: SmallStack) -> None:
    naive = START.replace(tzinfo=None) + timedelta(days=1)
    with pytest.raises(Rejected, match="no time zone"):
        stack.cloud.advance_to(naive)
    with pytest.raises(Rejected, match="no time zone"):
        LocalCloud(naive, template=TEMPLATE)


def test_two_clouds_know_nothing_of_each_other(stack: SmallStack) -> None:
    other = LocalCloud(datetime.fromisoformat("2027-01-01T00:00:00Z"), outer_env={}, template=TEMPLATE)
    other.advance_to(datetime.fromisoformat("2027-01-01T01:00:00Z"))
    assert stack.cloud.now == START
    assert stack.seen("ticker") == []
    other.close()


def test_sleeping_takes_no_time_for_a_function() -> None:
    with virtual_time(VirtualClock(START)):
        time.sleep(3600)  # an SDK that backs off between two attempts
