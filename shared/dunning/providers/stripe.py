"""Stripe as a source of invoices, read through its API in the version that the SDK is made for."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from urllib.parse import quote

from dunning.domain.errors import Permanent, Rejected, UnreadableInvoice
from dunning.domain.invoice import Contact, Snapshot
from dunning.providers.json_reading import JsonObject, items, text
from dunning.providers.readable import readable_of
from dunning.providers.stripe_api import StripeApi
from dunning.providers.stripe_events import interpret
from dunning.providers.stripe_objects import (
    SOURCE,
    bare_customer_id,
    contact_of,
    credit_of,
    customer_of,
    dispute_is_open,
    reference,
    snapshot_of,
)
from dunning.workflow.ports import SourcePage, Standing, Traced
from dunning.workflow.source_events import DisputeSeen, FetchKind, SourceEvent

PAGE_SIZE = 100
_Page = tuple[tuple[JsonObject, ...], str | None]


class StripeSource:
    """An InvoiceSource. What it reads is stamped with our clock at the request's start. One HTTP attempt a request."""

    name = SOURCE

    def __init__(self, api: StripeApi, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock

    def fetch(self, invoice_id: str, account: str | None = None) -> Snapshot | None:
        """The invoice now; None when Stripe has no such invoice, or it has no customer, so that there is no one to remind."""
        stamp = self._clock()
        invoice = self._api.find(_path("invoices", invoice_id), {"expand": ["customer"]})
        if invoice is None or customer_of(invoice) is None:
            return None
        return _readable(invoice, stamp)

    def fetch_pdf(self, invoice_id: str, customer: str) -> bytes | None:
        """The PDF that the invoice links to, if it is this customer's; Stripe has one once an invoice is finalised."""
        invoice = self._api.find(_path("invoices", invoice_id))
        url = text(invoice, "invoice_pdf") if invoice is not None and customer_of(invoice) == customer else None
        return self._api.download(url) if url is not None else None

    def fetch_contact(self, customer: str) -> Contact | None:
        """The customer's contact now; None when deleted or unknown."""
        found = self._api.find(_path("customers", bare_customer_id(customer)))
        return None if found is None or found.get("deleted") is True else contact_of(found)

    def open_invoices_of(self, customer: str) -> tuple[Snapshot, ...]:
        """All open invoices of one customer that can be read."""
        stamp = self._clock()
        params = {"customer": bare_customer_id(customer), "status": "open", "expand": ["data.customer"]}
        rows = (row for page, _ in self._pages("/v1/invoices", params) for row in page)
        return readable_of((_id(row), snapshot_of(row, stamp)) for row in rows)

    def standing_of(self, customer: str) -> Standing:
        """The customer's balance, where overpayments and credit for paid invoices lie; a credit note on an open one lessens it."""
        found = self._api.find(_path("customers", bare_customer_id(customer)), optional=True)
        if found is None or found.get("deleted") is True:
            return Standing()
        return Standing(credit_of(found), contact_of(found))

    def open_page(self, cursor: str | None, account: str | None = None) -> SourcePage:
        """A hundred of all open invoices; those without a customer are left out, those that cannot be read are named."""
        stamp = self._clock()
        page, following = next(self._pages("/v1/invoices", {"status": "open", "expand": ["data.customer"]}, cursor))
        owed = [invoice for invoice in page if customer_of(invoice) is not None]
        snapshots = [snapshot_of(invoice, stamp) for invoice in owed]
        return SourcePage(
            snapshots=tuple(snapshot for snapshot in snapshots if snapshot is not None),
            cursor=following,
            unreadable=tuple(_id(invoice) for invoice, snapshot in zip(owed, snapshots, strict=True) if snapshot is None),
        )

    def trace(self, kind: FetchKind, object_id: str, account: str | None = None) -> Traced | None:
        """Whom and which invoices a charge, payment intent, credit note or invoice payment concerns; None when Stripe knows of none."""
        match kind:
            case FetchKind.CHARGE:
                found = self._api.find(_path("charges", object_id))
                return Traced(customer_of(found), self._invoices_of_charge(found)) if found is not None else None
            case FetchKind.PAYMENT_INTENT:
                paid = self._invoices_paid_by(object_id)
                return Traced(None, paid) if paid else None
            case FetchKind.CREDIT_NOTE:
                return _pointing(self._api.find(_path("credit_notes", object_id)))
            case FetchKind.INVOICE_PAYMENT:
                return _pointing(self._api.find(_path("invoice_payments", object_id)))
            case _:
                raise ValueError(f"a {kind} is fetched itself, not traced")

    def fetch_dispute(self, dispute_id: str) -> DisputeSeen | None:
        """The dispute now; None when Stripe has no such dispute."""
        stamp = self._clock()
        found = self._api.find(_path("disputes", dispute_id))
        if found is None:
            return None
        return DisputeSeen(dispute_id, dispute_is_open(found), reference(found, "charge"), reference(found, "payment_intent"), stamp)

    def fetch_event(self, event_id: str) -> SourceEvent | None:
        """A snapshot event by its id, read as if it had just come; Stripe keeps them for 30 days."""
        found = self._api.find(_path("events", event_id))
        if found is None:
            return None
        try:
            return interpret(found)
        except Rejected as exc:
            raise Permanent(f"Stripe's event {event_id} cannot be read: {exc}") from exc

    def _invoices_of_charge(self, charge: JsonObject) -> tuple[str, ...]:
        """Until 2025-03-31 a charge named its invoice; since then invoice payments tell, by the charge's payment intent."""
        named = reference(charge, "invoice")
        if named is not None:
            return (named,)
        intent = reference(charge, "payment_intent")
        return self._invoices_paid_by(intent) if intent is not None else ()

    def _invoices_paid_by(self, intent: str) -> tuple[str, ...]:
        params = {"payment": {"type": "payment_intent", "payment_intent": intent}}
        paid = [reference(payment, "invoice") for page, _ in self._pages("/v1/invoice_payments", params) for payment in page]
        return tuple(dict.fromkeys(invoice for invoice in paid if invoice is not None))

    def _pages(self, path: str, params: Mapping[str, object], cursor: str | None = None) -> Iterator[_Page]:
        """Pages of a list from behind a cursor, each with the cursor of the page that follows."""
        while True:
            after = {"starting_after": cursor} if cursor is not None else {}
            answer = self._api.get(path, {**params, "limit": PAGE_SIZE, **after})
            page = items(answer, "data")
            following = _id(page[-1]) if page and answer.get("has_more") is True else None
            if following is not None and following == cursor:
                raise Permanent(f"Stripe's list {path} does not get past {cursor}")
            yield page, following
            if following is None:
                return
            cursor = following


def _path(collection: str, object_id: str) -> str:
    return f"/v1/{collection}/{quote(object_id, safe='')}"


def _id(found: JsonObject) -> str:
    return text(found, "id") or ""


def _readable(invoice: JsonObject, stamp: datetime) -> Snapshot:
    snapshot = snapshot_of(invoice, stamp)
    if snapshot is None:
        raise UnreadableInvoice(f"Stripe's invoice {_id(invoice)} cannot be read: its status, currency or amounts are not as documented")
    return snapshot


def _pointing(found: JsonObject | None) -> Traced | None:
    if found is None:
        return None
    invoice = reference(found, "invoice")
    return Traced(customer_of(found), (invoice,) if invoice is not None else ())
