"""A source of invoices in memory."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from dunning.domain.errors import NotYet, Retryable, UnreadableInvoice
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.workflow.fee_port import FeeOrder
from dunning.workflow.ports import SourcePage, Standing, Traced
from dunning.workflow.source_events import DisputeSeen, FetchKind, SourceEvent
from dunning.workflow.sources import account_of
from dunning.workflow.sweep_ports import ChangedPage


class FakeSource:
    """workflow.ports.InvoiceSource: holds invoices, stamps what it hands out with the clock, fails while `is_down`."""

    def __init__(self, clock: Callable[[], datetime], name: str = "stripe", page_size: int = 100) -> None:
        self.name = name
        self.page_size = page_size
        self.invoices: dict[str, Snapshot] = {}
        self.contacts: dict[str, Contact] = {}
        self.traces: dict[tuple[FetchKind, str], Traced] = {}
        self.disputes: dict[str, DisputeSeen] = {}
        self.events: dict[str, SourceEvent] = {}
        self.credit: dict[str, dict[str, int]] = {}
        self.credit_failure: Exception | None = None
        self.unreadable: tuple[str, ...] = ()
        self.failure: Exception | None = None
        self.fetch_failures: dict[str, Exception] = {}
        self.orders: list[FeeOrder] = []
        self.loses_answers = 0
        self.refuses_fees: Exception | None = None
        self.requests = 0
        self._clock = clock

    @property
    def is_down(self) -> bool:
        """Whether requests fail for now."""
        return self.failure is not None

    @is_down.setter
    def is_down(self, down: bool) -> None:
        self.failure = Retryable(f"{self.name} cannot be reached") if down else None

    def has(self, *snapshots: Snapshot) -> None:
        """Hold these invoices, in place of those with the same ids."""
        self.invoices.update({snapshot.invoice_id: snapshot for snapshot in snapshots})

    def changes(self, invoice_id: str, *, status: Status | None = None, amount_due: int | None = None) -> Snapshot:
        """Something happens to an invoice that no webhook tells of; answers the invoice as of now."""
        known = self.invoices[invoice_id]
        self.invoices[invoice_id] = replace(
            known,
            status=status or known.status,
            amount_due=known.amount_due if amount_due is None else amount_due,
        )
        return self._now(self.invoices[invoice_id])

    def is_paid(self, invoice_id: str) -> Snapshot:
        """The invoice is paid in full."""
        return self.changes(invoice_id, status=Status.PAID, amount_due=0)

    def fetch(self, invoice_id: str, account: str | None = None) -> Snapshot | None:
        """The invoice now, unless this one cannot be read."""
        self._request()
        if failure := self.fetch_failures.get(invoice_id):
            raise failure
        if invoice_id in self.unreadable:
            raise UnreadableInvoice(f"invoice {invoice_id} cannot be read")
        found = self.invoices.get(invoice_id)
        return self._now(found) if found else None

    def fetch_contact(self, customer: str) -> Contact | None:
        """The customer's contact now."""
        self._request()
        return self.contacts.get(customer)

    def open_invoices_of(self, customer: str) -> tuple[Snapshot, ...]:
        """All open invoices of one customer, but for those that cannot be read."""
        self._request()
        theirs = (found for found in self._open() if found.customer == customer)
        return tuple(self._now(found) for found in theirs if found.invoice_id not in self.unreadable)

    def standing_of(self, customer: str) -> Standing:
        """The customer's credit now."""
        self._request()
        if self.credit_failure:
            raise self.credit_failure
        return Standing(self.credit.get(customer, {}), self.contacts.get(customer))

    def open_page(self, cursor: str | None, account: str | None = None) -> SourcePage:
        """One page of all open invoices, by id, from behind the cursor."""
        self._request()
        behind = [found for found in self._open(account) if found.invoice_id > (cursor or "")]
        page = behind[: self.page_size]
        following = page[-1].invoice_id if len(behind) > len(page) else None
        readable = tuple(self._now(found) for found in page if found.invoice_id not in self.unreadable)
        unreadable = tuple(found.invoice_id for found in page if found.invoice_id in self.unreadable)
        return SourcePage(readable, following, unreadable)

    def trace(self, kind: FetchKind, object_id: str, account: str | None = None) -> Traced | None:
        """What a charge, credit note or invoice payment leads to."""
        self._request()
        return self.traces.get((kind, object_id))

    def fetch_dispute(self, dispute_id: str) -> DisputeSeen | None:
        """The dispute now."""
        self._request()
        found = self.disputes.get(dispute_id)
        return replace(found, stamp=self._clock()) if found else None

    def fetch_event(self, event_id: str) -> SourceEvent | None:
        """An event by its id."""
        self._request()
        return self.events.get(event_id)

    def _open(self, account: str | None = None) -> list[Snapshot]:
        found = [each for each in self.invoices.values() if each.status is Status.OPEN and account in (None, account_of(each.customer))]
        return sorted(found, key=lambda each: each.invoice_id)

    def charge(self, order: FeeOrder) -> Snapshot:
        """workflow.ports.FeeBook: one invoice for each id; the next `loses_answers` answers are lost on the way."""
        self._request()
        if self.refuses_fees:
            raise self.refuses_fees
        self.orders.append(order)
        name = f"fee_{order.id}"
        if name not in self.invoices:
            self.has(self._fee(name, order))
        if self.loses_answers:
            self.loses_answers -= 1
            raise Retryable("no answer")
        return self._now(self.invoices[name])

    def _fee(self, name: str, order: FeeOrder) -> Snapshot:
        return Snapshot(
            source=self.name,
            customer=order.customer,
            invoice_id=name,
            number=order.id,
            status=Status.OPEN,
            currency=order.currency,
            total=order.amount,
            amount_due=order.amount,
            due=order.day + timedelta(days=order.due_in),
            issued_at=self._clock(),
            stamp=self._clock(),
            fee_id=order.id,
            fee_for=order.invoice_id,
        )

    def _now(self, snapshot: Snapshot) -> Snapshot:
        return replace(snapshot, stamp=self._clock())

    def _request(self) -> None:
        self.requests += 1
        if self.failure:
            raise self.failure


