import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dunning.domain.errors import Retryable
from dunning.providers.http_client import HttpAnswer, HttpClient, retry_at
from dunning.providers.stripe_api import StripeApi

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def asks_for(retry_after: str | None) -> datetime:
    headers = {"retry-after": retry_after} if retry_after is not None else {}
    return retry_at(HttpAnswer(429, headers, b""), NOW, MINUTE)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("41", 41),
        ("Mon, 02 Mar 2026 08:02:00 GMT", 120),
        (None, 60),
        ("soon", 60),
        ("", 60),
        ("-5", 60),
        ("Mon, 02 Mar 2026 07:00:00 GMT", 1),
        ("99999999999999", 86400),
    ],
)
def test_a_provider_is_asked_again_when_it_says(retry_after: str | None, seconds: int) -> None:
    assert asks_for(retry_after) == NOW + timedelta(seconds=seconds)


def test_amounts_are_read_exactly() -> None:
    assert HttpAnswer(200, {}, b'{"Balance": 1018.10}').json() == {"Balance": Decimal("1018.10")}


@pytest.mark.parametrize("content", [b"", b"[]", b"<html>", b'{"Balance": NaN}', b"[" * 100_000])
def test_what_is_no_json_object_is_none(content: bytes) -> None:
    assert HttpAnswer(200, {}, content).json() is None


class Trickle:
    """A server that answers `start` and then goes on byte by byte, each a second later by the clock that it carries."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.start, self.drop = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"x"
        self.requests = 0
        self._connections: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/slow"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def ticks(self) -> float:
        return self.seconds

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._connections = [connection]
            with connection:
                self._answer(connection)
            self._connections = []

    def _answer(self, connection: socket.socket) -> None:
        try:
            while connection.recv(65536):
                self.requests += 1
                connection.sendall(self.start)
                if self.drop:
                    self._drip(connection)
                    return
        except OSError:
            return

    def _drip(self, connection: socket.socket) -> None:
        for _ in range(50_000):
            connection.sendall(self.drop)
            self.seconds += 1


@pytest.fixture
def trickle() -> Iterator[Trickle]:
    server = Trickle()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("start", "drop"), [(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", b"x"), (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x")]
)
def test_an_answer_that_never_ends_is_given_up_whether_its_head_or_its_body_trickles(trickle: Trickle, start: bytes, drop: bytes) -> None:
    trickle.start, trickle.drop = start, drop
    with pytest.raises(Retryable, match="ReadTimeoutError"):
        HttpClient(ticks=trickle.ticks).get(trickle.url, {}, {})
    assert trickle.seconds >= 20


def test_who_has_little_time_left_does_not_begin_to_wait(trickle: Trickle) -> None:
    client = HttpClient(time_left=lambda: 6.5, ticks=trickle.ticks)
    with pytest.raises(Retryable, match="no time left"):
        client.get(trickle.url, {}, {})
    assert trickle.requests == 0


def test_an_answer_must_come_within_the_time_that_is_left(trickle: Trickle) -> None:
    with pytest.raises(Retryable, match="ReadTimeoutError"):
        HttpClient(time_left=lambda: 10.0, ticks=trickle.ticks).get(trickle.url, {}, {})
    assert trickle.seconds >= 4


def test_answers_in_time_are_read_whole(trickle: Trickle) -> None:
    trickle.start, trickle.drop = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole", b""
    client = HttpClient(ticks=trickle.ticks)
    assert [client.get(trickle.url, {}, {}).content for _ in range(2)] == [b"whole", b"whole"]


def test_stripe_s_sdk_waits_no_longer_than_all_others(trickle: Trickle) -> None:
    api = StripeApi(lambda: "sk_test", trickle.url.removesuffix("/slow"), HttpClient(ticks=trickle.ticks))
    with pytest.raises(Retryable, match="ReadTimeoutError"):
        api.get("/v1/invoices/in_1")
    assert 20 <= trickle.seconds < 100_000
    assert trickle.requests == 1


def test_stripe_is_not_asked_when_no_time_is_left(trickle: Trickle) -> None:
    api = StripeApi(lambda: "sk_test", trickle.url.removesuffix("/slow"), HttpClient(time_left=lambda: 6.5, ticks=trickle.ticks))
    with pytest.raises(Retryable, match="no time left"):
        api.post("/v1/invoices/in_1", {"metadata": {"note": "sent"}}, "key")
    assert trickle.requests == 0
