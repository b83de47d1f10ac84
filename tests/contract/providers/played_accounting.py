"""QuickBooks' and Xero's APIs, played by their sandboxes behind a small HTTP server on 127.0.0.1 that fails when told to."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from urllib.parse import urlsplit

from dunning.domain.invoice import Status
from dunning.domain.money import Money
from dunning.domain.request_meter import Allowance, Window
from dunning.providers.http_client import HttpClient
from dunning.providers.http_client_pace import Pace
from dunning.providers.oauth_api import OAuthApi
from dunning.providers.oauth_grants import Grant
from dunning.providers.oauth_tokens import TokenKeeper
from dunning.providers.quickbooks import PAGE_SIZE as QUICKBOOKS_PAGE
from dunning.providers.quickbooks import QuickBooksSource
from dunning.providers.xero import PAGE_SIZE as XERO_PAGE
from dunning.providers.xero import XeroSource
from dunning.workflow.sweep_ports import AccountedSource
from infra.local.http.wire import Answer, Request
from infra.local.sandbox import quickbooks, xero
from infra.local.sandbox.provider import Provider
from tests.contract.providers.source_contract import Clock, Owed
from tests.fakes.tokens import Leases, MemoryMeters, Vault

Json = dict[str, object]

READ_SECONDS = 3.0
"""As long as a page of a thousand may take on a busy machine; who falls silent is waited for so long."""

BOUNDLESS = Allowance((Window(10**6, timedelta(microseconds=1)),))
"""What is read, not how fast, is what most tests are about."""


class PlayedAccounting:
    """One provider's HTTP. The token endpoint always works; failures are the API's."""

    def __init__(
        self, name: str, account: str, token_path: str, sandbox: Callable[[Clock], Provider], allowance: Allowance = BOUNDLESS
    ) -> None:
        self.clock = Clock()
        self.account: str | None = account
        self.asked: list[str] = []
        self._sandbox = sandbox(self.clock)
        self._token_path = token_path
        self._failure: tuple[int, Mapping[str, object] | None] | None = None
        self._once: int | None = None
        self._lacks: Callable[[str], bool] = lambda _path: False
        self._lacking = 404
        self._hangs_up = False
        self._silent = False
        self._takes = timedelta(0)
        self.refused = 0
        self._closing = threading.Event()
        played = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                played.serve(self)

            def do_POST(self) -> None:
                played.serve(self)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        base = f"http://127.0.0.1:{self._server.server_port}"
        self.vault = Vault(Grant((account,), "local-refresh"))
        http = HttpClient(read_seconds=READ_SECONDS)
        tokens = TokenKeeper(
            source=name,
            secrets=self.vault,
            leases=Leases(),
            http=http,
            token_url=base + token_path,
            clock=self.clock,
            pause=lambda _seconds: None,
            new_id=lambda _now: "worker",
        )
        meters, flights = MemoryMeters(), count(1)

        def api(*, urgent: bool) -> OAuthApi:
            pace = Pace(name, allowance, meters, self.clock, lambda _now: f"flight-{next(flights)}", urgent=urgent)
            return OAuthApi(base, http, tokens, pace, self.clock)

        self.api, self.urgent_api = api(urgent=False), api(urgent=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve until left; a token is at hand from the start."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            self.api.tokens.access_token(self.account or "")
            yield
        finally:
            self._closing.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def requests(self) -> int:
        """How many requests to the API came."""
        return len(self.asked)

    def answers(self, status: int, error: Mapping[str, object] | None = None) -> None:
        """Answer every request with this error."""
        self._failure = status, error

    def answers_once(self, status: int) -> None:
        """Answer the next request with this."""
        self._once = status

    def lacks(self, *, status: int, where: Callable[[str], bool]) -> None:
        """Answer requests to these addresses (path and query) as a server without them does."""
        self._lacking, self._lacks = status, where

    def hangs_up(self) -> None:
        """Close every connection without an answer."""
        self._hangs_up = True

    def falls_silent(self) -> None:
        """Never answer."""
        self._silent = True

    def takes(self, duration: timedelta) -> None:
        """Move the clock while answering."""
        self._takes = duration

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = request.rfile.read(int(request.headers.get("Content-Length", "0")))
        url = urlsplit(request.path)
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Request(request.command, url.path, url.query, headers, body)
        if url.path == self._token_path:
            self._send(request, self._sandbox.answer(asked))
            return
        self.asked.append(request.path)
        self.clock.now += self._takes
        if self._silent:
            self._closing.wait()
        if self._silent or self._hangs_up:
            request.close_connection = True
        elif self._once is not None:
            status, self._once = self._once, None
            self._send(request, Answer(status, b"{}"))
        elif self._failure is not None:
            status, error = self._failure
            self._send(request, Answer(status, b"<html>gateway</html>" if error is None else json.dumps(error).encode()))
        elif self._lacks(request.path):
            self._send(request, Answer(self._lacking, b"not here"))
        else:
            answer = self._sandbox.answer(asked)
            self.refused += answer.status == 429
            self._send(request, answer)

    def _send(self, request: BaseHTTPRequestHandler, answer: Answer) -> None:
        request.send_response(answer.status)
        for name, value in answer.headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(answer.body)))
        request.end_headers()
        request.wfile.write(answer.body)


class PlayedQuickBooks(PlayedAccounting):
    """One company."""

    page_size = QUICKBOOKS_PAGE

    def __init__(self, allowance: Allowance = BOUNDLESS) -> None:
        super().__init__("quickbooks", quickbooks.COMPANY, quickbooks.TOKEN_PATH, self._made, allowance)
        self.source: AccountedSource = QuickBooksSource(self.api, self.clock)

    def _made(self, clock: Clock) -> Provider:
        self.books = quickbooks.QuickBooksSandbox(clock)
        return self.books

    def customer_id(self, customer: str) -> str:
        """The full id of a customer of the test's."""
        return f"quickbooks:{quickbooks.COMPANY}:{customer}"

    def has_customer(self, customer: str, *, name: str, email: str) -> None:
        """Hold a customer."""
        self.books.put_customer(customer, {"DisplayName": name, "PrimaryEmailAddr": {"Address": email}})

    def has_invoice(self, owed: Owed) -> None:
        """Hold an invoice."""
        is_void = owed.status is Status.VOID
        self.has(
            owed.id,
            {
                "Balance": major(owed.amount_due, owed.currency),
                "TotalAmt": 0 if is_void else major(owed.total, owed.currency),
                "PrivateNote": "Voided" if is_void else "",
                "CurrencyRef": {"value": owed.currency},
                "CustomerRef": {"value": owed.customer},
                "DueDate": owed.due.isoformat(),
            },
        )

    def has(self, invoice_id: str, body: Json) -> None:
        """Hold any invoice."""
        self.books.put_invoice(invoice_id, json.dumps(body).encode())


