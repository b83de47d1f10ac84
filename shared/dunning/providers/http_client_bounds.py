"""An end to every answer: urllib3 bounds each wait for a byte, and who sends a byte now and then would be read for ever."""

import io
from collections.abc import Callable
from http.client import HTTPResponse
from socket import socket
from typing import TYPE_CHECKING

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from dunning.providers.http_client import TIMES_ITS_SILENCE

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class _UntilItsEnd(io.RawIOBase):
    """What a socket brings until an instant of `ticks` (seconds); raises TimeoutError then."""

    def __init__(self, sock: socket, raw: io.RawIOBase, ticks: Callable[[], float]) -> None:
        self._sock, self._raw, self._ticks = sock, raw, ticks
        self._silence = sock.gettimeout() or 0.0
        self._end = ticks() + TIMES_ITS_SILENCE * self._silence

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        """The next bytes."""
        left = self._end - self._ticks()
        if left <= 0:
            raise TimeoutError("the answer takes too long")
        self._sock.settimeout(min(self._silence, left))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """With the socket's own file."""
        self._raw.close()
        super().close()


def bounded_pools(ticks: Callable[[], float]) -> PoolManager:
    """Connections whose answers end. One attempt each, no redirect followed unless asked for."""

    class Answer(HTTPResponse):
        def __init__(self, sock: socket, debuglevel: int = 0, method: str | None = None, url: str | None = None) -> None:
            super().__init__(sock, debuglevel, method, url)
            raw = self.fp.detach()
            self.fp = io.BufferedReader(_UntilItsEnd(sock, raw, ticks))

    class Plain(HTTPConnection):
        response_class = Answer

    class Secure(HTTPSConnection):
        response_class = Answer

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    pools = PoolManager(maxsize=10, retries=False)
    pools.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}
    return pools
