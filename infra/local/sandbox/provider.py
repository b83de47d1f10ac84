"""What every provider's sandbox can do, and what those of the accounting providers have in common."""

import base64
import hmac
import itertools
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol
from urllib.parse import parse_qs

from infra.local.http.wire import Answer, Request, json_answer
from infra.local.json_edges import Json
from infra.local.sandbox.consent_page import ConsentPage

CLIENT_ID = "local-client"
CLIENT_SECRET = "local-secret"
REFRESH_TOKEN = "local-refresh"


class Provider(Protocol):
    """One provider's sandbox."""

    name: str

    def observe(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Take in a webhook, if it bears our signature; answers whether it did."""
        ...

    def put_invoice(self, invoice_id: str, raw: bytes) -> Json:
        """Make this JSON the invoice, as taken now. Raises Rejected."""
        ...

    def invoice(self, invoice_id: str) -> Json | None:
        """The invoice as held."""
        ...

    def put_customer(self, customer_id: str, body: Json) -> None:
        """Make this what the customer (bare id) is, beside what was known."""
        ...

    def put_credit(self, credit_id: str, body: Json) -> None:
        """Give a customer credit, in the provider's own JSON. Raises Rejected."""

    def invoices(self) -> list[Json]:
        """All invoices as held."""
        ...

    def customers(self) -> list[str]:
        """Customers whose invoices are held, as a full id names them behind the source."""
        ...

    def answer(self, request: Request) -> Answer:
        """What the provider's API would answer."""
        ...


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long tokens live, and for how long a refresh token is taken once more after it was replaced."""

    access: timedelta
    grace: timedelta


class TokenEndpoint:
    """OAuth 2: a code from the `consents` becomes tokens (RFC 6749, 4.1.3); each use of a refresh token replaces it (section 6)."""

    def __init__(self, name: str, lifetimes: Lifetimes, clock: Callable[[], datetime], consents: ConsentPage) -> None:
        self._name = name
        self._consents = consents
        self._lifetimes = lifetimes
        self._clock = clock
        self._numbers = itertools.count(1)
        self._newest = REFRESH_TOKEN
        self._refresh_until: dict[str, datetime | None] = {self._newest: None}
        self._access_until: dict[str, datetime] = {}

    def answer(self, request: Request) -> Answer:
        """The answer to a POST of a form."""
        if not hmac.compare_digest(_basic(request.headers.get("authorization", "")), f"{CLIENT_ID}:{CLIENT_SECRET}"):
            return json_answer({"error": "invalid_client"}, 401)
        form = {name: values[-1] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
        if form.get("grant_type") == "authorization_code":
            return self._issued() if self._consents.takes(form) else json_answer({"error": "invalid_grant"}, 400)
        if form.get("grant_type") != "refresh_token":
            return json_answer({"error": "unsupported_grant_type"}, 400)
        token = form.get("refresh_token", "")
        until = self._refresh_until.get(token)
        if token not in self._refresh_until or (until is not None and until <= self._clock()):
            return json_answer({"error": "invalid_grant"}, 400)
        if until is None:
            self._refresh_until[token] = self._clock() + self._lifetimes.grace
        return self._issued()

    def _issued(self) -> Answer:
        number = next(self._numbers)
        access, refresh = f"{self._name}-access-{number}", f"{self._name}-refresh-{number}"
        self._refresh_until[refresh], self._newest = None, refresh
        self._access_until[access] = self._clock() + self._lifetimes.access
        lives = int(self._lifetimes.access.total_seconds())
        return json_answer({"access_token": access, "refresh_token": refresh, "expires_in": lives, "token_type": "Bearer"})

    def revoke(self) -> None:
        """The customer takes the consent back: no token is good any more."""
        self._refresh_until.clear()
        self._access_until.clear()

    def restore(self) -> None:
        """The consent is there again, with the refresh token that was given out last."""
        self._refresh_until[self._newest] = None

    def is_good(self, authorization: str) -> bool:
        """Whether a bearer token opens the API now."""
        scheme, _, token = authorization.partition(" ")
        until = self._access_until.get(token)
        return scheme.lower() == "bearer" and until is not None and until > self._clock()


class Meter:
    """A limit of requests in a sliding period."""

    def __init__(self, requests: int, period: timedelta, clock: Callable[[], datetime]) -> None:
        self._requests, self._period, self._clock = requests, period, clock
        self._seen: deque[datetime] = deque()

    @property
    def left(self) -> int:
        """How many requests are left now."""
        return self._requests - len(self._seen)

    def wait(self) -> timedelta | None:
        """How long until the next request is taken; None, and counted, if this one is."""
        now = self._clock()
        while self._seen and self._seen[0] + self._period <= now:
            self._seen.popleft()
        if len(self._seen) >= self._requests:
            return self._seen[0] + self._period - now
        self._seen.append(now)
        return None


def parsed(raw: bytes) -> Json:
    """A JSON object with exact numbers. Raises ValueError."""
    value = json.loads(raw, parse_float=Decimal)
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    raise ValueError("it is a JSON value of another kind")


def number(value: object) -> Decimal | None:
    """An amount as JSON numbers write it."""
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def exact_answer(value: object, status: int = 200) -> Answer:
    """A JSON answer in which Decimals stay numbers."""
    return json_answer(plain(value), status)


def plain(value: object) -> object:
    """Decimals as JSON's numbers, all through."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def _basic(header: str) -> str:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode()
    except ValueError:
        return ""
