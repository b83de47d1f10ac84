"""What can go wrong at one call or one message, and the book of what did: drawn by chance, or replayed from a list."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Kind(StrEnum):
    """The ways in which a call, a message or a webhook goes wrong."""

    REFUSED = "refused"
    THROTTLED = "throttled"
    FAILED = "failed without effect, no word of it"
    LOST = "answer lost"
    LOST_FOR_GOOD = "answer lost, every time"
    IN_PART = "batch taken in part"
    SLOW = "slow"
    FROZEN = "worker stood still for half an hour"
    KILLED_BEFORE = "worker killed before"
    KILLED_AFTER = "worker killed after"
    RACED_BEFORE = "another worker just before"
    RACED_AFTER = "another worker just after"
    DOUBLED = "doubled"
    DELAYED = "delayed"
    MISSING = "missing"
    THIN = "without its content"


READ = (Kind.REFUSED, Kind.THROTTLED, Kind.SLOW, Kind.FROZEN, Kind.KILLED_BEFORE, Kind.KILLED_AFTER, Kind.RACED_BEFORE, Kind.RACED_AFTER)
WRITE = (*READ, Kind.LOST, Kind.LOST_FOR_GOOD)
# Between the look at the clock and the channel nothing can help a worker that stands still; nor can it between claim and answer.
CLAIM = tuple(kind for kind in WRITE if kind is not Kind.FROZEN)
SEND_TO_QUEUE = (
    Kind.REFUSED,
    Kind.THROTTLED,
    Kind.IN_PART,
    Kind.LOST,
    Kind.LOST_FOR_GOOD,
    Kind.KILLED_BEFORE,
    Kind.KILLED_AFTER,
    Kind.RACED_AFTER,
)
CHANNEL = (
    Kind.REFUSED,
    Kind.THROTTLED,
    Kind.FAILED,
    Kind.LOST,
    Kind.KILLED_BEFORE,
    Kind.KILLED_AFTER,
    Kind.RACED_BEFORE,
    Kind.RACED_AFTER,
    Kind.SLOW,
)
MESSAGE = (Kind.DOUBLED, Kind.DELAYED)
WEBHOOK = (Kind.DOUBLED, Kind.DELAYED, Kind.MISSING, Kind.THIN)

CLOSE_TO_THE_CUSTOMER = ("email", "sms", "team", "ses", "stripe", "fee")
OFTEN = 2.0
"""A message is sent once for a hundred times that the table is asked: what happens then is worth more trouble."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The `nth` (1-based) call of `op` goes wrong in this way; `size` (0 to 999) says how much, whoever needs to know."""

    op: str
    nth: int
    kind: Kind
    size: int = 0

    def __str__(self) -> str:
        return f"{self.op} no. {self.nth}: {self.kind.value} (size {self.size})"


class FaultBook:
    """Says of every call whether it goes wrong. What was drawn can be replayed, whole or in part."""

    def __init__(self, rate: float, seed: int, replay: Sequence[Fault] | None = None) -> None:
        self._rate = rate
        self._random = Random(f"faults {seed}")
        self._replay = None if replay is None else {(fault.op, fault.nth): fault for fault in replay}
        self._calls: Counter[str] = Counter()
        self.injected: list[Fault] = []

    def draw(self, op: str, kinds: Sequence[Kind], *, calm: bool) -> Fault | None:
        """The fault of this call of `op`, if any; none while `calm`, but the call counts."""
        self._calls[op] += 1
        if calm:
            return None
        fault = self._drawn(op, kinds) if self._replay is None else self._replay.get((op, self._calls[op]))
        if fault:
            self.injected.append(fault)
        return fault

    def replays(self, fault: Fault) -> None:
        """Let this fault strike, too, counted from now on. Only where faults are replayed."""
        if self._replay is None:
            raise ValueError("faults are drawn by chance here")
        self._replay[fault.op, self._calls[fault.op] + fault.nth] = fault

    def _drawn(self, op: str, kinds: Sequence[Kind]) -> Fault | None:
        likely = self._rate * OFTEN if op.partition(".")[0] in CLOSE_TO_THE_CUSTOMER else self._rate
        if self._random.random() >= likely:
            return None
        return Fault(op, self._calls[op], self._random.choice(kinds), self._random.randrange(1000))
