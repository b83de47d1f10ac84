"""What the use cases need of the outside world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from dunning.domain.activity import Activity
from dunning.domain.case import Case, Claim, EffectState
from dunning.domain.history import PastEvent
from dunning.domain.invoice import Contact, Snapshot
from dunning.domain.policy import Facts, Policy
from dunning.workflow.fee_port import MessageFee, MessageProposal
from dunning.workflow.mail_ports import PLAIN, Addressing, Attachment
from dunning.workflow.source_events import DisputeSeen, FetchKind, SourceEvent


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """Now, in UTC."""
        ...


class CaseStore(Protocol):
    """Cases in the table. Every write is one conditional transaction."""

    def load(self, customer: str) -> Case:
        """The case by one strongly consistent query, its maps in no order; an empty one (version 0) when unknown. Raises Unreadable."""
        ...

    def save(self, before: Case, after: Case, activities: Sequence[Activity] = (), *, claim_id: str | None = None) -> None:
        """Write what differs, with its activities, in one transaction.

        With `claim_id` the write also requires that claim to be held. Raises Conflict when an item changed since `before`
        was read, AlreadyClaimed when `claim_id` is no longer held, Retryable when the table cannot be reached.
        """
        ...

    def claim(self, customer: str, claim: Claim, now: datetime) -> Claim:
        """Take the customer whose timer is due and who is not claimed; answers the claim as stored (with what it inherits).

        Raises AlreadyClaimed, Unreadable. Our own id found in place counts as success: the first answer was lost.
        """
        ...

    def mark_effect(self, customer: str, origin: str, effect: str, state: EffectState, at: datetime | None = None) -> bool:
        """Mark one effect of the claim with this origin, on its way since `at` (UTC); False when that claim is gone."""
        ...

    def customer_of(self, kind: str, value: str) -> str | None:
        """The customer a reference (`invoice`, `phone`) belongs to."""
        ...


class Correspondents(Protocol):
    """Who writes from where."""

    def customers_of(self, kind: str, value: str) -> tuple[str, ...]:
        """The customers who are reached so (`email`, `sms`: an address or number), or whom a reply's token (`reply`) names."""
        ...


@dataclass(frozen=True, slots=True)
class Wakeup:
    """A message that says: look at this customer. `hops`: how often it was sent on.

    `let_go`: by the wheel, for the timer that is due since then (UTC). `without_mail`: the wheel has no mail left for it, so that
    only what sends none is done.
    """

    customer: str
    delay: int = 0
    hops: int = 0
    let_go: datetime | None = None
    without_mail: bool = False


class Wakeups(Protocol):
    """The delayed queue in front of run_step."""

    def send(self, wakeups: Sequence[Wakeup]) -> None:
        """Send in batches of ten; delays in whole seconds, 0 to 900. Retries what failed in part; raises Retryable."""
        ...


class DeadLetters(Protocol):
    """run_step's dead-letter queue."""

    def send(self, wakeup: Wakeup, reason: str) -> None:
        """Put a customer aside, with the reason; raises Retryable."""
        ...


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """Something at a source must be looked at. `kind` is a FetchKind's value.

    `account`: the company or tenant it belongs to, for sources that have several. `stamp` (UTC): when we learned of it.
    `tries`: how often it was put off.
    """

    source: str
    kind: str
    id: str
    customer: str | None = None
    stamp: datetime | None = None
    detail: str | None = None
    account: str | None = None
    tries: int = 0


class SyncQueue(Protocol):
    """The queue in front of sync_invoice."""

    def send(self, requests: Sequence[SyncRequest], delay: int = 0) -> None:
        """Send in batches of ten, to be seen after so many seconds (0 to 900); raises Retryable."""
        ...


@dataclass(frozen=True, slots=True)
class SyncBatch:
    """Many requests in one message, of one source, without customer or detail. `hops` counts how often it was sent on."""

    requests: tuple[SyncRequest, ...]
    hops: int = 0


class SyncBatches(Protocol):
    """The same queue, with many requests in one message."""

    def send(self, batch: SyncBatch, delay: int = 0) -> None:
        """Send, visible after a delay (seconds, 0 to 900); raises Retryable."""
        ...


@dataclass(frozen=True, slots=True)
class SourcePage:
    """One page of a source's open invoices; `cursor` None on the last. `unreadable`: bare ids of those not understood."""

    snapshots: tuple[Snapshot, ...]
    cursor: str | None
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traced:
    """What a charge, credit note or invoice payment leads to: the customer (full id), the invoices by bare id."""

    customer: str | None
    invoices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a customer stands beside the open invoices: credit in minor units by currency, and the contact where it came along."""

    credit: Mapping[str, int] = field(default_factory=dict)
    contact: Contact | None = None


class InvoiceSource(Protocol):
    """A provider, read.

    Raises Retryable when it cannot be reached or is at its limit, Unauthorised (a Retryable) when it refuses our credentials,
    Permanent when it never will answer.
    """

    name: str

    def fetch(self, invoice_id: str, account: str | None = None) -> Snapshot | None:
        """The invoice now, stamped with our clock at the request's start; None when the source has no such invoice.

        `account` is the company or tenant, where the source's customer ids name one.
        """
        ...

    def fetch_contact(self, customer: str) -> Contact | None:
        """The customer's contact now (full customer id); None when deleted or unknown."""
        ...

    def open_invoices_of(self, customer: str) -> tuple[Snapshot, ...]:
        """All open invoices of one customer (full id) that can be read: what is not among them is not paid, unless a fetch says so."""
        ...

    def standing_of(self, customer: str) -> Standing:
        """The customer's balance, credit notes and payments that are not yet allocated (full id); nothing where there is no such thing."""
        ...

    def open_page(self, cursor: str | None, account: str | None = None) -> SourcePage:
        """One page of all open invoices (of an account)."""
        ...

    def trace(self, kind: FetchKind, object_id: str, account: str | None = None) -> Traced | None:
        """Whom and which invoices a charge, credit note or payment concerns; None when the source has no such thing.

        Raises ValueError for the kinds that are fetched themselves.
        """
        ...

    def fetch_dispute(self, dispute_id: str) -> DisputeSeen | None:
        """The dispute now, stamped with our clock at the request's start; trace its charge to find whom it concerns."""
        ...

    def fetch_event(self, event_id: str) -> SourceEvent | None:
        """An event by its id, read as if it had just come; None when the source no longer keeps it."""
        ...


