"""A policy: a dunning plan and its ordered steps, already validated."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum

from dunning.domain.fees import Amounts, LateFee
from dunning.domain.work_calendar import EVERY_DAY, WorkCalendar

Facts = Mapping[str, object]
Condition = Callable[[Facts], bool]
_TimeOrNone = time | None


@dataclass(frozen=True, slots=True)
class Days:
    """Calendar days there."""

    count: int


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """Workdays of the policy's calendar."""

    count: int


Span = Days | BusinessDays | timedelta
"""How long something lasts: days compare local dates, a timedelta elapses."""


@dataclass(frozen=True, slots=True)
class BeforeDue:
    """`days` calendar days (`business`: workdays) before the due date, at a local time of day."""

    days: int
    time: time
    business: bool = False


@dataclass(frozen=True, slots=True)
class AfterDue:
    """`days` calendar days (`business`: workdays) after the due date, at a local time of day."""

    days: int
    time: time
    business: bool = False


@dataclass(frozen=True, slots=True)
class AfterPrevious:
    """After the previous step really ran or was skipped: an elapsed `delay`; or, when `days` is set, that many days later at
    the local `time`, and `delay` is only about as long.
    """

    delay: timedelta
    days: Days | BusinessDays | None = None
    time: _TimeOrNone = None


Timing = BeforeDue | AfterDue | AfterPrevious


@dataclass(frozen=True, slots=True)
class Step:
    """One step: when, on what condition, and what it does. `email` and `sms` name templates; `escalate` a team.

    `condition_text` is the expression as written, for reasons that people read; so is `escalate_condition_text`, on which
    the escalation alone depends. `email_to` are roles of the customer's contacts (none: the main one), `email_cc` roles,
    addresses or "owner", `sender` is "owner" or a person's name. A step on more than `approve_above` waits for a person.
    `email_instead` and `sms_instead` are templates for customers who cannot be written to, or do not want to be, as the step says.
    """

    id: str
    at: Timing
    condition: Condition | None = None
    condition_text: str | None = None
    email: str | None = None
    sms: str | None = None
    escalate: str | None = None
    email_to: tuple[str, ...] = ()
    email_cc: tuple[str, ...] = ()
    sender: str | None = None
    attach_invoice_pdf: bool = False
    approve_above: Amounts | None = None
    escalate_condition: Condition | None = None
    escalate_condition_text: str | None = None
    late_fee: LateFee | None = None
    email_instead: str | None = None
    sms_instead: str | None = None

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


class Scope(StrEnum):
    """Whether a message is about all that a customer owes, or about one invoice."""

    CUSTOMER = "customer"
    INVOICE = "invoice"


class CatchUp(StrEnum):
    """What becomes of steps that were missed: each in its order, or the latest message alone."""

    NEXT = "next"
    LATEST = "latest"


class PartialPaymentRule(StrEnum):
    """What a partial payment does to an invoice's plan."""

    CONTINUE = "continue"
    RESTART = "restart"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class OnPartialPayment:
    """The rule, and for a hold how long it lasts."""

    rule: PartialPaymentRule = PartialPaymentRule.CONTINUE
    hold: Span | None = None


@dataclass(frozen=True, slots=True)
class AppliesTo:
    """The invoices that a policy is for; of several policies the one with the lowest priority takes an invoice."""

    condition: Condition
    condition_text: str
    priority: int


@dataclass(frozen=True, slots=True)
class MessageLimit:
    """At most `count` reminders to a customer in any span of `per`."""

    count: int
    per: Span


@dataclass(frozen=True, slots=True)
class OnReply:
    """What a customer's answer does: a hold (`hold` None: until a person has handled it), and the team that is told."""

    hold: Span | None = None
    notify: str | None = None


@dataclass(frozen=True, slots=True)
class PromiseRules:
    """How far ahead a customer may promise to pay, how often for one invoice, and how long after the date the promise is broken."""

    max_days: int = 14
    max_count: int = 2
    grace: Span = Days(0)


@dataclass(frozen=True, slots=True)
class Policy:
    """A dunning plan. `minimum_balance` is in minor units by currency; `default_minimum` is a major-unit text, used for others.

    `remind_charge_automatically` and `no_due_date_after` (days after issue) say whether the invoices that are otherwise only
    recorded are reminded about. `applies_to` None: the policy is followed only as the default, or by its name.
    `revision` changes with its text: plans made under another one are made anew.
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
    applies_to: AppliesTo | None = None
    calendar: WorkCalendar = EVERY_DAY
    scope: Scope = Scope.INVOICE
    min_gap: Span = timedelta()
    max_messages: MessageLimit | None = None
    catch_up: CatchUp = CatchUp.NEXT
    first_contacts_per_day: int | None = None
    on_reply: OnReply | None = None
    on_partial_payment: OnPartialPayment = OnPartialPayment()
    promise: PromiseRules | None = None
    digest_to: tuple[str, ...] = ()
    revision: str | None = field(default=None, compare=False)

    def step(self, step_id: str | None) -> Step | None:
        """The step with this id; None where the plan has none, as after an edit."""
        return next((step for step in self.steps if step.id == step_id), None)

    def position(self, step_id: str | None) -> int:
        """A step's 1-based position; 0 when the policy has no such step."""
        for position, step in enumerate(self.steps, 1):
            if step.id == step_id:
                return position
        return 0
