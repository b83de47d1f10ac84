"""What the contract of the queues runs on: the adapters on moto's SQS, and the simulator's twin of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from dunning.storage.queues import (
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
from dunning.storage.translation import client_config
from dunning.workflow.ports import DeadLetters as DeadLetterPort
from dunning.workflow.ports import SyncBatch, SyncQueue, SyncRequest, Wakeup, Wakeups
from dunning.workflow.ports import SyncBatches as SyncBatchesPort
from dunning.workflow.sweep_ports import SweepQueue, SweepStage
from infra.local.clock import VirtualClock, virtual_time
from tests.fakes.clock import MONDAY_MORNING
from tests.integration.handlers.cloud import Aws, playing_aws
from tests.simulation.cloud import Cloud, Sqs
from tests.simulation.faults import Fault, FaultBook, Kind
from tests.simulation.plans import plan_of
from tests.simulation.postbox import TwinDeadLetters, TwinSweepQueue, TwinSyncBatches, TwinSyncQueue, TwinWakeups
from tests.simulation.records import Records
from tests.simulation.wire import Wire

SDK_ATTEMPTS = 4

Message = Wakeup | SyncRequest | SyncBatch | SweepStage


class Box(Protocol):
    """The queues, how they fail when told to, and what has come out of them so far."""

    @property
    def wakeups(self) -> Wakeups: ...

    @property
    def requests(self) -> SyncQueue: ...

    @property
    def batches(self) -> SyncBatchesPort: ...

    @property
    def stages(self) -> SweepQueue: ...

    @property
    def dead(self) -> DeadLetterPort: ...

    @property
    def now(self) -> datetime: ...

    def until(self, instant: datetime) -> None:
        """Let time pass; consumers take what becomes visible."""

    def come(self) -> list[Message]:
        """All that consumers have got so far, in any order."""
        ...

    def letters(self) -> list[tuple[str, str]]:
        """Customers put aside, each with the reason."""
        ...

    def refuses(self) -> None:
        """The next call is refused, however often the SDK tries."""

    def loses_the_answer(self) -> None:
        """The next call is carried out, and its answer never comes."""

    def takes_in_part(self, *, lasting: bool) -> None:
        """Of the next batch some are not taken; nor later on, if that is lasting."""


class MotoBox:
    """SQS as moto plays it, in virtual time."""

    def __init__(self, aws: Aws, clock: VirtualClock) -> None:
        self._aws, self._clock = aws, clock
        client = aws.session.client("sqs", config=client_config())
        client.meta.events.register("before-parameter-build.sqs.SendMessageBatch", self._hold_back)
        client.meta.events.register("after-call.sqs.SendMessageBatch", self._say_so)
        self._client = client
        self._not_taken = 0
        self._held: list[str] = []
        self._come: list[Message] = []
        self.wakeups = RunQueue(client, aws.queues["run"])
        self.requests = SyncRequests(client, aws.queues["sync"])
        self.batches = SyncBatches(client, aws.queues["sync"])
        self.stages = SweepContinuations(client, aws.queues["sweep"])
        self.dead = DeadLetters(client, aws.queues["run-dead"])

    @property
    def now(self) -> datetime:
        return self._clock()

    def until(self, instant: datetime) -> None:
        self._clock.move_to(instant)

    def come(self) -> list[Message]:
        for queue, read in (("run", read_wakeup), ("sync", _read_sync), ("sweep", read_sweep_stage)):
            self._come += [read(message["Body"]) for message in self._received(queue)]
        return self._come

    def letters(self) -> list[tuple[str, str]]:
        found = self._received("run-dead")
        return [(read_wakeup(one["Body"]).customer, one["MessageAttributes"]["reason"]["StringValue"]) for one in found]

    def refuses(self) -> None:
        for operation in ("SendMessage", "SendMessageBatch"):
            self._aws.fails(operation, "RequestThrottled", 400)

    def loses_the_answer(self) -> None:
        for operation in ("SendMessage", "SendMessageBatch"):
            self._aws.loses_the_answer(operation, times=SDK_ATTEMPTS)

    def takes_in_part(self, *, lasting: bool) -> None:
        self._not_taken = 99 if lasting else 1
        if lasting:  # what is left may be a single one
            self._aws.fails("SendMessage", "RequestThrottled", 400, times=99)

    def _received(self, queue: str) -> list[Mapping[str, Any]]:
        url, found = self._aws.queues[queue], list[Mapping[str, Any]]()
        while messages := self._client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages"):
            for message in messages:
                self._client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found += messages
        return found

    def _hold_back(self, params: dict[str, Any], **_: object) -> None:
        self._held = []
        if self._not_taken:
            self._not_taken -= 1
            half = len(params["Entries"]) // 2
            self._held = [entry["Id"] for entry in params["Entries"][half:]]
            params["Entries"] = params["Entries"][:half]

    def _say_so(self, parsed: dict[str, Any], **_: object) -> None:
        if self._held:
            parsed["Failed"] = [{"Id": one, "SenderFault": False, "Code": "InternalError"} for one in self._held]


def _read_sync(body: str) -> SyncBatch | SyncRequest:
    return read_sync_batch(body) or read_sync_request(body)


class TwinBox:
    """The simulator's queues, with faults only where they are told."""

    def __init__(self) -> None:
        start = MONDAY_MORNING
        always = ((start, start + timedelta(days=9)),)
        quiet = replace(plan_of(1), start=start, storms=always, provider_down=(), mail_down=(), clocks=(0.0,))
        self._records = Records()
        self._cloud = Cloud(quiet, FaultBook(0.0, 1, replay=()), self._records)
        self._come: list[Message] = []
        wire = Wire(self._cloud)
        self.wakeups = TwinWakeups(
            wire, Sqs[Wakeup](self._cloud, "run", "run_step", lambda body, _: self._come.append(replace(body, delay=0)))
        )
        self.requests = TwinSyncQueue(wire, Sqs[SyncRequest](self._cloud, "sync", "sync_invoice", lambda body, _: self._come.append(body)))
        self.batches = TwinSyncBatches(wire, Sqs[SyncBatch](self._cloud, "sync", "sync_invoice", lambda body, _: self._come.append(body)))
        self.stages = TwinSweepQueue(wire, Sqs[SweepStage](self._cloud, "sweep", "daily_sweep", lambda body, _: self._come.append(body)))
        self.dead = TwinDeadLetters(wire, self._records)

    @property
    def now(self) -> datetime:
        return self._cloud.timeline.now

    def until(self, instant: datetime) -> None:
        self._cloud.timeline.run_until(instant)

    def come(self) -> list[Message]:
        assert self._records.violations == []
        return self._come

    def letters(self) -> list[tuple[str, str]]:
        return [(customer, reason) for _, customer, reason in self._records.dead]

    def refuses(self) -> None:
        self._fails(Kind.REFUSED)

    def loses_the_answer(self) -> None:
        self._fails(Kind.LOST_FOR_GOOD)

    def takes_in_part(self, *, lasting: bool) -> None:
        self._fails(Kind.IN_PART, size=0 if lasting else 1)

    def _fails(self, kind: Kind, size: int = 0) -> None:
        for queue in ("run", "sync", "sweep", "dead"):
            self._cloud.faults.replays(Fault(f"queue.{queue}", 1, kind, size))


@contextmanager
def on_moto() -> Iterator[Box]:
    """The adapters."""
    clock = VirtualClock(MONDAY_MORNING)
    with playing_aws("http://127.0.0.1:1") as aws, virtual_time(clock):
        yield MotoBox(aws, clock)


@contextmanager
def on_the_twin() -> Iterator[Box]:
    """Their twin."""
    yield TwinBox()


BOXES = {"moto": on_moto, "twin": on_the_twin}