@dataclass(frozen=True, slots=True)
class Envelope:
    """What every message carries beside its text: who it is about, and what identifies it.

    `kind`: reminder, thank_you, escalation, notice, digest. `invoices`: bare ids. `claim`: its origin. `effect`: its key in the claim.
    """

    kind: str
    customer: str
    invoices: tuple[str, ...]
    step: str | None
    claim: str
    effect: str


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """A mail ready to go."""

    subject: str
    text: str
    html: str


class EmailChannel(Protocol):
    """SES. One attempt a call. Raises Refused (surely not sent) or OutcomeUnknown (perhaps sent)."""

    def send(
        self,
        to: Sequence[str],
        email: RenderedEmail,
        envelope: Envelope,
        addressing: Addressing = PLAIN,
        attachments: Sequence[Attachment] = (),
    ) -> str:
        """Send, answer the message id."""
        ...


class SmsChannel(Protocol):
    """SNS SMS. One attempt a call. Raises Refused or OutcomeUnknown."""

    def send(self, phone: str, text: str, envelope: Envelope) -> str:
        """Send, answer the message id."""
        ...


class NumberCheck(Protocol):
    """What the telephone network knows of a number."""

    def is_opted_out(self, phone: str) -> bool:
        """Whether text messages to this E.164 number are barred by its owner; False where that cannot be told."""
        ...


class TeamChannel(Protocol):
    """SNS topics of our own people. Raises Refused or OutcomeUnknown."""

    def send(self, team: str, subject: str, text: str, envelope: Envelope) -> str:
        """Tell a team, answer the message id."""
        ...


class DayPlaces(Protocol):
    """The places that a policy has on one day for first contacts. `day` names both. All raise Retryable."""

    def ask(self, day: str, customer: str, balance: Decimal, now: datetime) -> datetime:
        """Put a customer on the day's list, largest balance (major units) first; answers when that was first done."""
        ...

    def is_among(self, day: str, customer: str, most: int) -> bool:
        """Whether a customer is among the first of the list."""
        ...

    def take(self, day: str, customer: str, most: int) -> bool:
        """Take one of the day's places, whose number never exceeds `most`; True also when it was taken before."""
        ...


class Policies(Protocol):
    """The loaded policies."""

    def assigned(self, facts: Facts) -> Policy:
        """The policy for an invoice with these facts (`domain.assignment`). Raises Permanent when a condition fails."""
        ...

    def knows(self, name: str) -> bool:
        """Whether there is a policy of this name."""
        ...

    def named(self, name: str | None) -> Policy:
        """The policy by name; the default one when that name is gone."""
        ...


@dataclass(frozen=True, slots=True)
class MessageInvoice:
    """One row of a message: an invoice as the reader must see it. Amounts are minor units, and its own, without its fees'.

    `amount_due` is what is still to be paid when `credit`, the customer's own, has been taken off. `opened` and `clicked` count mails.
    `at_this_stage`: its own step is the one that the message's template was written for; what a later stage threatens does
    not hold for it otherwise.
    """

    id: str
    number: str
    currency: str
    amount_due: int
    total: int
    due_date: date | None
    days_overdue: int
    payment_url: str | None
    reminders_sent: int = 0
    credit: int = 0
    last_reminder_on: date | None = None
    opened: int = 0
    clicked: int = 0
    opened_on: date | None = None
    fees: tuple[MessageFee, ...] = ()
    proposals: tuple[MessageProposal, ...] = ()
    at_this_stage: bool = True

    @property
    def with_fees(self) -> int:
        """What is owed on it together with its late fees."""
        return self.amount_due + sum(fee.amount_due for fee in self.fees)


@dataclass(frozen=True, slots=True)
class MessageContent:
    """All that a template may use. `also_by_mail`: the step mails this customer, too; `further`: invoices due that found no room."""

    customer: str
    customer_name: str | None
    locale: str | None
    invoices: tuple[MessageInvoice, ...]
    step: str | None = None
    history: tuple[PastEvent, ...] = ()
    reason: str | None = None
    others: tuple[MessageInvoice, ...] = ()
    answered_on: date | None = None
    quote: str | None = None
    also_by_mail: bool = True
    further: int = 0


class Renderer(Protocol):
    """Turns a template's name and content into words. Raises Permanent when a template fails."""

    def email(self, template: str, content: MessageContent) -> RenderedEmail:
        """Subject, text and HTML."""
        ...

    def sms(self, template: str, content: MessageContent) -> str:
        """One short text."""
        ...

    def team(self, template: str, content: MessageContent) -> tuple[str, str]:
        """Subject and text for our own people."""
        ...
