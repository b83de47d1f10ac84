"""QuickBooks Online as a source of invoices: one app, any number of connected companies."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from dunning.domain.errors import Rejected, Retryable, UnreadableInvoice
from dunning.domain.evolving import replace
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.domain.request_meter import Allowance, Window
from dunning.providers.credits import NOT_THERE, summed
from dunning.providers.http_client import HttpAnswer
from dunning.providers.json_reading import JsonObject, amount, as_object, child, items, text
from dunning.providers.oauth_api import OAuthApi
from dunning.providers.quickbooks_currency import HomeCurrencies, named_currency
from dunning.providers.quickbooks_objects import (
    contact_of,
    customer_of,
    full_customer_id,
    is_settled_by_credit,
    linked_invoices,
    linked_payments,
    literal,
    snapshot_of,
    split_customer_id,
)
from dunning.providers.quickbooks_webhook import SOURCE
from dunning.providers.readable import readable_of
from dunning.providers.recent_contacts import RecentContacts
from dunning.workflow.ports import SourcePage, Standing, Traced
from dunning.workflow.source_events import DisputeSeen, FetchKind, SourceEvent
from dunning.workflow.sweep_ports import ChangedInvoices, ChangedPage

ALLOWANCE = Allowance((Window(10, timedelta(seconds=1)), Window(500, timedelta(seconds=61))))
"""Per company and app 10 requests a second, and 500 a minute per company
(developer.intuit.com/app/developer/qbo/docs/learn/limits-and-throttles).
"""

_OF_A_FETCH = 2
_OF_A_LAST_CHECK = 4

PAGE_SIZE = 1000
_CUSTOMERS_AT_ONCE = 250
"""As many ids as an address has room for."""

_MOST_CHANGES = 1000
_OVERLAP = 20
MINOR_VERSION = {"minorversion": "75"}
_NOT_FOUND = "610"
_OPEN = "Balance > '0'"


class QuickBooksSource:
    """An AccountedSource. What it reads is stamped with our clock at the request's start."""

    name = SOURCE

    def __init__(self, api: OAuthApi, clock: Callable[[], datetime], page_size: int = PAGE_SIZE) -> None:
        self._api = api
        self._clock = clock
        self._page_size = page_size
        self._recent = RecentContacts(clock)
        self._homes = HomeCurrencies(api)

    def fetch(self, invoice_id: str, account: str | None = None) -> Snapshot | None:
        """The invoice now, its payment link and its customer's contact with it while it is owed, and its payments once it is paid."""
        company = _required(account)
        with self._api.pace.turn(company, _OF_A_FETCH):
            stamp = self._clock()
            invoice, is_listed = self._found(company, "Invoice", invoice_id, {"include": "invoiceLink"})
            if invoice is None or customer_of(company, invoice) is None:
                return None
            owed = (amount(invoice, "Balance") or 0) > 0
            customers = self._customers(company, [invoice]) if owed else {}
            home = self._homes.needed_by(company, [invoice])
            snapshot = _readable(company, invoice, stamp, customers.get(_customer_id(invoice) or ""), home)
            payments = self._payments(company, invoice) if snapshot.status is Status.PAID else {}
            known = _with_credit(invoice, snapshot, payments)
            return replace(known, link_read=snapshot.status is Status.OPEN and not is_listed)

    def turn(self, customer: str, links: int = 0) -> AbstractContextManager[None]:
        """Room for one last check: the invoice or the list, its customer, both kinds of credit, and what is read for its link."""
        return self._api.pace.turn(split_customer_id(customer)[0], _OF_A_LAST_CHECK + links)

    def fetch_pdf(self, invoice_id: str, customer: str) -> bytes | None:
        """The invoice as PDF (`/invoice/{id}/pdf`), if it is this customer's."""
        company, _ = split_customer_id(customer)
        invoice = self._object(company, "Invoice", invoice_id)
        if invoice is None or customer_of(company, invoice) != customer:
            return None
        return self._api.get_pdf(company, f"{company_path(company)}/invoice/{quote(invoice_id, safe='')}/pdf", MINOR_VERSION)

    def fetch_contact(self, customer: str) -> Contact | None:
        """The customer's contact now; None when inactive or unknown."""
        company, bare = split_customer_id(customer)
        found, is_listed = self._found(company, "Customer", bare)
        self._recent.keep(company, bare, found)
        return contact_of(found, in_full=not is_listed) if found is not None else None

    def open_invoices_of(self, customer: str) -> tuple[Snapshot, ...]:
        """All open invoices of one customer that can be read, with the contact."""
        company, bare = split_customer_id(customer)
        stamp = self._clock()
        condition = f"CustomerRef = {literal(bare)} AND {_OPEN}"
        found = list(self._all(company, "Invoice", condition))
        customers, home = self._customers(company, found), self._homes.needed_by(company, found)
        return readable_of((_id(row), snapshot_of(company, row, stamp, customers.get(_customer_id(row) or ""), home)) for row in found)

    def accounts(self) -> tuple[str, ...]:
        """The connected companies."""
        return self._api.tokens.accounts()

    def standing_of(self, customer: str) -> Standing:
        """Credit memos and payments that are not yet applied. A payment's unapplied part cannot be asked for: all are read."""
        company, bare = split_customer_id(customer)
        theirs = f"CustomerRef = {literal(bare)}"
        memos = list(self._all(company, "CreditMemo", f"{theirs} AND {_OPEN}", optional=True))
        payments = list(self._all(company, "Payment", theirs, optional=True))
        home = self._homes.of(company, (*memos, *payments))
        open_amounts = [*((memo, "Balance") for memo in memos), *((payment, "UnappliedAmt") for payment in payments)]
        return Standing(summed((named_currency(row) or home, row, key) for row, key in open_amounts))

    def open_page(self, cursor: str | None, account: str | None = None) -> SourcePage:
        """A thousand of a company's open invoices, with their customers' contacts.

        Invoices that are paid meanwhile move the later ones up, so each page begins a little before the end of the last one.
        """
        company, place = _required(account), _Place.read(cursor)
        with self._api.pace.turn(company, _OF_A_FETCH):
            return self._page(company, place)

    def _page(self, company: str, place: "_Place") -> SourcePage:
        stamp = self._clock()
        start = max(1, place.start - (_OVERLAP if place.last else 0))
        rows = self._query(company, "Invoice", _OPEN, start)
        fresh = [row for row in rows if _id(row) not in place.last and customer_of(company, row) is not None]
        customers, home = self._customers(company, fresh), self._homes.of(company, fresh)
        read = [snapshot_of(company, row, stamp, customers.get(_customer_id(row) or ""), home) for row in fresh]
        following = _Place(start + len(rows), tuple(_id(row) for row in rows[-_OVERLAP:]))
        return SourcePage(
            snapshots=tuple(snapshot for snapshot in read if snapshot is not None),
            cursor=following.written() if len(rows) >= self._page_size else None,
            unreadable=tuple(_id(row) for row, snapshot in zip(fresh, read, strict=True) if snapshot is None),
        )

    def changed_page(self, account: str, since: datetime, cursor: str | None) -> ChangedPage:
        """Change data capture. It has no pages: where more than it tells may have changed, or it is not there, it is left to the lists."""
        stamp = self._clock()
        told = self._changes(account, ("Invoice", "Customer"), since)
        if told is None or sum(map(len, told)) >= _MOST_CHANGES:
            return ChangedPage(stamp)
        invoices, customers = told
        there = [row for row in invoices if not _is_deleted(row)]
        home = self._homes.of(account, there)
        read = [snapshot_of(account, row, stamp, home=home) for row in there]
        return ChangedPage(
            stamp=stamp,
            closed=tuple(snapshot for snapshot in read if snapshot is not None and snapshot.status is not Status.OPEN),
            contacts={full_customer_id(account, _id(row)): contact_of(row) for row in customers if not _is_deleted(row)},
        )

    def changed_invoices(self, account: str, since: datetime) -> ChangedInvoices:
        """Change data capture once, and the customers of what is owed. What is beyond 1,000 or unreadable is left to the sweep.

        The payments that changed with it tell in the same answer whether what is paid was paid by credit memos.
        """
        with self._api.pace.turn(account, _OF_A_FETCH):
            stamp = self._clock()
            told = self._changes(account, ("Invoice", "Payment"), since)
            if told is None:
                return ChangedInvoices(is_all=False)
            rows, payments = told[0], {_id(row): row for row in told[1]}
            there = [row for row in rows if not _is_deleted(row) and customer_of(account, row) is not None]
            customers = self._customers(account, [row for row in there if (amount(row, "Balance") or 0) > 0])
            home = self._homes.of(account, there)
            read = [(row, snapshot_of(account, row, stamp, customers.get(_customer_id(row) or ""), home)) for row in there]
            found = tuple(_with_credit(row, snapshot, payments) for row, snapshot in read if snapshot is not None)
            deleted = tuple(_id(row) for row in rows if _is_deleted(row))
            return ChangedInvoices(found, deleted, is_all=sum(map(len, told)) < _MOST_CHANGES and len(found) == len(read))

    def _changes(self, company: str, kinds: tuple[str, ...], since: datetime) -> tuple[tuple[JsonObject, ...], ...] | None:
        """For each kind what changed; None where there is no change data capture."""
        changed_since = since.astimezone(UTC).isoformat(timespec="seconds")
        params = {**MINOR_VERSION, "entities": ",".join(kinds), "changedSince": changed_since}
        path = f"{company_path(company)}/cdc"
        answer = self._api.get_if_permitted(company, path, params, tells=lambda told: told.status in NOT_THERE)
        if answer.status != 200:
            return None
        parts = [found for part in items(answer.json() or {}, "CDCResponse") for found in items(part, "QueryResponse")]
        return tuple(tuple(row for part in parts for row in items(part, kind)) for kind in kinds)

    def trace(self, kind: FetchKind, object_id: str, account: str | None = None) -> Traced | None:
        """Whom and which invoices a payment or a credit memo concerns; None when it is gone."""
        company = _required(account)
        match kind:
            case FetchKind.PAYMENT:
                found = self._object(company, "Payment", object_id)
                return Traced(customer_of(company, found), linked_invoices(found)) if found is not None else None
            case FetchKind.CREDIT_NOTE:
                found = self._object(company, "CreditMemo", object_id)
                return Traced(customer_of(company, found), self._credited(company, found)) if found is not None else None
            case _:
                raise ValueError(f"QuickBooks has no {kind} to trace")

    def fetch_dispute(self, dispute_id: str) -> DisputeSeen | None:
        """QuickBooks reports no disputes."""
        return None

    def fetch_event(self, event_id: str) -> SourceEvent | None:
        """QuickBooks keeps no events."""
        return None

    def _customers(self, company: str, invoices: Sequence[JsonObject]) -> Mapping[str, JsonObject]:
        """The customers of some invoices, by bare id; inactive ones, too, for what they owe is still owed."""

        def read(ids: Sequence[str]) -> Mapping[str, JsonObject]:
            condition = f"Id IN ({', '.join(literal(bare) for bare in ids)}) AND Active IN (true, false)"
            return {_id(row): row for row in self._query(company, "Customer", condition, 1)}

        return self._recent.of(company, filter(None, map(_customer_id, invoices)), read, _CUSTOMERS_AT_ONCE)

    def _payments(self, company: str, invoice: JsonObject) -> Mapping[str, JsonObject]:
        """The payments of an invoice, by bare id: one request, which none without payments needs. Nothing where they cannot be read."""
        ids = linked_payments(invoice)[:_CUSTOMERS_AT_ONCE]
        if not ids:
            return {}
        condition = f"Id IN ({', '.join(map(literal, ids))})"
        return {_id(row): row for row in self._query(company, "Payment", condition, 1, optional=True)}

    def _credited(self, company: str, memo: JsonObject) -> tuple[str, ...]:
        """A credit memo is applied through payments of zero, which name the invoices."""
        found = list(linked_invoices(memo))
        for payment_id in linked_payments(memo):
            payment = self._object(company, "Payment", payment_id)
            found += linked_invoices(payment) if payment is not None else ()
        return tuple(dict.fromkeys(found))

    def _object(self, company: str, kind: str, object_id: str) -> JsonObject | None:
        return self._found(company, kind, object_id)[0]

    def _found(self, company: str, kind: str, object_id: str, params: Mapping[str, str] | None = None) -> tuple[JsonObject | None, bool]:
        """The object, and whether only a list tells of it."""
        path = f"{company_path(company)}/{kind.lower()}/{quote(object_id, safe='')}"
        answer = self._api.get(
            company, path, {**MINOR_VERSION, **(params or {})}, tells=lambda answer: _is_unknown(answer) or _is_404(answer)
        )
        if _is_unknown(answer):
            return None, False
        if _is_404(answer):
            # Not how QuickBooks says it: a list must confirm that we ask at the right place.
            rows = self._query(company, kind, f"Id = {literal(object_id)}", 1)
            return next((row for row in rows if _id(row) == object_id), None), True
        found = child(answer.json(), kind)
        if found is None:
            raise Retryable(f"QuickBooks answered {path} without {kind}")
        return (None if _is_deleted(found) else found), False

    def _all(self, company: str, kind: str, condition: str, *, optional: bool = False) -> Iterator[JsonObject]:
        start = 1
        while True:
            rows = self._query(company, kind, condition, start, optional=optional)
            yield from rows
            if len(rows) < self._page_size:
                return
            start += len(rows)

    def _query(self, company: str, kind: str, condition: str, start: int, *, optional: bool = False) -> tuple[JsonObject, ...]:
        """One page. `optional`: a company that has no such list has an empty one."""
        query = " ".join(("select * from", kind, "where", condition, f"STARTPOSITION {start} MAXRESULTS {self._page_size}"))
        params = {**MINOR_VERSION, "query": query}
        get = self._api.get_if_permitted if optional else self._api.get
        answer = get(company, f"{company_path(company)}/query", params, tells=lambda told: optional and told.status in NOT_THERE)
        if answer.status != 200:
            return ()
        response = child(answer.json(), "QueryResponse")
        if response is None:
            raise Retryable("QuickBooks answered a query without QueryResponse")
        return items(response, kind)


