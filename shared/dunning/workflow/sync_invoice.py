"""Fetch at the source what news only pointed at, or told doubtfully, and record it."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from dunning.domain.case import Dispute
from dunning.domain.errors import (
    Disconnected,
    NotConnected,
    NotPermitted,
    NotYet,
    Permanent,
    Rejected,
    Retryable,
    Unforeseen,
    UnreadableInvoice,
)
from dunning.domain.holding import set_aside
from dunning.domain.invoice import Contact
from dunning.domain.recording import Recorded
from dunning.identifiers import spellings
from dunning.workflow.disconnections import Disconnections
from dunning.workflow.dispute_notes import read_note
from dunning.workflow.ports import CaseStore, Clock, InvoiceSource, SyncRequest, Traced
from dunning.workflow.record_event import RecordEvent
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.source_events import DisputeSeen, FetchKind
from dunning.workflow.sources import account_of
from dunning.workflow.sweep_ports import TellsChanges
from dunning.workflow.unforeseen import foreseen

QUARTER_OF_AN_HOUR = 900
"""Seconds: the longest delay SQS knows."""

MOST_TRIES = 3 * 96
"""Three days, after which somebody must look."""

MOST_MOVED_AT_ONCE = 10
"""Invoices of a customer that was merged with another, which one invocation moves."""

_MOVES_WHAT_IS_OWED = frozenset({FetchKind.PAYMENT, FetchKind.CREDIT_NOTE})


@dataclass(frozen=True, slots=True)
class SyncInvoice:
    """The use case behind the function sync_invoice.

    Raises Retryable when a source or the table cannot be reached, or a call is not permitted,
    Permanent for an open dispute of which nobody can say whose it is.
    """

    sources: Mapping[str, InvoiceSource]
    record: RecordSnapshot
    events: RecordEvent
    store: CaseStore
    clock: Clock
    disconnections: Disconnections
    put_aside: Callable[[SyncRequest, str], None]
    """Makes a request a dead letter, with the reason: a person hears of it. Raises Retryable."""

    changes: Mapping[str, TellsChanges] = field(default_factory=dict)

    def __call__(self, request: SyncRequest) -> str:
        """Look at one thing at its source; answers what became of it. Raises Rejected for a source or kind unknown here.

        What cannot be asked, because the connection ended, is not asked again: the sweep after the next connection sees it all.
        News of a company that was never connected are no alarm: an app hears of whoever else has installed it.
        """
        try:
            return self._look(request)
        except NotConnected as exc:
            connected = spellings(request.account or "")[-1]
            if request.account and connected != request.account:
                return self(replace(request, account=connected))
            if not self._is_known(request):
                return f"not ours: {exc}"
            self.disconnections.noticed(exc)
            return f"left to the sweep after the next connection: {exc}"
        except Disconnected as exc:
            if not self.disconnections.noticed(exc):
                raise
            return f"left to the sweep after the next connection: {exc}"

    def _is_known(self, request: SyncRequest) -> bool:
        """Whether we have a case of it. A customer without one was not asked for; a payment's invoices come due by themselves."""
        if request.customer is not None or request.kind == FetchKind.CUSTOMER:
            return True
        return self._known(request.kind, f"{request.source}:{request.account}", request.id)[0] is not None

    def _known(self, kind: str, within: str, bare_id: str) -> tuple[str | None, str]:
        """Whose a thing is, and the id by which it is known here: news may write a GUID in capitals that was kept in small letters."""
        for spelling in spellings(bare_id):
            if owner := self.store.customer_of(kind, f"{within}:{spelling}"):
                return owner, spelling
        return None, bare_id

    def _look(self, request: SyncRequest) -> str:
        source = self.sources.get(request.source)
        if source is None:
            raise Rejected(f"no source {request.source!r}: known are {', '.join(sorted(self.sources))}")
        try:
            kind = FetchKind(request.kind)
        except ValueError as exc:
            raise Rejected(f"nothing is known of a {request.kind!r} at {request.source}") from exc
        match kind:
            case FetchKind.INVOICE:
                return self._invoice(source, request.id, request.customer, request.account)
            case FetchKind.CUSTOMER:
                return self._customer(source, request)
            case FetchKind.DISPUTE:
                return self._dispute(source, request)
            case FetchKind.CHANGES:
                return self._changes(request)
            case FetchKind.EVENT:
                event = source.fetch_event(request.id)
                return self.events(event) if event else "the source no longer keeps this event"
            case _:
                traced = source.trace(kind, request.id, request.account)
                return self._touched(source, traced, kind, request.account) if traced else "unknown"

    def hand_on(self, request: SyncRequest) -> str:
        """Ask for the same again, at once, of whoever has the time. Raises Retryable."""
        self.record.sync_queue.send([request])
        return "handed on"

    def wait_for_turn(self, request: SyncRequest, at: datetime) -> None:
        """Ask for the same again when it has its turn within the source's limits. Raises Retryable."""
        wait = math.ceil((at - self.clock()).total_seconds())
        self.record.sync_queue.send([request], delay=min(QUARTER_OF_AN_HOUR, max(1, wait)))

    def put_off(self, request: SyncRequest, because: Retryable) -> str:
        """Ask for the same again in a quarter of an hour: a source may be down for long. After three days it is put aside.

        Whoever sends it back gives it three days anew. Raises Retryable.
        """
        if request.tries >= MOST_TRIES:
            self.put_aside(replace(request, tries=0), str(because))
            return f"put aside after three days: {because}"
        self.record.sync_queue.send([replace(request, tries=request.tries + 1)], delay=QUARTER_OF_AN_HOUR)
        return f"put off: {because}"

    def _invoice(self, source: InvoiceSource, invoice_id: str, customer: str | None, account: str | None = None) -> str:
        account = account or (account_of(customer) if customer else None)
        within = f"{source.name}:{account}" if account else source.name
        known, invoice_id = (customer, invoice_id) if customer else self._known("invoice", within, invoice_id)
        if known:
            try:
                return self.record.invoice_as_fetched(known, invoice_id, lambda: source.fetch(invoice_id, account))
            except UnreadableInvoice as exc:
                return self._parked(source, known, invoice_id, account, exc)
        snapshot = source.fetch(invoice_id, account)
        return self.record.invoice(snapshot) if snapshot else "unknown here and there"

    def _parked(self, source: InvoiceSource, customer: str, invoice_id: str, account: str | None, why: UnreadableInvoice) -> str:
        """One that is open here, and that nobody can read there, is told once, and waits by itself until it can be read.

        Told first: should we die between the two, it is told twice rather than never.
        """
        if invoice_id not in self._open(customer):
            raise why
        self.put_aside(SyncRequest(source.name, FetchKind.INVOICE.value, invoice_id, customer, account=account), str(why))
        set_down = partial(set_aside, invoices=(invoice_id,), reason=str(why), actor=self.record.actor)
        self.record.change(customer, lambda case, now: Recorded(*set_down(case, now=now)))
        return f"parked: {why}"

    def _touched(self, source: InvoiceSource, traced: Traced, kind: FetchKind, account: str | None) -> str:
        """What a payment or a credit moved; when it names no invoice (any more), all that its customer owes.

        In an account whoever pays may differ from whoever owes, a parent company for one: there the invoice tells.
        """
        customer = None if account else traced.customer
        if traced.invoices or traced.customer is None or kind not in _MOVES_WHAT_IS_OWED:
            return "; ".join(_of_each(lambda found: self._invoice(source, found, customer, account), traced.invoices))
        listed = {snapshot.invoice_id for snapshot in source.open_invoices_of(traced.customer)}
        owed = sorted(self._open(traced.customer) | listed)
        return "; ".join(_of_each(lambda found: self._invoice(source, found, customer, account), owed))

    def _changes(self, request: SyncRequest) -> str:
        """Whatever changed is recorded as a list tells it; what was deleted is asked for once more, lest a list be mistaken."""
        source, account = self.changes.get(request.source), request.account
        if source is None or account is None:
            raise Rejected(f"{request.source} does not tell what changed")
        found = source.changed_invoices(account, _instant(request.id))
        known = [bare for bare in found.deleted if self.store.customer_of("invoice", f"{request.source}:{account}:{bare}")]
        outcomes = [self.record.one_of_many(snapshot) for snapshot in found.snapshots]
        outcomes += _of_each(lambda bare: self._invoice(self.sources[request.source], bare, None, account), known)
        left = () if found.is_all else ("more has changed than is told, left to the sweep",)
        return "; ".join(dict.fromkeys((*outcomes, *left))) or "nothing changed"

    def _customer(self, source: InvoiceSource, request: SyncRequest) -> str:
        accounts = [f"{source.name}:{account}" for account in spellings(request.account)] if request.account else [source.name]
        names = [request.customer] if request.customer else [f"{within}:{bare}" for within in accounts for bare in spellings(request.id)]
        if request.account:
            names = [name for name in names if self.store.load(name).invoices]
        if not names:
            return "owes nothing here"
        customer = names[0]
        account = account_of(customer)
        if account is None:
            return self.record.contact_as_fetched(customer, lambda: source.fetch_contact(customer))
        try:
            return self.record.contact_as_fetched(customer, lambda: _there(source.fetch_contact(customer)))
        except _GoneError:
            return self._gone(source, request, customer, account)

    def _gone(self, source: InvoiceSource, request: SyncRequest, customer: str, account: str) -> str:
        """Two customers may have been merged: what was owed by the one that went away is the other's now, and moves there.

        Only what does not move is worth a person's look. Of very many some move now, and the rest when it is this one's turn again.
        One that fails keeps none of the others, and is told once they have moved.
        """
        listed = {snapshot.invoice_id for snapshot in source.open_invoices_of(customer)}
        missing = sorted(self._open(customer) - listed)
        failure: Permanent | Rejected | Unforeseen | None = None
        try:
            _of_each(lambda found: self._invoice(source, found, customer, account), missing[:MOST_MOVED_AT_ONCE])
        except (Permanent, Rejected, Unforeseen) as exc:
            failure = exc
        left = self._open(customer) - listed
        if len(missing) > MOST_MOVED_AT_ONCE and len(left) < len(missing):
            self.hand_on(request)
            return f"recorded: {len(missing) - len(left)} moved, {len(left)} to come"
        if failure:
            raise failure
        return self.record.contact_as_fetched(customer, lambda: source.fetch_contact(customer))

    def _open(self, customer: str) -> set[str]:
        return {invoice.id for invoice in self.store.load(customer).invoices.values() if invoice.is_open}

    def _dispute(self, source: InvoiceSource, request: SyncRequest) -> str:
        told = read_note(request.id, request.detail, request.stamp) or source.fetch_dispute(request.id)
        if told is None:
            return "the source has no such dispute"
        traced = self._traced(source, told)
        if traced is None:
            return self._untraced(source, told)
        customer, invoice = traced

        def fetch() -> Dispute | None:
            seen = source.fetch_dispute(request.id)
            return Dispute(seen.dispute_id, seen.is_open, seen.stamp, invoice) if seen else None

        return self.record.dispute(customer, Dispute(told.dispute_id, told.is_open, told.stamp, invoice), fetch)

    def _traced(self, source: InvoiceSource, dispute: DisputeSeen) -> tuple[str, str | None] | None:
        """The customer and the invoice, by the charge; where that leads nowhere, by the payment behind it."""
        failure: Retryable | None = None
        for kind, object_id in _ways_to_trace(dispute):
            try:
                traced = source.trace(kind, object_id)
            except Retryable as exc:
                failure = exc
                continue
            invoice = traced.invoices[0] if traced and traced.invoices else None
            customer = traced.customer if traced else None
            if customer is None and invoice is not None:
                customer = self._owner(source, invoice)
            if customer is not None:
                return customer, invoice
        if failure is not None:
            raise failure
        return None

    def _owner(self, source: InvoiceSource, invoice: str) -> str | None:
        known = self.store.customer_of("invoice", f"{source.name}:{invoice}")
        snapshot = None if known else source.fetch(invoice)
        return snapshot.customer if snapshot else known

    def _untraced(self, source: InvoiceSource, told: DisputeSeen) -> str:
        """A charge without a customer is nobody's here. One that the source knows nothing of is a riddle for a person, while it is open."""
        if told.charge and source.trace(FetchKind.CHARGE, told.charge) is not None:
            return "the disputed charge has no customer"
        now = source.fetch_dispute(told.dispute_id) or told
        if not now.is_open:
            return "whose charge was disputed is unknown here, and the dispute is over"
        raise Permanent(
            f"dispute {told.dispute_id} is open, and {source.name} knows neither its charge {told.charge} nor an invoice paid by"
            f" {told.payment_intent}: nothing is held; hold the customer's case by hand, or redrive this message once the charge is found"
        )