class FakeAccountedSource(FakeSource):
    """workflow.ports.AccountedSource: several connected accounts, of which some may fail; `changes` are told page by page."""

    def __init__(self, clock: Callable[[], datetime], name: str, page_size: int = 100) -> None:
        super().__init__(clock, name, page_size)
        self.connected: tuple[str, ...] = ()
        self.failures: dict[str, Exception] = {}
        self.pages: list[ChangedPage] = []
        self.asked_since: list[datetime] = []
        self.full_until: datetime | None = None

    @contextmanager
    def turn(self, customer: str, links: int = 0) -> Iterator[None]:
        """Room for a last check, unless the limits are spent."""
        if self.full_until is not None and self.full_until > self._clock():
            raise NotYet("the requests for now are spent", self.full_until)
        yield

    def accounts(self) -> tuple[str, ...]:
        """The connected accounts."""
        self._request()
        return self.connected

    def fetch(self, invoice_id: str, account: str | None = None) -> Snapshot | None:
        """The invoice now."""
        self._fail(account)
        return super().fetch(invoice_id, account)

    def open_invoices_of(self, customer: str) -> tuple[Snapshot, ...]:
        """All open invoices of one customer; no list tells the links to pay them."""
        self._fail(account_of(customer))
        return tuple(replace(found, payment_url=None) for found in super().open_invoices_of(customer))

    def open_page(self, cursor: str | None, account: str | None = None) -> SourcePage:
        """One page of an account's open invoices, without the links to pay them."""
        self._fail(account)
        page = super().open_page(cursor, account)
        return replace(page, snapshots=tuple(replace(found, payment_url=None) for found in page.snapshots))

    def changed_page(self, account: str, since: datetime, cursor: str | None) -> ChangedPage:
        """The page that the test put there; nothing changed when it put none."""
        self._request()
        self._fail(account)
        self.asked_since.append(since)
        return self.pages[int(cursor or 0)] if self.pages else ChangedPage(self._clock())

    def _fail(self, account: str | None) -> None:
        if failure := self.failures.get(account or ""):
            raise failure
