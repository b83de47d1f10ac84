"""What a source says of an invoice (a snapshot), and what we keep of it (the invoice and its progress)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from dunning.domain.customer_settings import CustomerSettings
from dunning.domain.evolving import replace
from dunning.domain.fee_records import Fee
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.money import Money
from dunning.domain.promise import Promise


class Status(StrEnum):
    """Where an invoice stands at its source. Only `OPEN` is ever reminded about."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Contact:
    """How a customer is reached, as its source knows it. `country` is ISO 3166-1 alpha-2.

    `tags` are the words by which its source groups customers, `is_business` whether it is a company; None: the source did not say.
    `settings` are None where the source's record of the customer was not read. `of_record`: for which of `email` and `phone` that
    record was read in full, so that one that is None is not in it; only what a source tells of a customer by itself says so.
    `closed` are the channels by which the customer must not be written to; only `Profile.reach` says so.
    """

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    country: str | None = None
    locale: str | None = None
    timezone: str | None = None
    tags: tuple[str, ...] | None = None
    is_business: bool | None = None
    settings: CustomerSettings | None = None
    of_record: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One invoice as its source showed it at one instant.

    `customer` is the full id (`stripe:cus_123`), `invoice_id` the source's bare id. Amounts are minor units of `currency`;
    `amount_due` is what is still owed. `due` is a calendar date, or an instant that the policy's zone turns into one;
    None when the source sets no due date. `stamp` (UTC) says how fresh this is: the event's creation, or our clock when a
    fetch began. `collects_automatically`: the source charges a payment method itself. `subscription`: it comes again and again, from a
    subscription or a repeating template; `tags` are the invoice's own (None: not said). `fee_id`: it is a late fee of ours, this one
    (`fee_records.fee_id`), and `fee_for` the bare id of the invoice that it was charged on, where the source says so.
    `billed_to`: the address that the invoice itself names, beside the customer's own in `contact`. `frozen_email`: the customer's own
    as it was when the invoice was finalised, which the invoice keeps (Stripe's `customer_email`). `link_read`: the source was asked
    for the payment link of this invoice itself, so that None says it has none. `by_credit`: it was settled by credit notes alone,
    and no money came for it, as far as the source tells the two apart. `credited`: what credit notes have taken off it so far, in minor
    units (None: the source does not say). `overpaid`: what is known to have been paid beyond the total, in minor units.
    `customer_gone`: its customer was archived, or made inactive, at the source.
    `is_bare`: only the status is understood, by which nothing is owed; all else here stands for nothing (`snapshots.completed`).
    """

    source: str
    customer: str
    invoice_id: str
    number: str
    status: Status
    currency: str
    total: int
    amount_due: int
    due: date | datetime | None
    issued_at: datetime | None
    stamp: datetime
    payment_url: str | None = None
    link_read: bool = False
    collects_automatically: bool = False
    contact: Contact = field(default_factory=Contact)
    subscription: bool = False
    tags: tuple[str, ...] | None = ()
    fee_id: str | None = None
    fee_for: str | None = None
    billed_to: str | None = None
    frozen_email: str | None = None
    by_credit: bool = False
    credited: int | None = None
    overpaid: int = 0
    customer_gone: bool = False
    is_bare: bool = False


class ApprovalState(StrEnum):
    """What a person said of a step that needs it; `ASKED`: nothing yet; `WITHDRAWN`: nothing, and nobody need, which is never stored."""

    ASKED = "asked"
    WITHDRAWN = "withdrawn"
    APPROVED = "approved"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Approval:
    """Whether a step may run on as much as `amount` (minor units of the invoice's currency); `reason`: why not.

    `amount` is what the message would ask for on this invoice's account (`approval.sum_asked`): with its late fees, and less the
    customer's credit, of which `credit` was deducted. `together`: asked for the total of one message about several invoices.
    """

    step: str
    state: ApprovalState
    amount: int
    reason: str | None = None
    together: bool = False
    credit: int = 0


@dataclass(frozen=True, slots=True)
class Repeat:
    """A step whose mail bounced, to be sent once more another way; `at` (UTC): when, None once that is done."""

    step: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Invoice:
    """A recorded invoice: the newest snapshot's facts, and how far its plan has run.

    `level` is the position of the last step that ran or was skipped (0: none yet), `anchor_at` the instant it did.
    `next_step` and `next_at` are what its policy says comes next, before holds of the case; `waits_since`: when what only the
    hour, or a later message in its place, has moved to `next_at` fell due. `thanks_at`: when to say thank you for a payment.
    `suppressed_for`: why it is not reminded about. `escalated`: it has left automated reminders.
    `opened_mails` and `clicked_mails` are SES's ids of the newest mails about it that were, `opened_at` when one last was.
    `plan_revision`: the wording of the policy under which `next_at` was computed.
    `holds` are its own, beside those of its case; `promise` is the one that runs, `promise_broken` whether the last was.
    `counts_from`: the day (the customer's) that took the due date's place when the plan was started again; `restarts_at`: a part
    was paid then (UTC), and the plan starts again as soon as nothing about the invoice is on its way; `restarted_after`: when the last
    reminder of the plan before went out.
    `fees`: the late fees on it, at most one for each step. `fee_id`, `fee_for`, `billed_to`, `by_credit`,
    `credited`, `overpaid`: see Snapshot.
    `approval`: what a person was asked, or said, of a step over an amount. `repeat`: a step whose mail bounced, to be sent
    another way. `sent_step` is the last step that wrote to the customer, `texted_step` the same if it did by text message, or may
    have ("": it did not; None: not known). `version` counts our writes.
    """

    id: str
    source: str
    customer: str
    number: str
    status: Status
    currency: str
    total: int
    amount_due: int
    due_date: date | None
    issued_at: datetime | None
    stamp: datetime
    payment_url: str | None = None
    collects_automatically: bool = False
    policy: str | None = None
    level: int = 0
    last_step: str | None = None
    anchor_at: datetime | None = None
    next_step: str | None = None
    next_at: datetime | None = None
    waits_since: datetime | None = None
    reminders_sent: int = 0
    last_reminder_at: datetime | None = None
    thanks_at: datetime | None = None
    suppressed_for: str | None = None
    escalated: bool = False
    holds: Mapping[HoldKind, Hold] = field(default_factory=dict)
    subscription: bool = False
    tags: tuple[str, ...] = ()
    plan_revision: str | None = None
    opened_mails: tuple[str, ...] = ()
    clicked_mails: tuple[str, ...] = ()
    opened_at: datetime | None = None
    fees: tuple[Fee, ...] = ()
    fee_id: str | None = None
    fee_for: str | None = None
    billed_to: str | None = None
    by_credit: bool = False
    credited: int | None = None
    overpaid: int = 0
    promise: Promise | None = None
    promises_made: int = 0
    promise_broken: bool = False
    counts_from: date | None = None
    restarts_at: datetime | None = None
    restarted_after: datetime | None = None
    approval: Approval | None = None
    repeat: Repeat | None = None
    sent_step: str | None = None
    texted_step: str | None = None
    version: int = 0

    @property
    def money_due(self) -> Money:
        """What is still owed."""
        return Money(self.amount_due, self.currency)

    @property
    def is_held(self) -> bool:
        """Whether its own reminders wait: a hold that has not ended."""
        return bool(self.holds)

    @property
    def is_open(self) -> bool:
        """Whether money is still expected."""
        return self.status is Status.OPEN

    @property
    def standing(self) -> str:
        """Its status in words; one that credit alone has settled was not paid."""
        return "settled by credit" if self.by_credit else self.status.value

    @property
    def is_fee(self) -> bool:
        """Whether it is a late fee's own invoice: it follows no plan, rides with its parent, bears no fee."""
        return self.fee_id is not None

    def fee_of(self, step: str) -> Fee | None:
        """The late fee of one step."""
        return next((fee for fee in self.fees if fee.step == step), None)

    def with_fee(self, fee: Fee) -> "Invoice":
        """The invoice with this fee in place of the same step's."""
        others = [other for other in self.fees if other.step != fee.step]
        return replace(self, fees=tuple(sorted((*others, fee), key=lambda each: each.step)))
