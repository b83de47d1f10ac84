"""The three sources that take late fees, each a sandbox behind a gate that loses or refuses the n-th request."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

from dunning.domain.fee_records import fee_id
from dunning.domain.invoice import Snapshot
from dunning.domain.request_meter import Allowance, Window
from dunning.providers.http_client import HttpClient
from dunning.providers.http_client_pace import Pace
from dunning.providers.oauth_api import OAuthApi
from dunning.providers.oauth_grants import Grant
from dunning.providers.oauth_tokens import TokenKeeper
from dunning.providers.quickbooks import QuickBooksSource
from dunning.providers.quickbooks_fees import QuickBooksFees
from dunning.providers.quickbooks_notes import QuickBooksNotes
from dunning.providers.stripe import StripeSource
from dunning.providers.stripe_api import StripeApi
from dunning.providers.stripe_fees import StripeFees
from dunning.providers.stripe_notes import StripeNotes
from dunning.providers.xero import XeroSource
from dunning.providers.xero_fees import XeroFees
from dunning.providers.xero_notes import XeroNotes
from dunning.workflow.activity_feed import NoteWriter
from dunning.workflow.fee_port import FeeBook, FeeOrder
from dunning.workflow.ports import InvoiceSource
from infra.local.http.wire import Answer, Request, Server
from infra.local.sandbox import quickbooks, xero
from infra.local.sandbox.server import ProviderSandbox
from tests.contract.providers.source_contract import Clock
from tests.fakes.tokens import Leases, MemoryMeters, Vault
from tests.integration.end_to_end.driver import invoice as stripe_invoice

BROKEN = Answer(502, b"<html>gateway</html>")
BOUNDLESS = Allowance((Window(10**6, timedelta(microseconds=1)),))
TOKENS = ("/oauth2/", "/connect/")


@dataclass
class Gate:
    """Between the product and the sandboxes. `loses`: done, and the answer lost; `refuses`: not done. Both name a request by number.

    `lags`: the path of a list that does not show yet what is there.
    """

    sandbox: ProviderSandbox
    asked: list[Request] = field(default_factory=list)
    loses: int | None = None
    refuses: int | None = None
    lags: str | None = None

    def __call__(self, request: Request) -> Answer:
        if request.path.startswith(TOKENS):
            return self.sandbox.answer(request)
        self.asked.append(request)
        if self.refuses == len(self.asked):
            return BROKEN
        if request.method == "GET" and request.path == self.lags:
            return Answer(200, json.dumps({self.lags.rpartition("/")[2]: []}).encode(), {"Content-Type": "application/json"})
        answer = self.sandbox.answer(request)
        return BROKEN if self.loses == len(self.asked) else answer

    def writes(self) -> list[Request]:
        """Requests that change something."""
        return [request for request in self.asked if request.method != "GET"]


@dataclass
class Shop:
    """One source: where fees are written, how it reads them back, and an order for it."""

    name: str
    book: FeeBook
    source: InvoiceSource
    gate: Gate
    clock: Clock
    order: FeeOrder
    notes: NoteWriter

    def fees(self) -> list[Snapshot]:
        """The fee's invoices that the source holds, whatever their status."""
        provider = self.gate.sandbox.provider(self.name)
        assert provider is not None
        rows = json.loads(json.dumps(provider.invoices()))
        account = self.order.customer.rpartition(":")[0].partition(":")[2] or None
        names = [str(row.get("id") or row.get("Id") or row.get("InvoiceID")) for row in rows]
        found = [self.source.fetch(name, account) for name in names]
        return [snapshot for snapshot in found if snapshot and snapshot.fee_id == self.order.id]


@contextmanager
def shop(name: str) -> Iterator[Shop]:
    """A source that holds one customer's overdue invoice, until left."""
    clock = Clock()
    gate = Gate(ProviderSandbox(clock))
    server = Server()
    server.start(gate)
    try:
        book, source, notes, customer, invoice_id = _MAKERS[name](gate.sandbox, server.url, clock)
        clock.now = datetime(2026, 3, 20, 9, tzinfo=UTC)
        yield Shop(name, book, source, gate, clock, _order(customer, invoice_id), notes)
    finally:
        server.stop()


