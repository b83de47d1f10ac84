"""A Stripe account for tests: it tells the sandbox what happened, and is asked over real HTTP."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import urlencode

from infra.local.http.wire import Request
from infra.local.sandbox.server import ProviderSandbox
from infra.local.sandbox.stripe import WEBHOOK_SECRET

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
T0 = int(START.timestamp())
Json = dict[str, object]


def invoice(invoice_id: str = "in_1", **fields: object) -> Json:
    """An invoice as Stripe sends it, cut to what matters here."""
    amounts = {"amount_due": 12000, "amount_paid": 0, "amount_remaining": 12000, "total": 12000, "currency": "usd"}
    whom = {"customer": "cus_1", "customer_email": "pat@example.com", "customer_name": "Pat Doe", "customer_phone": None}
    return {"id": invoice_id, "object": "invoice", "status": "open", "created": T0, **amounts, **whom, **fields}


def event(kind: str, body: Mapping[str, object], *, event_id: str = "evt_1", created: int = T0) -> bytes:
    """An event that carries a snapshot."""
    return json.dumps({"id": event_id, "object": "event", "type": kind, "created": created, "data": {"object": body}}).encode()


def signature(body: bytes, at: int = T0, secret: str = WEBHOOK_SECRET) -> str:
    """The Stripe-Signature header for a body."""
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mac}"


@dataclass
class Answered:
    """An answer of the sandbox."""

    status: int
    body: Json
    headers: dict[str, str]

    @property
    def ids(self) -> list[object]:
        """The ids of a list's rows."""
        rows = self.body["data"]
        assert isinstance(rows, list)
        return [row["id"] for row in rows]

    @property
    def error(self) -> Json:
        """What Stripe's error envelope holds."""
        error = self.body["error"]
        assert isinstance(error, dict)
        return error


@dataclass
class Account:
    """The sandbox with a clock that a test moves."""

    now: datetime = START
    sandbox: ProviderSandbox = field(init=False)

    def __post_init__(self) -> None:
        self.sandbox = ProviderSandbox(lambda: self.now)
        self.sandbox.start()

    def wait(self, seconds: int) -> None:
        """Let virtual time pass."""
        self.now += timedelta(seconds=seconds)

    def happens(self, kind: str, body: Mapping[str, object], *, created: int = T0, event_id: str | None = None) -> None:
        """Something happens at Stripe, and its signed webhook comes now."""
        self.webhook(event(kind, body, event_id=event_id or f"evt_{kind}_{created}", created=created))

    def webhook(self, body: bytes, header: str | None = None) -> None:
        """A webhook comes, signed now unless told otherwise."""
        signed = signature(body, int(self.now.timestamp())) if header is None else header
        self.sandbox.observe(Request("POST", "/webhooks/stripe", headers={"stripe-signature": signed}, body=body))

    def get(self, path: str, key: str | None = "sk_test_local", **query: str) -> Answered:
        """GET from the sandbox; query names may be written `created__gte` for `created[gte]`."""
        names = {name.replace("__", "[") + "]" if "__" in name else name: value for name, value in query.items()}
        return self.ask("GET", path + (f"?{urlencode(names)}" if names else ""), key=key)

    def ask(self, method: str, path: str, body: str | None = None, key: str | None = "sk_test_local", authorization: str = "") -> Answered:
        """Any request."""
        connection = HTTPConnection("127.0.0.1", int(self.sandbox.url.rpartition(":")[2]), timeout=10)
        header = authorization or (f"Bearer {key}" if key else "")
        connection.request(method, path, body, {"Authorization": header} if header else {})
        response = connection.getresponse()
        answered = Answered(response.status, json.loads(response.read()), dict(response.getheaders()))
        connection.close()
        return answered


def basic(user: str) -> str:
    """Basic authentication with a key as the user and no password."""
    return "Basic " + base64.b64encode(f"{user}:".encode()).decode()