class _Place:
    """Where the next page begins: the position, and the ids that the last page ended with."""

    def __init__(self, start: int, last: tuple[str, ...]) -> None:
        self.start, self.last = start, last

    @classmethod
    def read(cls, cursor: str | None) -> "_Place":
        """Raises Rejected for a cursor that is none of ours."""
        if cursor is None:
            return cls(1, ())
        try:
            start, last = json.loads(cursor)
            return cls(int(start), tuple(str(each) for each in last))
        except (ValueError, TypeError) as exc:
            raise Rejected(f"{cursor[:40]!r} is no cursor of QuickBooks' invoices") from exc

    def written(self) -> str:
        """As a cursor."""
        return json.dumps([self.start, self.last])


def _required(account: str | None) -> str:
    if not account:
        raise Rejected("an id of QuickBooks says nothing without its company")
    return account


def company_path(company: str) -> str:
    """Where a company's objects are."""
    return f"/v3/company/{quote(company, safe='')}"


def _id(found: JsonObject) -> str:
    return text(found, "Id") or ""


def _is_deleted(found: JsonObject) -> bool:
    return found.get("status") == "Deleted"


def _customer_id(invoice: JsonObject) -> str | None:
    return text(child(invoice, "CustomerRef"), "value")


def _is_404(answer: HttpAnswer) -> bool:
    return answer.status == 404 and answer.json() is not None


