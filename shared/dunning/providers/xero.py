"""Xero as a source of invoices: one app, any number of connected tenants (organisations)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import quote

from dunning.domain.errors import Rejected, Retryable, UnreadableInvoice
from dunning.domain.evolving import replace
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.domain.request_meter import Allowance, Window
from dunning.providers.credits import NOT_THERE, summed
from dunning.providers.http_client import HttpAnswer
from dunning.providers.json_reading import JsonObject, child, integer, items, text
from dunning.providers.oauth_api import NOT_PERMITTED, OAuthApi
from dunning.providers.readable import readable_of
from dunning.providers.recent_contacts import RecentContacts
from dunning.providers.xero_objects import (
    contact_id_of,
    contact_of,
    credited_invoices,
    customer_of,
    full_customer_id,
    is_receivable,
    is_stub,
    snapshot_of,
    split_customer_id,
)
from dunning.providers.xero_webhook import SOURCE
from dunning.workflow.ports import SourcePage, Standing, Traced
from dunning.workflow.source_events import DisputeSeen, FetchKind, SourceEvent
from dunning.workflow.sweep_ports import ChangedPage

ALLOWANCE = Allowance((Window(60, timedelta(seconds=61)),), at_once=5)
"""Per tenant 60 a minute and 5 at once (developer.xero.com/faq/limits). The daily limit depends on the tier; Xero's answers say
what is left. 10,000 a minute for all tenants together are left to them: that many invoices are in no hundred of our companies.
"""

_OF_A_FETCH = 3
_OF_A_LAST_CHECK = 6
_OF_A_LINK = 2

KEPT_FOR_LAST_CHECKS = 200
"""Of a day's requests (1,000 in the smallest tier): a reminder that cannot be checked is not sent."""

PAGE_SIZE = 100
XERO_BASE = "/api.xro/2.0"
_ANOTHER_LOOK = timedelta(hours=1)
_CREDITS = {"CreditNotes": "ACCRECCREDIT", "Overpayments": "RECEIVE-OVERPAYMENT", "Prepayments": "RECEIVE-PREPAYMENT"}
"""Where credit lies, and the type of what is a customer's; the others are suppliers'."""
_CREDITS_GOOD_FOR = timedelta(seconds=30)
_OPEN = {"Statuses": "AUTHORISED", "where": 'Type=="ACCREC"'}


