"""Take in what a person says of invoices that no provider keeps: that they were written, changed, or paid."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from dunning.domain.case import Case
from dunning.domain.customer_settings import SettingsNamed
from dunning.domain.errors import Permanent, Rejected, Unforeseen
from dunning.domain.invoice import Contact, Invoice, Snapshot
from dunning.domain.recording import Recorded
from dunning.domain.snapshots import as_paid, less_what_was_paid
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.sources import recorder_for
from dunning.workflow.sweep_ports import OpenIndex
from dunning.workflow.unforeseen import Answer, foreseen

SOURCE = "manual"


@dataclass(frozen=True, slots=True)
class CustomerChange:
    """A customer (full id) of whom a file told something new."""

    customer: str
    before: Contact
    after: Contact


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """A customer (full id) over whom it failed, as one with a row that cannot be read; the bare ids that were not taken, and why."""

    customer: str
    invoices: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file: bare ids of the invoices that are new, were changed, were as they are, or are paid.

    A row that changes only its customer counts as changed; `customers` says what it changed. `not_recorded`: over whom it failed.
    """

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    paid: tuple[str, ...] = ()
    customers: tuple[CustomerChange, ...] = ()
    not_recorded: tuple[NotRecorded, ...] = ()


@dataclass(slots=True)
class _Failures:
    """What failed over some customers, each with its own reason."""

    _found: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def attempt(self, customer: str, invoices: Iterable[str], work: Callable[[], Answer]) -> Answer | None:
        """Do it; None where it failed, which is put down. Raises Retryable."""
        try:
            return foreseen(work)
        except (Permanent, Rejected, Unforeseen) as exc:
            self._found.setdefault((customer, str(exc)), []).extend(invoices)
            return None

    def told(self) -> tuple[NotRecorded, ...]:
        return tuple(NotRecorded(customer, tuple(invoices), reason) for (customer, reason), invoices in self._found.items())


