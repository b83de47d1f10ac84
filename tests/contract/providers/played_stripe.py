"""Stripe's API, played by a small HTTP server on 127.0.0.1."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs, urlsplit

from dunning.providers.http_client import HttpClient
from dunning.providers.stripe import PAGE_SIZE, StripeSource
from dunning.providers.stripe_api import StripeApi
from dunning.workflow.ports import InvoiceSource
from tests.contract.providers.source_contract import Clock, Owed

Object = dict[str, object]
KEY = "sk_test_played"


class PlayedStripe:
    """Holds objects by their path, and fails when told to."""

    page_size = PAGE_SIZE
    account: str | None = None

    def __init__(self) -> None:
        self.clock = Clock()
        self.key = KEY
        self.asked: list[str] = []
        self.sent_keys: list[str] = []
        self._objects: dict[str, Object] = {}
        self._failure: tuple[int, Mapping[str, object] | None] | None = None
        self._list: Object | None = None
        self._hangs_up = False
        self._silent = False
        self._takes = timedelta(0)
        self._closing = threading.Event()
        played = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                played.serve(self)

            def do_POST(self) -> None:
                played.take(self)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}"
        self.source: InvoiceSource = StripeSource(StripeApi(lambda: self.key, self.base, HttpClient(0.5)), self.clock)

    @contextmanager
    def running(self) -> Iterator["PlayedStripe"]:
        """Serve until left."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._closing.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def customer_id(self, customer: str) -> str:
        """The full id of a customer of the test's."""
        return f"stripe:cus_{customer}"

    def has(self, collection: str, found: Object) -> None:
        """Hold any object."""
        self._objects[f"/v1/{collection}/{found['id']}"] = found

    def has_customer(self, customer: str, *, name: str, email: str) -> None:
        """Hold a customer."""
        self.has("customers", {"id": f"cus_{customer}", "object": "customer", "name": name, "email": email})

    def has_invoice(self, owed: Owed) -> None:
        """Hold an invoice."""
        due = datetime.combine(owed.due, time(12), UTC)
        self.has(
            "invoices",
            {
                "id": owed.id,
                "object": "invoice",
                "customer": f"cus_{owed.customer}",
                "status": owed.status.value,
                "currency": owed.currency.lower(),
                "total": owed.total,
                "amount_due": owed.total,
                "amount_paid": owed.total - owed.amount_due,
                "amount_remaining": owed.amount_due,
                "collection_method": "send_invoice",
                "due_date": int(due.timestamp()),
                "number": f"NO-{owed.id}",
            },
        )

    def requests(self) -> int:
        """How many requests came."""
        return len(self.asked)

    def answers(self, status: int, error: Mapping[str, object] | None = None) -> None:
        """Answer every request with this error."""
        self._failure = status, error

    def always_lists(self, page: Object) -> None:
        """Answer every list with this page, whatever was asked."""
        self._list = page

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
        self.asked.append(request.path)
        self.sent_keys.append(str(request.headers["Authorization"]).removeprefix("Bearer "))
        self.clock.now += self._takes
        if self._silent:
            self._closing.wait()
        if self._silent or self._hangs_up:
            request.close_connection = True
            return
        status, content = self._answer(request.path)
        request.send_response(status)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Take metadata for an object."""
        form = parse_qs(request.rfile.read(int(request.headers["Content-Length"])).decode())
        found = self._objects[urlsplit(request.path).path]
        metadata = {name.removeprefix("metadata[").removesuffix("]"): values[-1] for name, values in form.items()}
        found["metadata"] = {**cast("Object", found.get("metadata") or {}), **metadata}
        self.serve(request)

    def notes(self, invoice_id: str) -> list[str]:
        """What is noted at an invoice, oldest first."""
        metadata = cast("dict[str, str]", self._objects[f"/v1/invoices/{invoice_id}"]["metadata"])
        return [text for key, text in sorted(metadata.items()) if key.startswith("dunning_0")]

    def _answer(self, asked: str) -> tuple[int, bytes]:
        if self._failure is not None:
            status, error = self._failure
            return status, b"<html>gateway</html>" if error is None else json.dumps({"error": error}).encode()
        url = urlsplit(asked)
        found = self._objects.get(url.path)
        if found is None and url.path in ("/v1/invoices", "/v1/invoice_payments"):
            found = self._listed(url.path, {key: values[0] for key, values in parse_qs(url.query).items()})
        if found is None:
            return 404, json.dumps({"error": {"type": "invalid_request_error", "code": "resource_missing"}}).encode()
        return 200, json.dumps(found).encode()

    def _listed(self, collection: str, asked: Mapping[str, str]) -> Object:
        """A page as Stripe's lists are: newest first, filtered, from behind an object that need no longer match."""
        if self._list is not None:
            return self._list
        newest_first = [found for path, found in sorted(self._objects.items(), reverse=True) if path.startswith(collection + "/")]
        after = asked.get("starting_after")
        start = next((place + 1 for place, found in enumerate(newest_first) if found["id"] == after), 0)
        matching = [found for found in newest_first[start:] if all(_field(found, key) == asked[key] for key in asked.keys() - _PAGING)]
        limit = int(asked.get("limit", "10"))
        return {"object": "list", "url": collection, "data": matching[:limit], "has_more": len(matching) > limit}


_PAGING = {"limit", "starting_after", "expand[0]"}


def _field(found: Object, key: str) -> object:
    """`payment[type]` asks for the field `type` of the field `payment`."""
    outer, _, inner = key.partition("[")
    value = found.get(outer)
    return value.get(inner.rstrip("]")) if inner and isinstance(value, dict) else value