class XeroSource:
    """An AccountedSource. What it reads is stamped with our clock at the request's start."""

    name = SOURCE

    def __init__(self, api: OAuthApi, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._clock = clock
        self._recent = RecentContacts(clock)
        self._credits: dict[str, tuple[datetime, Sequence[JsonObject]]] = {}

    def fetch(self, invoice_id: str, account: str | None = None) -> Snapshot | None:
        """The invoice now, its payment link and its customer's contact with it while it is owed; None also for a bill."""
        tenant = _required(account)
        with self._api.pace.turn(tenant, _OF_A_FETCH):
            stamp = self._clock()
            invoice = self._object(tenant, "Invoices", "InvoiceID", invoice_id)
            if invoice is None or not is_receivable(invoice) or customer_of(tenant, invoice) is None:
                return None
            snapshot = _readable(tenant, invoice, stamp)
            if snapshot.status is not Status.OPEN:
                return snapshot
            contact = self._contacts(tenant, [invoice]).get(contact_id_of(invoice) or "")
            url, is_told = self._payment_url(tenant, invoice_id)
            return replace(_readable(tenant, invoice, stamp, contact, url), link_read=is_told)

    def turn(self, customer: str, links: int = 0) -> AbstractContextManager[None]:
        """Room for one last check: the invoice, its contact and link, or the list, all kinds of credit, and what is read for its link."""
        tenant, _ = split_customer_id(customer)
        check = _OF_A_LAST_CHECK if self._known_credits(tenant) is None else _OF_A_FETCH
        return self._api.pace.turn(tenant, check + _OF_A_LINK * links)

    def fetch_pdf(self, invoice_id: str, customer: str) -> bytes | None:
        """The invoice as PDF (the invoice's own address, asked with `Accept: application/pdf`), if it is this customer's."""
        tenant, _ = split_customer_id(customer)
        invoice = self._object(tenant, "Invoices", "InvoiceID", invoice_id)
        if invoice is None or customer_of(tenant, invoice) != customer:
            return None
        return self._api.get_pdf(tenant, f"{XERO_BASE}/Invoices/{quote(invoice_id, safe='')}", {}, {"xero-tenant-id": tenant})

    def fetch_contact(self, customer: str) -> Contact | None:
        """The customer's contact now; None when archived or unknown."""
        tenant, bare = split_customer_id(customer)
        found, is_listed = self._found(tenant, "Contacts", "ContactID", bare)
        self._recent.keep(tenant, bare, found)
        # Xero shows both even where they are empty; a contact without either is a short form, wherever it was read.
        in_full = found is not None and not is_listed and ("Phones" in found or "Addresses" in found)
        return contact_of(found, in_full=in_full) if found is not None else None

    def open_invoices_of(self, customer: str) -> tuple[Snapshot, ...]:
        """All open invoices of one customer that can be read, with the contact."""
        tenant, bare = split_customer_id(customer)
        stamp = self._clock()
        found: list[JsonObject] = []
        page = 1
        while True:
            rows = self._rows(tenant, "Invoices", {**_OPEN, "ContactIDs": bare, "page": str(page)})
            found += rows
            if len(rows) < PAGE_SIZE:
                break
            page += 1
        owed = [row for row in found if is_receivable(row) and contact_id_of(row) == bare]
        contacts = self._contacts(tenant, owed)
        return readable_of((text(row, "InvoiceID"), snapshot_of(tenant, row, stamp, contacts.get(bare))) for row in owed)

    def accounts(self) -> tuple[str, ...]:
        """The connected tenants."""
        return self._api.tokens.accounts()

    def standing_of(self, customer: str) -> Standing:
        """Credit notes, overpayments and prepayments of which something is left."""
        tenant, bare = split_customer_id(customer)
        theirs = [row for row in self._open_credits(tenant) if (contact_id_of(row) or "").lower() == bare.lower()]
        return Standing(summed((text(row, "CurrencyCode"), row, "RemainingCredit") for row in theirs))

    def _open_credits(self, tenant: str) -> Sequence[JsonObject]:
        """Those of the whole tenant: they are few, and many reminders fall due at one hour, while a day's requests are counted."""
        known, now = self._known_credits(tenant), self._clock()
        if known is None:
            known = [row for collection, kind in _CREDITS.items() for row in self._all_open(tenant, collection, kind)]
            self._credits[tenant] = (now, known)
        return known

    def _known_credits(self, tenant: str) -> Sequence[JsonObject] | None:
        read_at, rows = self._credits.get(tenant, (None, ()))
        now = self._clock()
        return rows if read_at is not None and now - _CREDITS_GOOD_FOR <= read_at <= now else None

    def _all_open(self, tenant: str, collection: str, kind: str) -> Iterator[JsonObject]:
        """Nothing where there is no such list, or it may not be read."""
        for page in count(1):
            params = {"where": 'Status=="AUTHORISED"', "page": str(page)}
            answer = self._get(tenant, f"{XERO_BASE}/{collection}", params, lambda told: told.status in NOT_THERE, optional=True)
            rows = items((answer.json() or {}) if answer.status == 200 else {}, collection)
            yield from (row for row in rows if text(row, "Type") == kind and text(row, "Status") == "AUTHORISED")
            if len(rows) < PAGE_SIZE:
                return

    def open_page(self, cursor: str | None, account: str | None = None) -> SourcePage:
        """A hundred of a tenant's open invoices with their customers' contacts, from the last page to the first.

        Backwards, because an invoice that is paid meanwhile moves the later ones up: onto pages that are still to come.
        """
        tenant, page = _required(account), _page_of(cursor)
        with self._api.pace.turn(tenant, _OF_A_FETCH):
            return self._page(tenant, page)

    def _page(self, tenant: str, page: int) -> SourcePage:
        stamp = self._clock()
        number = page or self._last_page(tenant)
        rows = self._rows(tenant, "Invoices", {**_OPEN, "page": str(number)})
        owed = [row for row in rows if is_receivable(row) and customer_of(tenant, row) is not None]
        contacts = self._contacts(tenant, owed)
        read = [snapshot_of(tenant, row, stamp, contacts.get(contact_id_of(row) or "")) for row in owed]
        return SourcePage(
            snapshots=tuple(snapshot for snapshot in read if snapshot is not None),
            cursor=str(number - 1) if number > 1 else None,
            unreadable=tuple(text(row, "InvoiceID") or "" for row, snapshot in zip(owed, read, strict=True) if snapshot is None),
        )

    def changed_page(self, account: str, since: datetime, cursor: str | None) -> ChangedPage:
        """A hundred invoices or contacts that were modified since: first the invoices' pages, then the contacts'.

        Oldest change first, so that what changes meanwhile moves to pages that are still to come. A list that is not there tells nothing.
        """
        collection, number = (cursor or "Invoices 1").split(" ")
        stamp = self._clock()
        where = {"where": _OPEN["where"]} if collection == "Invoices" else {"includeArchived": "true"}
        rows = self._rows(account, collection, {**where, "order": "UpdatedDateUTC ASC", "page": number}, since, optional=True)
        if len(rows) >= PAGE_SIZE:
            following: str | None = f"{collection} {int(number) + 1}"
        else:
            following = "Contacts 1" if collection == "Invoices" else None
        if collection == "Contacts":
            known = {full_customer_id(account, bare): contact_of(row) for row in rows if (bare := text(row, "ContactID"))}
            return ChangedPage(stamp, contacts=known, cursor=following)
        read = [snapshot_of(account, row, stamp) for row in rows if is_receivable(row)]
        closed = tuple(each for each in read if each is not None and each.status not in (Status.OPEN, Status.DRAFT))
        return ChangedPage(stamp, closed=closed, cursor=following)

    def trace(self, kind: FetchKind, object_id: str, account: str | None = None) -> Traced | None:
        """Whom and which invoices a credit note concerns; None when it is gone, or a supplier's."""
        tenant = _required(account)
        if kind is not FetchKind.CREDIT_NOTE:
            raise ValueError(f"Xero has no {kind} to trace")
        note = self._object(tenant, "CreditNotes", "CreditNoteID", object_id)
        if note is None or text(note, "Type") != "ACCRECCREDIT":
            return None
        return Traced(customer_of(tenant, note), credited_invoices(note))

    def fetch_dispute(self, dispute_id: str) -> DisputeSeen | None:
        """Xero reports no disputes."""
        return None

    def fetch_event(self, event_id: str) -> SourceEvent | None:
        """Xero keeps no events."""
        return None

    def _payment_url(self, tenant: str, invoice_id: str) -> tuple[str | None, bool]:
        """Where the customer sees and pays the invoice, None when Xero makes no such page for it; and whether we may know."""
        path = f"{XERO_BASE}/Invoices/{quote(invoice_id, safe='')}/OnlineInvoice"
        answer = self._get(tenant, path, {}, lambda told: told.status in (400, 404), optional=True)
        links = items(answer.json() or {}, "OnlineInvoices")
        return text(links[0], "OnlineInvoiceUrl") if links else None, answer.status not in NOT_PERMITTED

    def _contacts(self, tenant: str, invoices: Sequence[JsonObject]) -> Mapping[str, JsonObject]:
        """The full contacts of some invoices, for lists hold stubs; archived ones, too, for what they owe is still owed."""

        def read(ids: Sequence[str]) -> Mapping[str, JsonObject]:
            alone = self._contact(tenant, ids[0]) if len(ids) == 1 else None
            known = [alone] if alone is not None else self._listed_contacts(tenant, ids)
            found = {(text(contact, "ContactID") or "").lower(): contact for contact in known}
            lacking = [bare for bare in ids if len(ids) > 1 and bare.lower() not in found]
            for bare in lacking:
                contact = self._contact(tenant, bare)
                # At once: should the next one meet a limit, this one need not be asked for again.
                self._recent.keep(tenant, bare, contact)
                found |= {bare.lower(): contact} if contact else {}
            return {bare: found[bare.lower()] for bare in ids if bare.lower() in found}

        wanted = [bare for invoice in invoices if is_stub(child(invoice, "Contact")) and (bare := contact_id_of(invoice))]
        return self._recent.of(tenant, wanted, read, PAGE_SIZE)

    def _contact(self, tenant: str, bare: str) -> JsonObject | None:
        """By its own address, which tells what lists leave out; None when Xero knows none."""
        path = f"{XERO_BASE}/Contacts/{quote(bare, safe='')}"
        answer = self._get(tenant, path, {}, tells=lambda answer: answer.status in (400, 404))
        rows = items((answer.json() or {}) if answer.status == 200 else {}, "Contacts")
        return next((row for row in rows if (text(row, "ContactID") or "").lower() == bare.lower()), None)

    def _listed_contacts(self, tenant: str, ids: Sequence[str]) -> Sequence[JsonObject]:
        """Nothing where there is no such list."""
        params = {"IDs": ",".join(ids), "includeArchived": "true", "page": "1"}
        answer = self._get(tenant, f"{XERO_BASE}/Contacts", params, tells=lambda answer: answer.status in (400, 404))
        return items((answer.json() or {}) if answer.status == 200 else {}, "Contacts")

    def _last_page(self, tenant: str) -> int:
        first = self._get(tenant, f"{XERO_BASE}/Invoices", {**_OPEN, "page": "1"}).json() or {}
        pages = integer(child(first, "pagination"), "pageCount")
        if pages is not None:
            return max(1, pages)
        # An older answer does not say how many there are: count them.
        page = 1
        while len(items(first, "Invoices")) >= PAGE_SIZE:
            page += 1
            first = self._get(tenant, f"{XERO_BASE}/Invoices", {**_OPEN, "page": str(page)}).json() or {}
        return page

    def _object(self, tenant: str, collection: str, key: str, object_id: str) -> JsonObject | None:
        return self._found(tenant, collection, key, object_id)[0]

    def _found(self, tenant: str, collection: str, key: str, object_id: str) -> tuple[JsonObject | None, bool]:
        """The object, and whether only a list tells of it."""
        path = f"{XERO_BASE}/{collection}/{quote(object_id, safe='')}"
        answer = self._get(tenant, path, {}, tells=lambda answer: answer.status == 404)
        is_listed = answer.status == 404
        if is_listed:
            # Xero says it in words, as a proxy or a wrong address might: a list must confirm that we ask at the right place.
            rows = self._rows(tenant, collection, {"IDs": object_id})
        else:
            rows = items(answer.json() or {}, collection)
            if not rows:
                raise Retryable(f"Xero answered {path} without {collection}")
        return next((row for row in rows if (text(row, key) or "").lower() == object_id.lower()), None), is_listed

    def _rows(
        self, tenant: str, collection: str, params: Mapping[str, str], since: datetime | None = None, *, optional: bool = False
    ) -> tuple[JsonObject, ...]:
        """One page. `optional`: a tenant that has no such list has an empty one."""
        modified = {"If-Modified-Since": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")} if since else {}
        path = f"{XERO_BASE}/{collection}"
        answer = self._get(tenant, path, params, lambda told: optional and told.status in NOT_THERE, modified, optional=optional)
        if answer.status != 200:
            return ()
        content = answer.json() or {}
        if not isinstance(content.get(collection), list):
            raise Retryable(f"Xero answered a list of {collection} without one")
        return items(content, collection)

    def _get(
        self,
        tenant: str,
        path: str,
        params: Mapping[str, str],
        tells: Callable[[HttpAnswer], bool] = lambda _answer: False,
        headers: Mapping[str, str] | None = None,
        *,
        optional: bool = False,
    ) -> HttpAnswer:
        get = self._api.get_if_permitted if optional else self._api.get
        answer = get(tenant, path, params, {**(headers or {}), "xero-tenant-id": tenant}, tells)
        spare(self._api, tenant, answer)
        return answer


def spare(api: OAuthApi, tenant: str, answer: HttpAnswer) -> datetime | None:
    """What an answer says of the day's requests: until when (UTC) the rest of them is kept; None while there are enough for all.

    The day is a window that slides: after an hour it is worth another look. Every request to Xero has its answer told here.
    """
    left = answer.headers.get("x-daylimit-remaining", "").strip()
    if not left.isdecimal() or int(left) > KEPT_FOR_LAST_CHECKS:
        return None
    again = api.clock() + _ANOTHER_LOOK
    api.pace.spared(tenant, again)
    if int(left) == 0:
        api.pace.closed(tenant, again)
    return again


def _page_of(cursor: str | None) -> int:
    """The page of a cursor; 0 stands for the last. Raises Rejected for a cursor that is none of ours."""
    if cursor is not None and not cursor.isdecimal():
        raise Rejected(f"{cursor[:40]!r} is no cursor of Xero's invoices")
    return int(cursor or 0)


def _required(account: str | None) -> str:
    if not account:
        raise Rejected("an id of Xero says nothing without its tenant")
    return account


def _readable(
    tenant: str, invoice: JsonObject, stamp: datetime, contact: JsonObject | None = None, payment_url: str | None = None
) -> Snapshot:
    snapshot = snapshot_of(tenant, invoice, stamp, contact, payment_url)
    if snapshot is None:
        raise UnreadableInvoice(
            f"Xero's invoice {text(invoice, 'InvoiceID')} cannot be read: its status, currency or amounts are not as documented"
        )
    return snapshot
