"""HTTP as the accounting providers need it: one attempt a call, short time-outs, exact numbers, errors that say what to do."""

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

from dunning.domain.errors import Permanent, Retryable
from dunning.providers.json_reading import JsonObject, as_object

if TYPE_CHECKING:
    from urllib3 import PoolManager

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
"""Of silence."""

_SPARE_SECONDS = 3.0
"""What remains of an invocation to write down that there was no answer."""

_LEAST_SECONDS = 0.5
TIMES_ITS_SILENCE = 2
"""An answer may take so many times as long as it may be silent, head and body together."""

_LONGEST_WAIT = timedelta(days=1)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back. Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> JsonObject | None:
        """The body, if it is a JSON object; numbers with a point are Decimals."""
        try:
            return as_object(json.loads(self.content, parse_float=Decimal, parse_constant=_no_constant))
        except (ValueError, RecursionError):
            return None


class HttpClient:
    """Requests to hosts we were configured with. Follows no redirect and repeats nothing: who calls decides that.

    Raises Retryable when no answer comes (no connection, time-out, an answer cut off), or when it would come too late: `time_left`
    are the seconds that the caller has. `ticks` (seconds) measures what an answer takes.
    """

    def __init__(
        self,
        read_seconds: float = READ_SECONDS,
        time_left: Callable[[], float] = lambda: math.inf,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read_seconds = read_seconds
        self._time_left = time_left
        self._ticks = ticks
        self._pool: PoolManager | None = None

    def get(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> HttpAnswer:
        """GET with these query parameters."""
        return self.send("GET", f"{url}?{urlencode(params)}" if params else url, headers, None)

    def download(self, url: str, headers: Mapping[str, str], hosts: Callable[[str], bool]) -> HttpAnswer:
        """GET a file, following up to three redirects to hosts (`host` or `host:port`) that are trusted. Raises Permanent for others.

        What is sent along goes to the first host only.
        """
        for _ in range(4):
            place = urlsplit(url)
            if place.scheme not in ("https", "http") or not hosts(place.netloc):
                raise Permanent(f"a document lies at a place that is not trusted: {place.netloc}")
            answer = self.send("GET", url, headers, None)
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            url, headers = urljoin(url, answer.headers["location"]), {}
        raise Permanent("a document is redirected again and again")

    def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> HttpAnswer:
        """POST a form."""
        return self.send("POST", url, {**headers, "Content-Type": "application/x-www-form-urlencoded"}, urlencode(form).encode())

    def send_json(self, method: str, url: str, value: object, headers: Mapping[str, str]) -> HttpAnswer:
        """POST or PUT a JSON document."""
        return self.send(method, url, {**headers, "Content-Type": "application/json"}, json.dumps(value).encode())

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> HttpAnswer:
        """Any request."""
        from urllib3 import Timeout
        from urllib3.exceptions import HTTPError

        pools = self._connected()
        silence = min(self._read_seconds, (self._time_left() - _SPARE_SECONDS - CONNECT_SECONDS) / TIMES_ITS_SILENCE)
        if silence < _LEAST_SECONDS:
            raise Retryable(f"{method} {_without_query(url)}: there is no time left to wait for an answer")
        timeout = Timeout(connect=CONNECT_SECONDS, read=silence)
        try:
            answer = pools.request(method, url, body=body, headers=dict(headers), redirect=False, timeout=timeout)
        except HTTPError as exc:
            raise Retryable(f"{method} {_without_query(url)}: {type(exc).__name__}") from exc
        return HttpAnswer(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.data)

    def _connected(self) -> "PoolManager":
        if self._pool is None:
            from dunning.providers.http_client_bounds import bounded_pools

            self._pool = bounded_pools(self._ticks)
        return self._pool


def retry_at(answer: HttpAnswer, now: datetime, otherwise: timedelta) -> datetime:
    """When Retry-After (seconds or a date) says to come again, at most a day from now; `otherwise` from now without it."""
    return now + min(_LONGEST_WAIT, max(timedelta(seconds=1), _retry_after(answer.headers.get("retry-after", ""), now) or otherwise))


def _retry_after(written: str, now: datetime) -> timedelta | None:
    if written.strip().isdecimal():
        return min(_LONGEST_WAIT, timedelta(seconds=min(int(written), 10**6)))
    try:
        instant = parsedate_to_datetime(written)
    except ValueError:
        return None
    return (instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)) - now


def called(method: str, path: str, status: int) -> str:
    """How an answer is named in errors and logs: never with a query, for that may hold what a customer wrote."""
    return f"{method} {path} was answered with {status}"


def _without_query(url: str) -> str:
    return urlsplit(url)._replace(query="").geturl()


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
