"""Invoices that a person keeps: read from files by `dunning import`, and held nowhere but in our own table."""

from collections.abc import Callable
from datetime import datetime

from dunning.domain.case import Case
from dunning.domain.errors import Unreadable
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.domain.snapshots import as_recorded
from dunning.workflow.ports import CaseStore, SourcePage, Standing, Traced
from dunning.workflow.source_events import DisputeSeen, FetchKind, SourceEvent
from dunning.workflow.sweep_ports import OpenIndex

SOURCE = "manual"


class ManualSource:
    """An InvoiceSource whose truth is the table: the last check before a reminder reads there what was imported or paid meanwhile."""

    name = SOURCE

    def __init__(self, store: CaseStore, open_index: OpenIndex, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._open_index = open_index
        self._clock = clock

    def fetch(self, invoice_id: str, account: str | None = None) -> Snapshot | None:
        """The invoice as the table has it; None for one that was never imported."""
        stamp = self._clock()
        customer = self._store.customer_of("invoice", f"{SOURCE}:{invoice_id}")
        case = self._store.load(customer) if customer else None
        known = case.invoices.get(invoice_id) if case else None
        return as_recorded(known, case.profile.contact, stamp) if case and known and known.status is not Status.DELETED else None

    def fetch_contact(self, customer: str) -> Contact | None:
        """The customer's contact; None for one that nothing was imported for."""
        profile = self._store.load(customer).profile
        return profile.contact if profile.version else None

    def open_invoices_of(self, customer: str) -> tuple[Snapshot, ...]:
        """All open invoices of one customer."""
        stamp = self._clock()
        case = self._store.load(customer)
        return tuple(as_recorded(invoice, case.profile.contact, stamp) for invoice in case.invoices.values() if invoice.is_open)

    def standing_of(self, customer: str) -> Standing:
        """Files name no credit: what is owed less is written into amount_due."""
        return Standing()

    def open_page(self, cursor: str | None, account: str | None = None) -> SourcePage:
        """What a page of the index of open invoices holds of ours; of a case that cannot be read the ids."""
        stamp = self._clock()
        page = self._open_index.page(cursor)
        rows = [row for row in page.rows if row.customer.startswith(f"{SOURCE}:")]
        cases = {customer: self._readable(customer) for customer in dict.fromkeys(row.customer for row in rows)}
        known = [(case, case.invoices.get(row.invoice_id)) for row in rows if (case := cases[row.customer])]
        still = ((case.profile.contact, invoice) for case, invoice in known if invoice and invoice.is_open)
        unreadable = tuple(row.invoice_id for row in rows if cases[row.customer] is None)
        return SourcePage(tuple(as_recorded(invoice, contact, stamp) for contact, invoice in still), page.cursor, unreadable)

    def _readable(self, customer: str) -> Case | None:
        try:
            return self._store.load(customer)
        except Unreadable:
            return None

    def trace(self, kind: FetchKind, object_id: str, account: str | None = None) -> Traced | None:
        """Files know of no charges, credit notes or payments."""
        raise ValueError(f"there is no {kind} to trace")

    def fetch_dispute(self, dispute_id: str) -> DisputeSeen | None:
        """Files report no disputes."""
        return None

    def fetch_event(self, event_id: str) -> SourceEvent | None:
        """Files keep no events."""
        return None
