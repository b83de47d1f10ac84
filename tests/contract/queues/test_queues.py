"""What the use cases may rely on of every queue, the adapter's and the twin's."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from dunning.domain.errors import Retryable
from dunning.storage.queues import LARGEST_NEWS
from dunning.workflow.ports import SyncBatch, SyncRequest, Wakeup
from dunning.workflow.sweep_ports import SweepStage
from tests.contract.queues.boxes import BOXES, Box
from tests.fakes.clock import MONDAY_MORNING

SECOND = timedelta(seconds=1)
WAKEUPS = [Wakeup(f"stripe:cus_{number}", hops=number) for number in range(7)]
REQUESTS = [SyncRequest("stripe", "invoice", f"in_{number}", "stripe:cus_ü", MONDAY_MORNING, tries=number) for number in range(7)]
BATCH = SyncBatch(
    tuple(
        SyncRequest("xero", kind, f"ü-{kind}", stamp=MONDAY_MORNING, account=account)
        for account in ("a", "b")
        for kind in ("invoice", "customer")
    ),
    hops=3,
)
STAGE = SweepStage("stripe", "stripe:2026-03-02T04:00", "listing", MONDAY_MORNING, 3, "in_9", unreadable=7)


def send_wakeups(box: Box) -> None:
    box.wakeups.send(WAKEUPS)


def send_requests(box: Box) -> None:
    box.requests.send(REQUESTS)


def send_stage(box: Box) -> None:
    box.stages.send(STAGE)


def send_batch(box: Box) -> None:
    box.batches.send(BATCH)


SENDS: list[tuple[Callable[[Box], None], list[object]]] = [
    (send_wakeups, [*WAKEUPS]),
    (send_requests, [*REQUESTS]),
    (send_stage, [STAGE]),
    (send_batch, [BATCH]),
]
several = pytest.mark.parametrize(("send", "sent"), SENDS[:2], ids=["wakeups", "requests"])
each = pytest.mark.parametrize(("send", "sent"), SENDS, ids=["wakeups", "requests", "stage", "batch"])


@pytest.fixture(params=BOXES)
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    """Empty queues of each kind."""
    with BOXES[request.param]() as made:
        yield made


def come_within(box: Box, span: timedelta) -> Counter[object]:
    box.until(box.now + span)
    return Counter[object](box.come())


@each
def test_what_is_sent_comes_once_as_it_was_sent(box: Box, send: Callable[[Box], None], sent: list[object]) -> None:
    send(box)
    assert come_within(box, SECOND) == Counter(sent)
    assert come_within(box, timedelta(hours=2)) == Counter(sent)


@pytest.mark.parametrize("delay", [0, 1, 59, 900])
def test_a_message_is_not_seen_before_its_delay_and_once_after_it(box: Box, delay: int) -> None:
    began = box.now
    box.wakeups.send([Wakeup("stripe:cus_1", delay)])
    box.requests.send([REQUESTS[0]], delay)
    box.batches.send(BATCH, delay)
    if delay:
        box.until(began + timedelta(seconds=delay) - 0.5 * SECOND)
        assert box.come() == []
    box.until(began + timedelta(seconds=delay) + SECOND)
    assert Counter(box.come()) == Counter([Wakeup("stripe:cus_1"), REQUESTS[0], BATCH])
    assert come_within(box, timedelta(hours=2)).total() == 3


def test_each_message_of_a_batch_keeps_its_own_delay(box: Box) -> None:
    began = box.now
    box.wakeups.send([Wakeup(f"stripe:cus_{delay}", delay) for delay in (30, 10, 20)])
    for number, delay in enumerate((10, 20, 30), start=1):
        box.until(began + timedelta(seconds=delay) + SECOND)
        assert len(box.come()) == number
        assert box.come()[-1] == Wakeup(f"stripe:cus_{delay}")


@each
def test_what_is_refused_never_comes_and_the_sender_knows(box: Box, send: Callable[[Box], None], sent: list[object]) -> None:
    box.refuses()
    with pytest.raises(Retryable):
        send(box)
    assert come_within(box, timedelta(hours=2)).total() == 0
    send(box)
    assert come_within(box, SECOND) == Counter(sent)


@each
def test_after_a_lost_answer_the_sender_must_send_again_and_all_comes_at_least_once(
    box: Box, send: Callable[[Box], None], sent: list[object]
) -> None:
    box.loses_the_answer()
    with pytest.raises(Retryable):
        send(box)
    assert set(come_within(box, SECOND)) == set(sent)


@several
def test_what_a_batch_left_out_is_sent_again_and_nothing_else_is(box: Box, send: Callable[[Box], None], sent: list[object]) -> None:
    box.takes_in_part(lasting=False)
    send(box)
    assert come_within(box, timedelta(hours=2)) == Counter(sent)


@several
def test_what_stays_left_out_is_not_taken_for_sent(box: Box, send: Callable[[Box], None], sent: list[object]) -> None:
    box.takes_in_part(lasting=True)
    with pytest.raises(Retryable):
        send(box)
    come = come_within(box, timedelta(hours=2))
    assert 0 < come.total() < len(sent)
    assert come <= Counter(sent)


@pytest.mark.parametrize("delay", [0, 900])
def test_a_batch_too_large_for_one_message_comes_in_several_and_whole(box: Box, delay: int) -> None:
    requests = tuple(SyncRequest("xero", "invoice", f"{n}{'x' * (LARGEST_NEWS // 4)}", account="a") for n in range(9))
    box.batches.send(SyncBatch(requests, hops=2), delay)
    if delay:
        assert come_within(box, timedelta(seconds=delay - 1)).total() == 0
    box.until(box.now + timedelta(seconds=2))
    come = [message for message in box.come() if isinstance(message, SyncBatch)]
    assert sorted(request.id for batch in come for request in batch.requests) == sorted(request.id for request in requests)
    assert {batch.hops for batch in come} == {2}
    assert all(sum(len(request.id) for request in batch.requests) <= LARGEST_NEWS for batch in come)


def test_who_is_put_aside_is_kept_with_the_reason(box: Box) -> None:
    box.dead.send(Wakeup("stripe:cus_ü", hops=3), "because")
    assert box.letters() == [("stripe:cus_ü", "because")]


def test_who_could_not_be_put_aside_is_not(box: Box) -> None:
    box.refuses()
    with pytest.raises(Retryable):
        box.dead.send(Wakeup("stripe:cus_1"), "because")
    assert box.letters() == []