def _of_each(look: Callable[[str], str], invoices: Iterable[str]) -> list[str]:
    """What became of each. One that fails stops no other, and is raised after them: first what comes again, and then asks about all anew.

    Only a source at its limit, or one that fails twice on end, is asked no further: that is no matter of one invoice.
    """
    outcomes, given_up, to_retry = list[str](), list[Permanent | Rejected | Unforeseen](), list[Retryable]()
    fails = False
    for invoice in invoices:
        try:
            outcomes.append(foreseen(partial(look, invoice)))
            fails = False
        except (Permanent, Rejected, Unforeseen) as exc:
            given_up.append(exc)
        except Retryable as exc:
            to_retry.append(exc)
            if fails or isinstance(exc, NotYet):
                break
            fails = not isinstance(exc, NotPermitted)
    for failure in (*to_retry, *given_up):
        raise failure
    return outcomes


class _GoneError(Exception):
    """The source has the customer no more."""


def _there(contact: Contact | None) -> Contact:
    if contact is None:
        raise _GoneError
    return contact


def _instant(written: str) -> datetime:
    """Raises Rejected."""
    try:
        instant = datetime.fromisoformat(written)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise Rejected(f"{written[:40]!r} is no instant since which things changed")
    return instant


def _ways_to_trace(dispute: DisputeSeen) -> list[tuple[FetchKind, str]]:
    ways = ((FetchKind.CHARGE, dispute.charge), (FetchKind.PAYMENT_INTENT, dispute.payment_intent))
    return [(kind, object_id) for kind, object_id in ways if object_id]