class PlayedXero(PlayedAccounting):
    """One tenant."""

    page_size = XERO_PAGE

    def __init__(self, allowance: Allowance = BOUNDLESS) -> None:
        super().__init__("xero", xero.TENANT, xero.TOKEN_PATH, self._made, allowance)
        self.source: AccountedSource = XeroSource(self.api, self.clock)

    def asking_urgently(self) -> AccountedSource:
        """The source as run_step has it."""
        return XeroSource(self.urgent_api, self.clock)

    def _made(self, clock: Clock) -> Provider:
        self.books = xero.XeroSandbox(clock)
        return self.books

    def customer_id(self, customer: str) -> str:
        """The full id of a customer of the test's."""
        return f"xero:{xero.TENANT}:{customer}"

    def has_customer(self, customer: str, *, name: str, email: str) -> None:
        """Hold a contact."""
        self.books.put_contact(customer, {"Name": name, "EmailAddress": email})

    def has_invoice(self, owed: Owed) -> None:
        """Hold an invoice."""
        statuses = {Status.OPEN: "AUTHORISED", Status.PAID: "PAID", Status.VOID: "VOIDED"}
        self.has(
            owed.id,
            {
                "Type": "ACCREC",
                "Status": statuses[owed.status],
                "AmountDue": major(owed.amount_due, owed.currency),
                "Total": major(owed.total, owed.currency),
                "CurrencyCode": owed.currency,
                "Contact": {"ContactID": owed.customer},
                "DueDateString": f"{owed.due.isoformat()}T00:00:00",
            },
        )

    def has(self, invoice_id: str, body: Json) -> None:
        """Hold any invoice."""
        self.books.put_invoice(invoice_id, json.dumps(body).encode())


def major(minor: int, currency: str) -> float:
    """As both providers write amounts."""
    return float(Money(minor, currency).as_decimal())
