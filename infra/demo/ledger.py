"""Sixty days as they went: each invoice with its facts, decisions and messages, and what became of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from dunning.domain.money import Money
from infra.demo.shapes import Activity, Case, Invoice, Message
from infra.samples.book import Sample, What
from infra.samples.story import Fact, Story
from infra.samples.stripe_objects import customer_id, invoice_id


class Outcome(StrEnum):
    """What became of an invoice by the last day."""

    COLLECTED = "collected"
    PAID = "paid"
    OPEN = "open"
    HELD = "held"
    ESCALATED = "escalated"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Entry:
    """One invoice: the sample it came from, how the cloud has it, and all that concerns it, oldest first."""

    sample: Sample
    invoice: Invoice
    facts: tuple[Fact, ...]
    activities: tuple[Activity, ...]
    messages: tuple[Message, ...]

    @property
    def reminders(self) -> tuple[tuple[Message, ...], ...]:
        """Reminders in order; mail and SMS of one step are one."""
        steps: dict[str | None, list[Message]] = {}
        for message in self.messages:
            if message.kind == "reminder":
                steps.setdefault(message.step, []).append(message)
        return tuple(tuple(messages) for messages in steps.values())

    @property
    def due_noon(self) -> datetime | None:
        """Noon (UTC) of the due date: a date has no instant, its middle is the fairest place on an axis."""
        due = self.invoice.due_date
        return datetime.combine(date.fromisoformat(due), time(12), tzinfo=UTC) if due else None

    @property
    def first_reminder_at(self) -> datetime | None:
        """When the customer first heard of it."""
        return self.reminders[0][0].sent_at if self.reminders else None

    @property
    def escalated_at(self) -> datetime | None:
        """When the team was told to take over."""
        return next((activity.at for activity in self.activities if activity.type == "escalated"), None)

    @property
    def closed_at(self) -> datetime | None:
        """When nothing more was expected of the customer; None while it is open."""
        closing = {What.PAID, What.PAID_UNHEARD, What.VOIDED, What.UNCOLLECTIBLE}
        return None if self.invoice.status == "open" else next((fact.at for fact in self.facts if fact.what in closing), None)

    @property
    def outcome(self) -> Outcome:
        """What became of it."""
        if self.invoice.status == "paid":
            return Outcome.COLLECTED if self.collected.minor else Outcome.PAID
        if self.invoice.status != "open":
            return Outcome.WITHDRAWN
        if self.escalated_at is not None:
            return Outcome.ESCALATED
        return Outcome.HELD if self.invoice.holds else Outcome.OPEN

    @property
    def owed(self) -> Money:
        """What was invoiced."""
        return Money(self.invoice.total, self.invoice.currency)

    @property
    def still_due(self) -> Money:
        """What is still owed: nothing once it is paid or withdrawn."""
        return Money(self.invoice.amount_due if self.invoice.status == "open" else 0, self.invoice.currency)

    @property
    def collected(self) -> Money:
        """What was paid after the first reminder; never more than the cloud has recorded as paid."""
        since = self.first_reminder_at
        paid = sum(fact.amount for fact in self.facts if fact.what in _PAYMENTS and since is not None and fact.at > since)
        return Money(min(paid, self._paid_in_all), self.invoice.currency)

    @property
    def paid_unasked(self) -> Money:
        """What was paid before any reminder."""
        return Money(self._paid_in_all - self.collected.minor, self.invoice.currency)

    @property
    def withdrawn(self) -> Money:
        """What was voided or written off."""
        unpaid = self.invoice.total - self._paid_in_all if self.outcome is Outcome.WITHDRAWN else 0
        return Money(unpaid, self.invoice.currency)

    @property
    def _paid_in_all(self) -> int:
        if self.invoice.status in ("open", "paid"):
            return self.invoice.total - self.still_due.minor
        return sum(fact.amount for fact in self.facts if fact.what in _PAYMENTS)


_PAYMENTS = frozenset({What.PAID, What.PAID_UNHEARD, What.PART_PAID})


@dataclass(frozen=True, slots=True)
class Figures:
    """One currency's money, in minor units; the last five add up to what was owed."""

    currency: str
    owed: Money
    paid_unasked: Money
    collected: Money
    on_plan: Money
    escalated: Money
    withdrawn: Money

    @property
    def still_open(self) -> Money:
        """All that is still owed, the team's share included."""
        return Money(self.on_plan.minor + self.escalated.minor, self.currency)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The whole period."""

    start: datetime
    end: datetime
    entries: tuple[Entry, ...]
    messages: tuple[Message, ...]

    @property
    def days(self) -> int:
        """Length of the period in days of 24 hours."""
        return (self.end - self.start) // timedelta(days=1)

    def figures(self) -> tuple[Figures, ...]:
        """The money, one row for each currency; currencies are never added up."""
        currencies = dict.fromkeys(entry.invoice.currency for entry in self.entries)
        return tuple(self._of(currency) for currency in sorted(currencies))

    def count(self, *outcomes: Outcome) -> int:
        """How many invoices ended so."""
        return sum(entry.outcome in outcomes for entry in self.entries)

    def _of(self, currency: str) -> Figures:
        entries = [entry for entry in self.entries if entry.invoice.currency == currency]
        escalated = [entry for entry in entries if entry.outcome is Outcome.ESCALATED]
        on_plan = [entry for entry in entries if entry.outcome is not Outcome.ESCALATED]

        def total(amounts: Iterable[Money]) -> Money:
            return Money(sum(amount.minor for amount in amounts), currency)

        return Figures(
            currency,
            owed=total(entry.owed for entry in entries),
            paid_unasked=total(entry.paid_unasked for entry in entries),
            collected=total(entry.collected for entry in entries),
            on_plan=total(entry.still_due for entry in on_plan),
            escalated=total(entry.still_due for entry in escalated),
            withdrawn=total(entry.withdrawn for entry in entries),
        )


def balance(
    story: Story, book: Iterable[Sample], outbox: tuple[Message, ...], cases: Iterable[Case], start: datetime, end: datetime
) -> Ledger:
    """Put together what the samples did and what the cloud made of it. Raises LookupError for an invoice it never recorded."""
    by_customer = {case.customer: case for case in cases}
    entries = []
    for sample in book:
        case = by_customer[f"stripe:{customer_id(sample.customer)}"]
        invoice = next((each for each in case.invoices if each.id == invoice_id(sample)), None)
        if invoice is None:
            raise LookupError(f"{sample.number} never reached its case {case.customer}")
        entries.append(
            Entry(
                sample,
                invoice,
                facts=tuple(fact for fact in story.facts if fact.invoice == invoice.id),
                activities=tuple(activity for activity in case.activities if invoice.id in activity.invoices or not activity.invoices),
                messages=tuple(message for message in outbox if invoice.id in message.invoices),
            )
        )
    return Ledger(start, end, tuple(entries), outbox)