@dataclass(frozen=True, slots=True)
class ImportInvoices:
    """The use case behind `dunning import` and `dunning paid`. The same again changes nothing. Raises Retryable.

    What fails over one customer, and no retry helps, keeps no other from being recorded.
    """

    record: RecordSnapshot
    open_index: OpenIndex

    def __call__(
        self,
        snapshots: Sequence[Snapshot],
        *,
        complete: bool = False,
        named: SettingsNamed | None = None,
        totals_only: Collection[str] = (),
    ) -> Imported:
        """Record each. With `complete` the file holds all that is owed: what is open here and missing there was paid.

        `named`: of which settings of the customers the file speaks (None: of all); the others stay as they are. `totals_only`: the
        bare ids of the invoices of which the file does not say what is still owed; what was paid on them before stays paid.
        """
        outcomes: dict[str, list[str]] = {"new": [], "changed": [], "unchanged": []}
        failures = _Failures()
        contacts, changes = self._all_reached(snapshots, named, failures)
        for snapshot in snapshots:
            if snapshot.customer not in contacts:
                continue
            told, invoice = replace(snapshot, contact=contacts[snapshot.customer]), snapshot.invoice_id
            taken = partial(self._taken, told, is_total_only=invoice in totals_only)
            if outcome := failures.attempt(told.customer, (invoice,), taken):
                outcomes["changed" if outcome == "unchanged" and told.customer in changes else outcome].append(invoice)
        missing = self._missing({snapshot.invoice_id for snapshot in snapshots}) if complete else []
        new, changed, unchanged = (tuple(outcomes[name]) for name in ("new", "changed", "unchanged"))
        paid = self._paid(missing, failures).paid
        return Imported(new, changed, unchanged, paid, tuple(changes.values()), failures.told())

    def paid(self, invoice_ids: Sequence[str]) -> Imported:
        """Record that these (bare ids) were paid in full. Raises Rejected, and records nothing, when one is not known."""
        return self._paid(invoice_ids, _Failures())

    def _paid(self, invoice_ids: Sequence[str], failures: _Failures) -> Imported:
        owners = {invoice_id: self._owner(invoice_id) for invoice_id in invoice_ids}
        unknown = [invoice_id for invoice_id, owner in owners.items() if owner is None]
        if unknown:
            raise Rejected(f"never imported: {', '.join(unknown)}; nothing was changed")
        outcomes = {
            invoice_id: failures.attempt(owner, (invoice_id,), partial(self._pay, owner, invoice_id))
            for invoice_id, owner in owners.items()
            if owner
        }
        paid = tuple(invoice_id for invoice_id, outcome in outcomes.items() if outcome == "recorded")
        unchanged = tuple(invoice_id for invoice_id, outcome in outcomes.items() if outcome not in ("recorded", None))
        return Imported(paid=paid, unchanged=unchanged, not_recorded=failures.told())

    def _all_reached(
        self, snapshots: Sequence[Snapshot], named: SettingsNamed | None, failures: _Failures
    ) -> tuple[dict[str, Contact], dict[str, CustomerChange]]:
        """How each customer is reached, without those over whom it failed; and what is new of that."""
        contacts, changes = dict[str, Contact](), dict[str, CustomerChange]()
        told = {snapshot.customer: snapshot.contact for snapshot in snapshots}
        theirs: dict[str, list[str]] = {customer: [] for customer in told}
        for snapshot in snapshots:
            theirs[snapshot.customer].append(snapshot.invoice_id)
        for customer, contact in told.items():
            if reached := failures.attempt(customer, theirs[customer], partial(self._reached, customer, contact, named)):
                contacts[customer], change = reached
                if change:
                    changes[customer] = change
        return contacts, changes

    def _reached(self, customer: str, told: Contact, named: SettingsNamed | None) -> tuple[Contact, CustomerChange | None]:
        """Record how a customer is reached, before the invoices: what is new of it may choose another policy for them."""
        before = self._contact_of(customer)
        if told.settings is not None and named is not None:
            told = replace(told, settings=named.taken_over(before.settings, told.settings))
        # A person's word is never doubted for coming soon after another.
        is_news = self.record.contact_as_fetched(customer, lambda: told) == "recorded"
        return told, CustomerChange(customer, before, self._contact_of(customer)) if is_news else None

    def _contact_of(self, customer: str) -> Contact:
        return self.record.store.load(customer).profile.contact

    def _owner(self, invoice_id: str) -> str | None:
        return self.record.store.customer_of("invoice", f"{SOURCE}:{invoice_id}")

    def _known(self, invoice_id: str) -> Invoice | None:
        owner = self._owner(invoice_id)
        return self.record.store.load(owner).invoices.get(invoice_id) if owner else None

    def _taken(self, snapshot: Snapshot, *, is_total_only: bool) -> str:
        owner = self._owner(snapshot.invoice_id)

        def told() -> Snapshot:
            return less_what_was_paid(snapshot, self._known(snapshot.invoice_id)) if is_total_only else snapshot

        outcome = self.record.invoice_as_fetched(owner or snapshot.customer, snapshot.invoice_id, told)
        return "new" if owner is None else "changed" if outcome == "recorded" else "unchanged"

    def _pay(self, customer: str, invoice_id: str) -> str:
        def change(case: Case, now: datetime) -> Recorded:
            invoice = case.invoices.get(invoice_id)
            if invoice is None or not invoice.is_open:
                return Recorded(case)
            recorder = recorder_for(customer, self.record.policies, now, self.record.actor)
            return recorder.record(case, as_paid(invoice, case.profile.contact, now), fetched=True)

        return self.record.change(customer, change)

    def _missing(self, told: set[str]) -> list[str]:
        found: set[str] = set()
        cursor: str | None = None
        while True:
            page = self.open_index.page(cursor)
            found |= {row.invoice_id for row in page.rows if row.customer.startswith(f"{SOURCE}:")} - told
            if page.cursor is None:
                return sorted(found)
            cursor = page.cursor
