"""The queues' ends at which the product sends, behind the wire."""

from collections.abc import Sequence

from dunning.storage.queues import LARGEST_NEWS
from dunning.workflow.ports import SyncBatch, SyncRequest, Wakeup
from dunning.workflow.sweep_ports import SweepStage
from tests.simulation.cloud import Sqs
from tests.simulation.faults import SEND_TO_QUEUE
from tests.simulation.records import Records
from tests.simulation.wire import Wire


class TwinWakeups:
    """workflow.ports.Wakeups."""

    def __init__(self, wire: Wire, queue: Sqs[Wakeup]) -> None:
        self._wire = wire
        self._queue = queue

    def send(self, wakeups: Sequence[Wakeup]) -> None:
        """Whole, or in part: what was not taken is sent once more, and perhaps never taken."""
        half, rest = wakeups[: len(wakeups) // 2], wakeups[len(wakeups) // 2 :]
        self._wire.call(
            "queue.run",
            SEND_TO_QUEUE,
            lambda: self._send(wakeups),
            in_part=lambda: self._send(half),
            the_rest=lambda: self._send(rest),
        )

    def _send(self, wakeups: Sequence[Wakeup]) -> None:
        for wakeup in wakeups:
            self._queue.send(wakeup, wakeup.delay)


class TwinSyncQueue:
    """workflow.ports.SyncQueue."""

    def __init__(self, wire: Wire, queue: Sqs[SyncRequest]) -> None:
        self._wire = wire
        self._queue = queue

    def send(self, requests: Sequence[SyncRequest], delay: int = 0) -> None:
        """Whole, or in part, as `TwinWakeups`."""
        half, rest = requests[: len(requests) // 2], requests[len(requests) // 2 :]
        self._wire.call(
            "queue.sync",
            SEND_TO_QUEUE,
            lambda: self._send(requests, delay),
            in_part=lambda: self._send(half, delay),
            the_rest=lambda: self._send(rest, delay),
        )

    def _send(self, requests: Sequence[SyncRequest], delay: int) -> None:
        for request in requests:
            self._queue.send(request, delay)


class TwinSyncBatches:
    """workflow.ports.SyncBatches: the same queue."""

    def __init__(self, wire: Wire, queue: Sqs[SyncBatch]) -> None:
        self._wire = wire
        self._queue = queue

    def send(self, batch: SyncBatch, delay: int = 0) -> None:
        """One message; as many as it takes where one would be too large."""
        requests = batch.requests
        if len(requests) > 1 and sum(len(request.id.encode()) + len('"",') for request in requests) > LARGEST_NEWS:
            half = len(requests) // 2
            self.send(SyncBatch(requests[:half], batch.hops), delay)
            self.send(SyncBatch(requests[half:], batch.hops), delay)
            return
        self._wire.call("queue.sync", SEND_TO_QUEUE, lambda: self._queue.send(batch, delay), in_part=lambda: None)


class TwinSweepQueue:
    """workflow.ports.SweepQueue."""

    def __init__(self, wire: Wire, queue: Sqs[SweepStage]) -> None:
        self._wire = wire
        self._queue = queue

    def send(self, stage: SweepStage, delay: int = 0) -> None:
        """One message."""
        self._wire.call("queue.sweep", SEND_TO_QUEUE, lambda: self._queue.send(stage, delay), in_part=lambda: None)


class TwinDeadLetters:
    """workflow.ports.DeadLetters."""

    def __init__(self, wire: Wire, records: Records) -> None:
        self._wire = wire
        self._records = records

    def send(self, wakeup: Wakeup, reason: str) -> None:
        """One message."""
        letter = ("run", wakeup.customer, reason)
        self._wire.call("queue.dead", SEND_TO_QUEUE, lambda: self._records.dead.append(letter), in_part=lambda: None)


class TwinSyncLetters:
    """storage.queues.SyncLetters."""

    def __init__(self, wire: Wire, records: Records) -> None:
        self._wire = wire
        self._records = records

    def __call__(self, request: SyncRequest, reason: str) -> None:
        """One message."""
        letter = ("sync", request.id, reason)
        self._wire.call("queue.dead", SEND_TO_QUEUE, lambda: self._records.dead.append(letter), in_part=lambda: None)

    def of_many(self, batch: SyncBatch, reason: str) -> None:
        """One message, whatever it asks for."""
        self(batch.requests[0], reason)
