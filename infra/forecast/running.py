"""Running invoices through their plans in memory, from timer to timer: the domain's own rules decide, nothing is sent."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from heapq import heapify, heappop, heapreplace
from itertools import islice
from zoneinfo import ZoneInfo

from dunning.content.policy_book import PolicyBook
from dunning.domain.activity import Activity, ActivityType
from dunning.domain.approval import waits_for_approval, without_commands
from dunning.domain.calendar import at_local
from dunning.domain.case import Case, Profile
from dunning.domain.effects import Channel
from dunning.domain.evolving import replace
from dunning.domain.invoice import Contact, Invoice, Snapshot, Status
from dunning.domain.money import Money
from dunning.domain.obstacles import of_holds
from dunning.domain.planning import as_it_stands
from dunning.domain.policy import Policy
from dunning.domain.recording import Recorder
from dunning.domain.rehearsing import Turn, begun, next_turn, turn
from dunning.domain.timing import customer_zone
from dunning.domain.works import Verdict
from dunning.workflow.first_contacts import FirstContacts
from dunning.workflow.sources import recorder_for
from infra.forecast.day_places import PlacesInMemory
from infra.forecast.invoice_book import pays_at
from infra.forecast.shapes import Decision, Ending, Item, Message, Owed
from infra.invoice_file import InvoiceRow

ASSUMED_ADDRESS = "not-given@example.invalid"
"""Where mail would go when a file names no address at all."""

_NOON = time(12)
_NOTHING: Mapping[tuple[str, str], datetime | None] = {}
_TOLD_BY_MESSAGES = (ActivityType.SENT, ActivityType.NOTIFIED)


@dataclass(frozen=True, slots=True)
class Task:
    """Invoices, the policies they follow, and the span (UTC) to look at; all invoices are known from `start` on, or from their issue."""

    rows: Sequence[InvoiceRow]
    book: PolicyBook
    start: datetime
    end: datetime


@dataclass(slots=True)
class Found:
    """What was found on the way, in no order."""

    messages: list[Message] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    invoices: list[Owed] = field(default_factory=list)
    turns: int = 0


def by_customer(rows: Sequence[InvoiceRow]) -> Mapping[str, Mapping[str, InvoiceRow]]:
    """Each customer's invoices, by their position in the file."""
    found: dict[str, dict[str, InvoiceRow]] = defaultdict(dict)
    for position, row in enumerate(rows):
        found[row.customer][f"{position:07d}"] = row
    return found


def run_share(task: Task, share: int, of: int, watch: Callable[[datetime], None] = lambda _: None) -> Found:
    """What one share of the customers hears: every `of`-th, from `share` on."""
    assume_address = not any(row.snapshot.contact.email for row in task.rows)
    found, contacts = Found(), FirstContacts(PlacesInMemory(), task.book)
    customers = [
        _Customer(customer, owed, task.book, task.start, task.end, found, assume_address, contacts)
        for customer, owed in islice(by_customer(task.rows).items(), share, None, of)
    ]
    _run_together([customer.acts() for customer in customers], watch)
    return found


def _run_together(acts: Sequence[Iterator[datetime]], watch: Callable[[datetime], None]) -> None:
    """Let all customers act in the order of time: what one does may leave another no place on that day."""
    waiting = [(at, position) for position, one in enumerate(acts) if (at := next(one, None)) is not None]
    heapify(waiting)
    while waiting:
        at, position = waiting[0]
        watch(at)
        following = next(acts[position], None)
        if following is None:
            heappop(waiting)
        else:
            heapreplace(waiting, (following, position))