def _is_unknown(answer: HttpAnswer) -> bool:
    """`Object Not Found`, which comes with status 400 (developer.intuit.com, error codes)."""
    return answer.status in (400, 404) and _NOT_FOUND in error_codes(answer)


def error_codes(answer: HttpAnswer) -> frozenset[str]:
    """The codes of the errors in an answer (developer.intuit.com, error codes)."""
    fault = child(answer.json(), "Fault")
    errors = fault.get("Error") if fault is not None else None
    return frozenset(text(as_object(error), "code") or "" for error in errors) if isinstance(errors, list) else frozenset()


def _readable(company: str, invoice: JsonObject, stamp: datetime, customer: JsonObject | None, home: str | None) -> Snapshot:
    snapshot = snapshot_of(company, invoice, stamp, customer, home)
    if snapshot is None and not (named_currency(invoice) or home):
        raise UnreadableInvoice(
            f"QuickBooks' invoice {_id(invoice)} names no currency, nor do the company's preferences: set its home currency there"
        )
    if snapshot is None:
        raise UnreadableInvoice(f"QuickBooks' invoice {_id(invoice)} cannot be read: its currency or amounts are not as documented")
    return snapshot


def _with_credit(invoice: JsonObject, snapshot: Snapshot, payments: Mapping[str, JsonObject]) -> Snapshot:
    return replace(snapshot, by_credit=snapshot.status is Status.PAID and is_settled_by_credit(invoice, payments))
