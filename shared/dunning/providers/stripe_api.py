"""Stripe's API over HTTP: one attempt a call, plain JSON back, errors as types that say what to do."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dunning.domain.errors import DunningError, NotOffered, Permanent, Retryable, Unauthorised
from dunning.providers.http_client import HttpClient
from dunning.providers.json_reading import JsonObject, as_object, child, text

if TYPE_CHECKING:
    from stripe import HTTPClient, StripeClient, StripeError

# A 404 that is not about a missing object comes from a wrong address: an invoice must never count as gone because of it.
_TRY_LATER_STATUS = frozenset({404, 408, 409, 425, 429})
_NOT_OFFERED = frozenset({404, 405, 501})
_TRY_LATER_CODES = frozenset({"lock_timeout", "rate_limit"})


class StripeApi:
    """Requests to one base address (`https://api.stripe.com`), with the key read anew for each, for keys are rolled.

    Raises Unauthorised (401, 403: a person must mend the key), Retryable (no connection, time-out, 409, 429, 5xx, an answer
    that is no JSON) and Permanent (all else). `http` carries the requests: it sets an end to each answer.
    """

    def __init__(self, api_key: Callable[[], str], base: str, http: HttpClient | None = None) -> None:
        self._api_key = api_key
        self._base = base.rstrip("/")
        self._http = http or HttpClient()
        self._client: tuple[str, StripeClient] | None = None

    def get(self, path: str, params: Mapping[str, object] | None = None) -> JsonObject:
        """The object at a path."""
        found = self.find(path, params)
        if found is None:
            raise Permanent(f"Stripe has no {path}")
        return found

    def find(self, path: str, params: Mapping[str, object] | None = None, *, optional: bool = False) -> JsonObject | None:
        """The object at a path; None when Stripe knows of none. `optional`: any 404 says so, whatever stands in it."""
        from stripe import StripeError

        try:
            answer = self._connected().raw_request("get", path, **(params or {}))
        except StripeError as exc:
            if exc.http_status == 404 and (optional or _code(exc) == "resource_missing"):
                return None
            raise _translated(exc, path) from exc
        found = as_object(answer.data)
        if found is None:
            raise Retryable(f"Stripe answered {path} with something else than an object")
        return found

    def post(self, path: str, params: Mapping[str, object], idempotency_key: str) -> JsonObject | None:
        """Change the object at a path; None when Stripe knows of none. Raises NotOffered where nothing can be changed at all."""
        from stripe import StripeError

        try:
            answer = self._connected().raw_request("post", path, **params, idempotency_key=idempotency_key)
        except StripeError as exc:
            if exc.http_status == 404 and _code(exc) == "resource_missing":
                return None
            if exc.http_status in _NOT_OFFERED:
                raise NotOffered(f"Stripe answered POST {path} with {exc.http_status}") from exc
            raise _translated(exc, path, "POST") from exc
        return as_object(answer.data) or {}

    def download(self, url: str) -> bytes | None:
        """The file that Stripe links to, from Stripe's own hosts (or the base's) only, without our key; None when it is gone."""
        base = urlsplit(self._base).netloc
        answer = self._http.download(url, {}, lambda host: host == base or _is_stripes(host))
        if answer.status in (404, 410):
            return None
        if answer.status != 200:
            raise Retryable(f"Stripe's link to a document was answered with {answer.status}")
        return answer.content

    def _connected(self) -> "StripeClient":
        key = self._api_key()
        if self._client is None or self._client[0] != key:
            self._client = key, self._connect(key)
        return self._client[1]

    def _connect(self, key: str) -> "StripeClient":
        from stripe import StripeClient

        return StripeClient(
            key,
            base_addresses={"api": self._base},
            max_network_retries=0,
            http_client=_carried_by(self._http),
        )


def _carried_by(http: HttpClient) -> "HTTPClient":
    """Stripe's SDK over our client: its own bounds each wait for a byte only, so that a trickling answer would be read for ever."""
    from stripe import HTTPClient

    class Bounded(HTTPClient):
        name = "dunning"

        def request(
            self,
            method: str,
            url: str,
            headers: Mapping[str, str] | None,
            post_data: str | None = None,
            *,
            _usage: list[str] | None = None,
        ) -> tuple[str, int, Mapping[str, str]]:
            answer = http.send(method.upper(), url, headers or {}, post_data.encode() if post_data is not None else None)
            # No dict: where an answer is no JSON, the SDK hands over these as the body of its error.
            return answer.content.decode(errors="replace"), answer.status, MappingProxyType(dict(answer.headers))

    return Bounded()


def _is_stripes(host: str) -> bool:
    return host == "stripe.com" or host.endswith(".stripe.com")


def _translated(error: "StripeError", path: str, method: str = "GET") -> DunningError:
    """Stripe's own message is left out: it may quote what was sent."""
    status = error.http_status
    code = _code(error)
    said = f"Stripe answered {method} {path} with {status or type(error).__name__}" + (f" ({code})" if code else "")
    if status in (401, 403):
        access = "read access" if method == "GET" else "write access to invoices"
        return Unauthorised(f"{said}: put a valid key with {access} into the Stripe secret")
    if status is None or as_object(error.json_body) is None or status >= 500 or status in _TRY_LATER_STATUS or code in _TRY_LATER_CODES:
        return Retryable(said)
    return Permanent(said)


def _code(error: "StripeError") -> str | None:
    return text(child(as_object(error.json_body), "error"), "code")
