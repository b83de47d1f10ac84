"""A policy: a dunning plan and its ordered steps, already validated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta

Facts = Mapping[str, object]
Condition = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class BeforeDue:
    """`days` calendar days before the due date, at a local time of day."""

    days: int
    time: time


@dataclass(frozen=True, slots=True)
class AfterDue:
    """`days` calendar days after the due date, at a local time of day."""

    days: int
    time: time


@dataclass(frozen=True, slots=True)
class AfterPrevious:
    """An elapsed duration after the previous step really ran or was skipped."""

    delay: timedelta


Timing = BeforeDue | AfterDue | AfterPrevious


@dataclass(frozen=True, slots=True)
class Step:
    """One step: when, on what condition, and what it does. `email` and `sms` name templates; `escalate` a team.

    `condition_text` is the expression as written, for reasons that people read.
    """

    id: str
    at: Timing
    condition: Condition | None = None
    condition_text: str | None = None
    email: str | None = None
    sms: str | None = None
    escalate: str | None = None

    @property
    def is_message(self) -> bool:
        """Whether the step writes to the customer."""
        return self.email is not None or self.sms is not None


@dataclass(frozen=True, slots=True)
class Window:
    """A customer-local span of the day, [start, end) in minutes after midnight; 1440 is "24:00"."""

    start: int
    end: int


ALL_DAY = Window(0, 1440)


@dataclass(frozen=True, slots=True)
class Policy:
    """A dunning plan. `minimum_balance` is in minor units by currency; `default_minimum` is a major-unit text, used for others.

    `remind_charge_automatically` and `no_due_date_after` (days after issue) say whether the invoices that are otherwise only
    recorded are reminded about.
    """

    name: str
    timezone: str
    steps: tuple[Step, ...]
    send_window: Mapping[str, Window] = field(default_factory=dict)
    minimum_balance: Mapping[str, int] = field(default_factory=dict)
    default_minimum: str = "0"
    on_paid_email: str | None = None
    remind_charge_automatically: bool = False
    no_due_date_after: int | None = None

    def position(self, step_id: str | None) -> int:
        """A step's 1-based position; 0 when the policy has no such step."""
        return next((n for n, step in enumerate(self.steps, 1) if step.id == step_id), 0)
