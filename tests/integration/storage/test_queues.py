"""Messages on SQS: batches, delays, what fails in part, and that what is written can be read."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from dunning.domain.errors import Permanent, Rejected, Retryable
from dunning.storage.queues import (
    LARGEST,
    LARGEST_NEWS,
    DeadLetters,
    RunQueue,
    SweepContinuations,
    SyncBatches,
    SyncRequests,
    read_sweep_stage,
    read_sync_batch,
    read_sync_request,
    read_wakeup,
)
from dunning.workflow.ports import SyncBatch, SyncRequest, Wakeup
from dunning.workflow.sweep_ports import SweepStage
from tests.architecture.template_rules import read_template, resources
from tests.fakes.clock import MONDAY_MORNING
from tests.integration.handlers.cloud import Aws, playing_aws


@pytest.fixture
def aws() -> Iterator[Aws]:
    """On moto alone: no table is asked for anything here."""
    with playing_aws("https://stripe.example") as played:
        yield played


def bodies(aws: Aws) -> list[str]:
    """Bodies of all messages sent, in order."""
    sent = [params for name, params in aws.requests if name.startswith("SendMessage")]
    return [entry["MessageBody"] for params in sent for entry in params.get("Entries", [params])]


def run_queue(aws: Aws) -> RunQueue:
    return RunQueue(aws.session.client("sqs"), aws.queues["run"])


@pytest.mark.parametrize(
    ("count", "calls"), [(0, {}), (1, {"SendMessage": 1}), (10, {"SendMessageBatch": 1}), (25, {"SendMessageBatch": 3})]
)
def test_ten_messages_share_a_call(aws: Aws, count: int, calls: dict[str, int]) -> None:
    run_queue(aws).send([Wakeup(f"stripe:cus_{number}", number) for number in range(count)])
    assert aws.calls == calls
    assert [(message["customer"], message["delay"]) for message in aws.messages("run")] == [
        (f"stripe:cus_{number}", number) for number in range(count)
    ]


@pytest.mark.parametrize(("delay", "sent"), [(0, 0), (900, 900), (5000, 900), (-3, 0)])
def test_a_delay_is_what_sqs_takes(aws: Aws, delay: int, sent: int) -> None:
    run_queue(aws).send([Wakeup("stripe:cus_1", delay)])
    assert aws.messages("run") == [{"customer": "stripe:cus_1", "hops": 0, "delay": sent}]


def test_only_what_failed_in_a_batch_is_sent_again(aws: Aws) -> None:
    aws.answers_once("SendMessageBatch", {"Failed": [{"Id": "1", "SenderFault": False, "Code": "InternalError"}]})
    run_queue(aws).send([Wakeup(f"stripe:cus_{number}") for number in range(3)])
    assert aws.calls == {"SendMessageBatch": 1, "SendMessage": 1}
    assert bodies(aws)[-1] == '{"customer": "stripe:cus_1", "hops": 0}'


def test_what_keeps_failing_is_not_taken_for_sent(aws: Aws) -> None:
    failed = [{"Id": str(number), "SenderFault": False, "Code": "InternalError"} for number in range(2)]
    aws.answers("SendMessageBatch", {"Failed": failed})
    with pytest.raises(Retryable):
        run_queue(aws).send([Wakeup("stripe:cus_1"), Wakeup("stripe:cus_2")])
    assert aws.calls == {"SendMessageBatch": 3}


def test_one_message_that_is_refused_for_good_keeps_none_of_the_batches_behind_it(aws: Aws) -> None:
    aws.answers_once("SendMessageBatch", {"Failed": [{"Id": "3", "SenderFault": True, "Code": "InvalidMessageContents"}]})
    aws.fails("SendMessage", "InvalidMessageContents", 400, times=2)
    with pytest.raises(Retryable, match="1 messages were not taken"):
        run_queue(aws).send([Wakeup(f"stripe:cus_{number}") for number in range(25)])
    assert aws.calls["SendMessageBatch"] == 3
    assert {f"stripe:cus_{number}" for number in range(10, 25)} <= {message["customer"] for message in aws.messages("run")}


@pytest.mark.parametrize(("code", "status", "meaning"), [("Throttling", 400, Retryable), ("AccessDenied", 403, Permanent)])
def test_an_error_says_what_to_do(aws: Aws, code: str, status: int, meaning: type[Exception]) -> None:
    aws.fails("SendMessage", code, status)
    with pytest.raises(meaning):
        run_queue(aws).send([Wakeup("stripe:cus_1")])


def test_a_wakeup_is_read_as_it_was_written(aws: Aws) -> None:
    sent = [Wakeup("quickbooks:1:ü", 0, 7), Wakeup("stripe:cus_1", let_go=MONDAY_MORNING), Wakeup("stripe:cus_2", without_mail=True)]
    run_queue(aws).send(sent)
    assert [read_wakeup(body) for body in bodies(aws)] == sent


def test_requests_are_read_as_they_were_written(aws: Aws) -> None:
    full = SyncRequest("stripe", "dispute", "dp_1", "stripe:cus_1", MONDAY_MORNING, "[true]")
    bare = SyncRequest("stripe", "charge", "ch_1")
    SyncRequests(aws.session.client("sqs"), aws.queues["sync"]).send([full, bare])
    assert [read_sync_request(body) for body in bodies(aws)] == [full, bare]


def test_a_stage_is_read_as_it_was_written(aws: Aws) -> None:
    stage = SweepStage("stripe", "run", "vanished", MONDAY_MORNING + timedelta(microseconds=1), 3, "0\nCUST#a\nINV#b\n2026-03-31")
    SweepContinuations(aws.session.client("sqs"), aws.queues["sweep"]).send(stage)
    assert [read_sweep_stage(body) for body in bodies(aws)] == [stage]


def test_a_dead_letter_says_why(aws: Aws) -> None:
    DeadLetters(aws.session.client("sqs"), aws.queues["run-dead"]).send(Wakeup("stripe:cus_1", hops=3), "because " * 500)
    (sent,) = aws.sent("SendMessage")
    assert read_wakeup(sent["MessageBody"]) == Wakeup("stripe:cus_1")
    assert sent["MessageAttributes"]["reason"]["StringValue"].startswith("because because")
    assert len(sent["MessageAttributes"]["reason"]["StringValue"]) == 1000


def batch_of(size: int) -> SyncBatch:
    """A batch of two requests whose message has so many bytes."""
    without = len('{"source":"xero","stamp":null,"hops":0,"requests":{"t":{"invoice":["a",""]}}}')
    return SyncBatch(tuple(SyncRequest("xero", "invoice", each, account="t") for each in ("a", "b" * (size - without))))


def test_a_message_as_large_as_sqs_takes_is_one_and_a_larger_one_becomes_two(aws: Aws) -> None:
    queue = SyncBatches(aws.session.client("sqs"), aws.queues["sync"])
    queue.send(batch_of(LARGEST_NEWS))
    assert [len(body) for body in bodies(aws)] == [1024 * 1024]
    aws.forget_calls()
    queue.send(batch_of(LARGEST_NEWS + 1))
    sent = [read_sync_batch(body) for body in bodies(aws)]
    assert [batch.requests for batch in sent if batch] == [(request,) for request in batch_of(LARGEST_NEWS + 1).requests]


def test_a_batch_of_messages_holds_no_more_than_sqs_takes_in_one_call(aws: Aws) -> None:
    one = SyncRequest("stripe", "dispute", "dp_ü", detail="ü" * 10_000)
    requests = [SyncRequest("stripe", "dispute", f"dp_{n:02}", detail="x" * (LARGEST // 4)) for n in range(10)]
    SyncRequests(aws.session.client("sqs"), aws.queues["sync"]).send([*requests, one])
    sizes = [sum(len(entry["MessageBody"].encode()) for entry in call["Entries"]) for call in aws.sent("SendMessageBatch")]
    assert max(sizes) <= LARGEST
    assert len(sizes) == 4
    assert [read_sync_request(body) for body in bodies(aws)] == [*requests, one]


def test_what_can_never_be_sent_is_refused_for_good(aws: Aws) -> None:
    requests = [SyncRequest("stripe", "dispute", "dp_1", detail="x" * (LARGEST * 5))]
    with pytest.raises(Permanent):
        SyncRequests(aws.session.client("sqs"), aws.queues["sync"]).send(requests)


def test_the_queue_of_news_takes_what_is_sent_to_it_and_so_does_where_that_is_put_aside() -> None:
    queues = resources(read_template(), "AWS::SQS::Queue")
    assert {name: queue["MaximumMessageSize"] for name, queue in queues.items() if "MaximumMessageSize" in queue} == {
        "SyncQueue": LARGEST_NEWS,
        "SyncDeadLetters": LARGEST_NEWS,
        "EventDeadLetters": LARGEST_NEWS,
    }


@pytest.mark.parametrize("read", [read_wakeup, read_sync_request, read_sweep_stage])
@pytest.mark.parametrize("body", ["", "null", "[]", "{}", '"text"', '{"customer": 1}', '{"customer": ""}'])
def test_what_is_none_of_our_messages_is_rejected(read: object, body: str) -> None:
    assert callable(read)
    with pytest.raises(Rejected):
        read(body)


@pytest.mark.parametrize("stamp", ["yesterday", "2026-13-01", "2026-03-02T08:00:00"])
def test_an_instant_that_is_none_is_rejected(stamp: str) -> None:
    with pytest.raises(Rejected):
        read_sync_request(f'{{"source": "stripe", "kind": "invoice", "id": "in_1", "stamp": "{stamp}"}}')
    with pytest.raises(Rejected):
        read_sweep_stage(f'{{"source": "stripe", "run": "r", "stage": "listing", "started_at": "{stamp}"}}')