def _order(customer: str, invoice_id: str) -> FeeOrder:
    return FeeOrder(
        id=fee_id(customer, invoice_id, "second"),
        customer=customer,
        invoice_id=invoice_id,
        invoice_number="N-1",
        currency="EUR",
        amount=12_34,
        lines=("1.5 % of EUR 822.67: EUR 12.3400", "late fee: EUR 12.34"),
        day=date(2026, 3, 20),
        not_before=datetime(2026, 3, 1, tzinfo=UTC),
        booked_to={"xero": "260", "quickbooks": "19"}.get(customer.partition(":")[0]),
    )


_Made = tuple[FeeBook, InvoiceSource, NoteWriter, str, str]


def _stripe(sandbox: ProviderSandbox, url: str, clock: Clock) -> _Made:
    provider = sandbox.provider("stripe")
    assert provider is not None
    provider.put_invoice("in_1", json.dumps(stripe_invoice("1", due="2026-03-10", currency="eur")).encode())
    api = StripeApi(lambda: "sk_test_local", url)
    return StripeFees(api, clock), StripeSource(api, clock), StripeNotes(api), "stripe:cus_1", "in_1"


def _quickbooks(sandbox: ProviderSandbox, url: str, clock: Clock) -> _Made:
    provider = sandbox.provider("quickbooks")
    assert provider is not None
    owed = {"Balance": 822.67, "TotalAmt": 822.67, "CurrencyRef": {"value": "EUR"}, "CustomerRef": {"value": "5", "name": "Ann"}}
    provider.put_invoice("145", json.dumps(owed | {"DocNumber": "N-1", "DueDate": "2026-03-10"}).encode())
    api = _oauth("quickbooks", quickbooks.COMPANY, url, quickbooks.TOKEN_PATH, BOUNDLESS, clock)
    return QuickBooksFees(api, clock), QuickBooksSource(api, clock), QuickBooksNotes(api), f"quickbooks:{quickbooks.COMPANY}:5", "145"


def _xero(sandbox: ProviderSandbox, url: str, clock: Clock) -> _Made:
    provider = sandbox.provider("xero")
    assert provider is not None
    owed = {"Status": "AUTHORISED", "AmountDue": 822.67, "Total": 822.67, "CurrencyCode": "EUR", "InvoiceNumber": "N-1"}
    provider.put_invoice("inv-1", json.dumps(owed | {"Contact": {"ContactID": "c-1", "Name": "Ann"}}).encode())
    api = _oauth("xero", xero.TENANT, url, xero.TOKEN_PATH, BOUNDLESS, clock)
    return XeroFees(api, clock), XeroSource(api, clock), XeroNotes(api), f"xero:{xero.TENANT}:c-1", "inv-1"


def _oauth(source: str, account: str, url: str, token_path: str, allowance: Allowance, clock: Clock) -> OAuthApi:
    http = HttpClient()
    tokens = TokenKeeper(
        source=source,
        secrets=Vault(Grant((account,), "local-refresh")),
        leases=Leases(),
        http=http,
        token_url=url + token_path,
        clock=clock,
        pause=lambda _seconds: None,
        new_id=lambda _now: "worker",
    )
    flights = count(1)
    pace = Pace(source, allowance, MemoryMeters(), clock, lambda _now: f"flight-{next(flights)}", urgent=False)
    return OAuthApi(url, http, tokens, pace, clock)


_MAKERS: dict[str, Callable[[ProviderSandbox, str, Clock], _Made]] = {"stripe": _stripe, "quickbooks": _quickbooks, "xero": _xero}


def later(order: FeeOrder, by: timedelta) -> FeeOrder:
    """The same fee, reckoned on another day: what a careless caller would send."""
    return replace(order, day=order.day + by)
