"""What happens, in order: every webhook that Stripe delivers, and every change that only Stripe knows of."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from infra.samples.book import BOOK, Customer, Sample, Turn, What
from infra.samples.stripe_objects import (
    InvoiceState,
    Json,
    customer_json,
    dispute_json,
    encode,
    event_json,
    invoice_id,
    invoice_json,
    sign,
)

PAYMENT_TERMS_END = timedelta(hours=9)


@dataclass(frozen=True, slots=True)
class SampleWebhook:
    """A signed delivery, ready to be posted to `/webhooks/stripe`."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event that Stripe delivers at an instant; it is signed anew for each delivery, as Stripe does."""

    at: datetime
    event: Json
    repeated: bool = False

    def signed(self) -> SampleWebhook:
        """The request."""
        body = encode(self.event)
        return SampleWebhook(body, sign(body, self.at))


@dataclass(frozen=True, slots=True)
class Silence:
    """A change of an invoice at Stripe of which no webhook tells; `obj` is the invoice as Stripe then shows it."""

    at: datetime
    invoice: str
    obj: Json


@dataclass(frozen=True, slots=True)
class Fact:
    """What really happened to an invoice (bare id), whoever heard of it. `amount` in minor units where money moved."""

    at: datetime
    invoice: str
    what: What
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """The samples' sixty days: what reaches us, in order, and what really happened."""

    moments: tuple[Delivery | Silence, ...]
    facts: tuple[Fact, ...]


def tell(start: datetime, book: tuple[Sample, ...] = BOOK) -> Story:
    """The story of these samples from `start` (UTC)."""
    moments: list[Delivery | Silence] = []
    facts: list[Fact] = []
    for sample in book:
        life = _Life(sample, start)
        moments.extend(life.issue())
        for turn in sample.turns:
            moments.extend(life.take(turn))
        facts.extend(life.facts)
    return Story(tuple(sorted(moments, key=lambda moment: moment.at)), tuple(sorted(facts, key=lambda fact: fact.at)))


def sample_webhooks(start: datetime) -> list[SampleWebhook]:
    """A handful of overdue and open invoices, all delivered at `start` (UTC), for a local cloud that is looked at by hand."""
    chosen = {"INV-0142": -8.0, "INV-0143": -6.5, "INV-0144": -3.0, "INV-0146": 1.0, "INV-0147": 9.0, "INV-0156": -6.0, "INV-0157": 4.0}
    webhooks = []
    for sample in BOOK:
        if sample.number not in chosen:
            continue
        due = start + timedelta(days=chosen[sample.number])
        state = InvoiceState(sample, created=due - timedelta(days=14), due=due, status="open")
        event = event_json(f"{sample.number}/sample", "invoice.finalized", invoice_json(state), start)
        webhooks.append(Delivery(start, event).signed())
    return webhooks


def due_instant(start: datetime, day: float | None) -> datetime | None:
    """The instant Stripe gives as due date: the samples' invoices fall due in the course of a working day."""
    if day is None:
        return None
    return (start + timedelta(days=day)).replace(hour=0, minute=0, second=0, microsecond=0) + PAYMENT_TERMS_END


class _Life:
    """One invoice from its draft on; each turn yields what is delivered and changes the state."""

    def __init__(self, sample: Sample, start: datetime) -> None:
        self._start = start
        self._at = start
        self._count = 0
        self._email: str | None = None
        created = self._instant(sample.issued)
        self.state = InvoiceState(sample, created=created, due=due_instant(start, sample.due))
        self.facts: list[Fact] = []

    def issue(self) -> Iterator[Delivery]:
        self._at = self.state.created
        yield self._event("invoice.created")
        self._at += timedelta(hours=1)
        self.state = replace(self.state, status="open")
        self._fact(What.ISSUED)
        yield self._event("invoice.finalized")
        if not self.state.sample.charged_automatically:
            yield self._event("invoice.sent", seconds=4)

    def take(self, turn: Turn) -> Iterator[Delivery | Silence]:
        before, self._at = self.state, self._instant(turn.day)
        kinds, amount = self._change(turn)
        self._fact(turn.what, amount)
        if turn.what is What.PAID_UNHEARD:
            yield Silence(self._at, invoice_id(self.state.sample), invoice_json(self.state))
            return
        deliveries = [self._event(kind, seconds=2 * n, obj=self._object(turn)) for n, kind in enumerate(kinds)]
        yield from deliveries
        for day in turn.repeats:
            yield Delivery(self._instant(day), deliveries[0].event, repeated=True)
        if turn.late is not None:
            old = event_json(self._name(), "invoice.updated", invoice_json(before), self._at - timedelta(minutes=40))
            yield Delivery(self._instant(turn.late), old, repeated=True)

    def _change(self, turn: Turn) -> tuple[tuple[str, ...], int]:
        """Move the state; answers the events that tell of it and the money that moved."""
        state = self.state
        match turn.what:
            case What.PAID | What.PAID_UNHEARD:
                amount = state.sample.total - state.paid
                self.state = state.pay(amount, self._at)
                return ("invoice.paid", "invoice.payment_succeeded"), amount
            case What.PART_PAID:
                self.state = state.pay(turn.amount, self._at)
                return ("invoice.updated",), turn.amount
            case What.VOIDED:
                self.state = replace(state, status="void", closed_at=self._at)
                return ("invoice.voided",), 0
            case What.UNCOLLECTIBLE:
                self.state = replace(state, status="uncollectible", closed_at=self._at)
                return ("invoice.marked_uncollectible",), 0
            case What.DUE_MOVED:
                self.state = replace(state, due=due_instant(self._start, turn.due))
                return ("invoice.updated",), 0
            case What.CHARGE_FAILED:
                self.state = replace(state, attempts=state.attempts + 1)
                return ("invoice.payment_failed",), 0
            case What.CONTACT_CHANGED:
                self._email = turn.email
                return ("customer.updated",), 0
            case What.DISPUTED:
                return ("charge.dispute.created",), turn.amount
            case What.DISPUTE_WON:
                return ("charge.dispute.closed",), turn.amount
            case What.ISSUED:
                raise ValueError("an invoice is issued once, by its sample")

    def _object(self, turn: Turn) -> Json:
        match turn.what:
            case What.DISPUTED:
                return dispute_json(self.state, 0, self._at, "needs_response")
            case What.DISPUTE_WON:
                return dispute_json(self.state, 0, self._at, "won")
            case What.CONTACT_CHANGED:
                return customer_json(self._customer, self._email)
            case _:
                return invoice_json(self.state)

    @property
    def _customer(self) -> Customer:
        return self.state.sample.customer

    def _event(self, kind: str, seconds: int = 0, obj: Json | None = None) -> Delivery:
        at = self._at + timedelta(seconds=seconds)
        return Delivery(at, event_json(self._name(), kind, obj or invoice_json(self.state), at))

    def _name(self) -> str:
        self._count += 1
        return f"{self.state.sample.number}/{self._count}"

    def _fact(self, what: What, amount: int = 0) -> None:
        self.facts.append(Fact(self._at, invoice_id(self.state.sample), what, amount))

    def _instant(self, day: float) -> datetime:
        return self._start + timedelta(minutes=round(day * 1440))
