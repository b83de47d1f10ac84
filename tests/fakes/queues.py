"""Queues in memory: what was sent, and what can be received at an instant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dunning.domain.errors import Retryable
from dunning.workflow.ports import SyncBatch, SyncRequest, Wakeup
from dunning.workflow.sweep_ports import SweepStage

LONGEST_DELAY = 900


class MemoryWakeups:
    """workflow.ports.Wakeups. `sent` keeps all ever sent; `receive` hands out what has become visible."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._waiting: list[tuple[datetime, Wakeup]] = []
        self.sent: list[Wakeup] = []
        self.is_down = False

    def send(self, wakeups: Sequence[Wakeup]) -> None:
        """Take messages; refuses a delay that SQS would refuse. Raises Retryable while down."""
        if self.is_down:
            raise Retryable("the queue is down")
        now = self._clock()
        for wakeup in wakeups:
            assert 0 <= wakeup.delay <= LONGEST_DELAY, f"SQS takes no delay of {wakeup.delay} s"
            self.sent.append(wakeup)
            self._waiting.append((now + timedelta(seconds=wakeup.delay), wakeup))

    def next_at(self) -> datetime | None:
        """When the next message becomes visible."""
        return min((at for at, _ in self._waiting), default=None)

    def receive(self) -> list[Wakeup]:
        """All messages that are visible now, in order; they leave the queue."""
        now = self._clock()
        visible = [wakeup for at, wakeup in sorted(self._waiting, key=lambda entry: entry[0]) if at <= now]
        self._waiting = [entry for entry in self._waiting if entry[0] > now]
        return visible


@dataclass
class MemoryDeadLetters:
    """workflow.ports.DeadLetters."""

    letters: list[tuple[Wakeup, str]] = field(default_factory=list)

    def send(self, wakeup: Wakeup, reason: str) -> None:
        """Put a customer aside."""
        self.letters.append((wakeup, reason))


@dataclass
class MemorySyncQueue:
    """workflow.ports.SyncQueue."""

    requests: list[SyncRequest] = field(default_factory=list)
    is_down: bool = False

    def send(self, requests: Sequence[SyncRequest], delay: int = 0) -> None:
        """Ask for a fetch of each; that some are to be seen later makes no difference here."""
        if self.is_down:
            raise Retryable("SQS cannot be reached")
        self.requests.extend(requests)

    def receive(self) -> list[SyncRequest]:
        """All messages; they leave the queue."""
        taken, self.requests = self.requests, []
        return taken


@dataclass
class MemorySweepQueue:
    """workflow.ports.SweepQueue. `delays` says of each message ever sent how many seconds it was to wait."""

    stages: list[SweepStage] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)

    def send(self, stage: SweepStage, delay: int = 0) -> None:
        """Continue with this stage; that some are to be seen later makes no difference here."""
        assert 0 <= delay <= LONGEST_DELAY, f"SQS takes no delay of {delay} s"
        self.stages.append(stage)
        self.delays.append(delay)

    def receive(self) -> list[SweepStage]:
        """All messages; they leave the queue."""
        taken, self.stages = self.stages, []
        return taken


@dataclass
class MemorySyncBatches:
    """workflow.ports.SyncBatches: every batch, with its delay in seconds."""

    sent: list[tuple[SyncBatch, int]] = field(default_factory=list)

    def send(self, batch: SyncBatch, delay: int = 0) -> None:
        """Take one message."""
        assert 0 <= delay <= LONGEST_DELAY, f"SQS takes no delay of {delay} s"
        self.sent.append((batch, delay))
