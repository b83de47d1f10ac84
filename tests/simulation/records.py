"""What was seen from outside while a world ran."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dunning.domain.case import Case
from dunning.domain.effects import rows_of
from dunning.domain.invoice import Snapshot
from dunning.workflow.fee_port import FeeOrder
from dunning.workflow.ports import Envelope
from dunning.workflow.wheel_ports import DueTimer


@dataclass(frozen=True, slots=True)
class Accepted:
    """A message that a channel took, whether or not its sender learnt of it."""

    channel: str
    to: tuple[str, ...]
    envelope: Envelope
    at: datetime

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """What must not be told twice: the customer, and each step of each invoice on this channel."""
        return tuple((self.envelope.customer, row) for row in rows_of(self.envelope.effect))


@dataclass(slots=True)
class Invocation:
    """One run of a function: its clock, its end, and what it has been told so far.

    Of run_step: the timer that the wheel `let_go`, and whether it `asked_in_vain` who waits. Of the wheel: what it `found`.
    """

    function: str
    customer: str | None
    clock_is_off: float
    deadline: datetime
    calm: bool
    loaded: Case | None = None
    told: dict[str, Snapshot | None] = field(default_factory=dict)
    began: datetime | None = None
    let_go: datetime | None = None
    asked_in_vain: bool = False
    found: Sequence[DueTimer] = ()


@dataclass(slots=True)
class Records:
    """The notes of one world."""

    accepted: list[Accepted] = field(default_factory=list)
    fees: list[FeeOrder] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    dead: list[tuple[str, str, str]] = field(default_factory=list)
    invocations: Counter[str] = field(default_factory=Counter)
    unheard: set[str] = field(default_factory=set)

    def violated(self, text: str) -> None:
        """Something happened that must never happen."""
        if text not in self.violations:
            self.violations.append(text)