@dataclass(slots=True)
class _Customer:
    """One customer's case on its way through the days."""

    customer: str
    rows: Mapping[str, InvoiceRow]
    book: PolicyBook
    start: datetime
    end: datetime
    found: Found
    assume_address: bool
    contacts: FirstContacts

    def acts(self) -> Iterator[datetime]:
        """From one thing that happens outside to the next, with all that falls due between: tells when it acts next, then does."""
        case = Case(Profile(self.customer))
        happenings = sorted(self._happenings(), key=lambda one: (one[0], one[1].invoice_id, one[1].status))
        for position, (happens, snapshot) in enumerate(happenings):
            yield happens
            at = happens
            recorded = self._recorder(at).record(case, snapshot, fetched=True)
            case = begun(recorded.case, self._policy_of, at)
            self._tell(recorded.activities, case)
            later = happenings[position + 1][0] if position + 1 < len(happenings) else self.end
            while (due := next_turn(case, at, later)) is not None:
                yield due
                done = turn(case, self._policy_of, due, adjust=self.contacts)
                self.found.turns += 1
                self._tell_turn(done)
                case, at = done.case, due
        case = as_it_stands(case, self._policy_of, self.end)
        self.found.invoices += [self._owed(invoice_id, row, case) for invoice_id, row in self.rows.items()]

    def _happenings(self) -> Iterator[tuple[datetime, Snapshot]]:
        for invoice_id, row in self.rows.items():
            seen = replace(row.snapshot, invoice_id=invoice_id, contact=self._reached(row))
            known_at, paid_at = max(self.start, row.snapshot.issued_at or self.start), self._paid_at(row)
            if known_at >= self.end:
                continue
            if paid_at is None or paid_at > known_at:
                yield known_at, replace(seen, stamp=known_at)
            if paid_at is not None and paid_at < self.end:
                at = max(paid_at, known_at)
                yield at, replace(seen, stamp=at, status=Status.PAID, amount_due=0)

    def _reached(self, row: InvoiceRow) -> Contact:
        contact = row.snapshot.contact
        return replace(contact, email=ASSUMED_ADDRESS) if self.assume_address else contact

    def _paid_at(self, row: InvoiceRow) -> datetime | None:
        """A date means noon where the customer is."""
        written = pays_at(row)
        if written is None:
            return None
        at = datetime.fromisoformat(written)
        return at if at.tzinfo else at_local(at.date(), _NOON, customer_zone(row.snapshot.contact, self.book.default))

    def _recorder(self, now: datetime) -> Recorder:
        return recorder_for(self.customer, self.book, now, "simulation")

    def _policy_of(self, invoice: Invoice) -> Policy:
        return self.book.named(invoice.policy)

    def _zone(self, case: Case) -> ZoneInfo:
        policy = next((self._policy_of(invoice) for invoice in case.invoices.values()), self.book.default)
        return customer_zone(case.profile.contact, policy)

    def _tell_turn(self, done: Turn) -> None:
        steps = {work.invoice: work.step for work in done.works}
        effects = {effect.key: effect for work in done.works for effect in work.effects if effect.channel is not Channel.FEE}
        reasons = {effect.key: work.reason for work in reversed(done.works) for effect in work.effects}
        zone, name = self._zone(done.before), self._name(done.before)
        self.found.messages += [
            Message(
                done.at,
                zone.key,
                self.customer,
                name,
                effect.channel.value,
                effect.kind,
                effect.template,
                effect.step,
                effect.to,
                tuple(self._item(done.before.invoices[one], steps.get(one)) for one in effect.invoices if one in done.before.invoices),
                without_commands(reasons[effect.key]),
            )
            for effect in effects.values()
        ]
        self.found.decisions += [
            Decision(done.at, zone.key, self.customer, name, "moved", work.step, (self._number(work.invoice),), work.reason, work.move_to)
            for work in done.works
            if work.verdict is Verdict.MOVE
        ]
        put_off = {(work.invoice, work.reason): work.move_to for work in done.works if work.verdict is Verdict.SUPPRESS}
        self._tell(done.activities, done.case, put_off)

    def _tell(self, activities: Sequence[Activity], case: Case, put_off: Mapping[tuple[str, str], datetime | None] = _NOTHING) -> None:
        """`put_off` has the instants to which steps were put off, by invoice and reason."""
        zone, name = self._zone(case).key, self._name(case)
        for one in activities:
            if one.type in _TOLD_BY_MESSAGES:
                continue
            later = put_off.get((one.invoices[0], one.reason or "")) if one.invoices else None
            kind, numbers = "moved" if later else one.type.value, tuple(map(self._number, one.invoices))
            self.found.decisions.append(Decision(one.at, zone, self.customer, name, kind, one.step, numbers, one.reason, later))

    def _item(self, invoice: Invoice, step: str | None) -> Item:
        return Item(invoice.id, invoice.number, step, invoice.money_due)

    def _number(self, invoice_id: str) -> str:
        row = self.rows.get(invoice_id)
        return row.snapshot.number if row else invoice_id

    def _name(self, case: Case) -> str:
        return case.profile.contact.name or self.customer

    def _owed(self, invoice_id: str, row: InvoiceRow, case: Case) -> Owed:
        invoice = case.invoices.get(invoice_id)
        seen = row.snapshot
        money, name = Money(seen.amount_due, seen.currency), seen.contact.name or seen.customer
        due = seen.due if not isinstance(seen.due, datetime) else seen.due.date()
        if invoice is None:
            return Owed(invoice_id, seen.customer, name, seen.number, money, due, None, Ending.NOT_YET_ISSUED, None, 0, 0, None, None, None)
        return Owed(
            invoice_id,
            seen.customer,
            name,
            seen.number,
            money,
            due,
            invoice.policy,
            *ending_of(case, invoice),
            invoice.level,
            invoice.reminders_sent,
            invoice.last_step,
            invoice.next_step,
            invoice.next_at,
        )


def ending_of(case: Case, invoice: Invoice) -> tuple[Ending, str | None]:
    """Where it stands in a case whose questions are reckoned, and why."""
    if not invoice.is_open:
        return Ending.PAID, invoice.suppressed_for
    if invoice.escalated:
        return Ending.ESCALATED, invoice.suppressed_for
    if invoice.suppressed_for and not invoice.next_at:
        return Ending.WATCHED, invoice.suppressed_for
    held = [one.words for one in (*of_holds(case.profile.holds), *of_holds(invoice.holds))]
    if waits_for_approval(invoice):
        held.append("waits for approval")
    if held or case.profile.is_held:
        return Ending.HELD, "; ".join(held) or invoice.suppressed_for
    return Ending.ON_PLAN if invoice.next_at else Ending.PLAN_ENDED, invoice.suppressed_for
