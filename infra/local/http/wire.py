"""One HTTP/1.1 server for everything local: a request in, an answer out, each answer in a single write.

Bound to 127.0.0.1 only. A body is read whole before the application sees it, because an answer to a half-read request
reaches the client as a broken connection.
"""

import json
import socket
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from http import HTTPStatus
from http.client import responses
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

ADDRESS = "127.0.0.1"
LARGEST_BODY = 10 * 1024 * 1024
_CHUNK = 64 * 1024
_DRAINED_AT_MOST = 8 * LARGEST_BODY
_OURS = frozenset({"content-length", "connection", "date"})


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came: the path still percent-encoded, header names in lower case, the query without its `?`."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. Content-Length is added on the way out."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Application = Callable[[Request], Answer]


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON answer; instants become RFC 3339 with `Z`, text stays readable (no ASCII escapes)."""
    body = json.dumps(value, ensure_ascii=False, default=_plain).encode("utf-8", "replace") + b"\n"
    return Answer(status, body, {"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in an answer")


def rfc3339(instant: datetime) -> str:
    """An instant in UTC with `Z`, fractions only where there are any."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


_BROKEN = json_answer({"error": "the local cloud broke on this request; its terminal shows where"}, HTTPStatus.INTERNAL_SERVER_ERROR)


def html_answer(html: str) -> Answer:
    """A page."""
    return Answer(200, html.encode(), {"Content-Type": "text/html; charset=utf-8"})


class BodyRefusedError(Exception):
    """The body cannot be taken: the status to answer with, and why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Server(socketserver.ThreadingTCPServer):
    """A threaded server of one application. It takes its port at once, and refuses connections until `start`."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        """Take the port (0: any free one). Raises OSError when it is in use."""
        self.application: Application = lambda _request: _BROKEN
        self._thread: threading.Thread | None = None
        self.connections: set[socket.socket] = set()
        super().__init__((ADDRESS, port), _Handler, bind_and_activate=False)
        try:
            self.server_bind()
        except OSError:
            self.server_close()
            raise

    @property
    def port(self) -> int:
        """The port taken."""
        return int(self.socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://{ADDRESS}:{self.port}"

    def start(self, application: Application) -> None:
        """Listen, and let the application answer, on threads of its own. Raises OSError when somebody else listens here by now."""
        self.application = application
        self.server_activate()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more requests and give the port back; harmless when it never started."""
        if self._thread:
            self.shutdown()
        self.server_close()
        for connection in tuple(self.connections):  # kept open for a next request; what is being answered still is
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RD)

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """A client that hangs up is no error of ours; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "dunning-local"
    sys_version = ""
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        """A connection begins."""
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        """It ends."""
        self.server.connections.discard(self.connection)
        super().finish()

    def serve(self) -> None:
        """Read one request whole, and answer it."""
        try:
            body = self._body()
        except BodyRefusedError as exc:
            self.close_connection = True
            self._send(json_answer({"error": str(exc)}, exc.status))
            return
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = _BROKEN
        try:
            answer = self.server.application(Request(self.command, parts.path, parts.query, headers, body))
        finally:
            self._send(answer)

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunked_body()
        text = self.headers.get("Content-Length", "0")
        if not text.isdecimal():
            raise BodyRefusedError(HTTPStatus.BAD_REQUEST, f"Content-Length {text!r} is no number")
        length = int(text)
        if length > LARGEST_BODY:
            self._drain(min(length, _DRAINED_AT_MOST))
            raise _too_large()
        body = self.rfile.read(length)
        if len(body) < length:
            raise BodyRefusedError(HTTPStatus.BAD_REQUEST, f"the body ended after {len(body)} of {length} bytes")
        return body

    def _chunked_body(self) -> bytes:
        chunks: list[bytes] = []
        total = 0
        while size := self._chunk_size():
            total += size
            if total > _DRAINED_AT_MOST:
                raise _too_large()
            chunk = self.rfile.read(size)
            self.rfile.readline(_CHUNK)
            if total <= LARGEST_BODY:
                chunks.append(chunk)
        while self.rfile.readline(_CHUNK).strip():
            continue
        if total > LARGEST_BODY:
            raise _too_large()
        return b"".join(chunks)

    def _chunk_size(self) -> int:
        line = self.rfile.readline(_CHUNK).split(b";")[0].strip()
        try:
            return int(line, 16)
        except ValueError:
            raise BodyRefusedError(HTTPStatus.BAD_REQUEST, "a chunk of the body has no size") from None

    def _drain(self, length: int) -> None:
        while length > 0:
            read = len(self.rfile.read(min(length, _CHUNK)))
            if not read:
                return
            length -= read

    def _send(self, answer: Answer) -> None:
        reason = responses.get(answer.status, "")
        fields = {name: value for name, value in answer.headers.items() if name.lower() not in _OURS}
        fields |= {"Content-Length": str(len(answer.body)), "Date": self.date_time_string()}
        fields |= {"Connection": "close"} if self.close_connection else {}
        head = f"{self.protocol_version} {answer.status:d} {reason}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.wfile.write(head.encode("latin-1", "replace") + b"\r\n" + (b"" if self.command == "HEAD" else answer.body))

    def log_message(self, *_said: object) -> None:
        """Say nothing: the terminal belongs to whoever started us."""


for _method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
    setattr(_Handler, f"do_{_method}", _Handler.serve)


def _too_large() -> BodyRefusedError:
    return BodyRefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {LARGEST_BODY // 1024 // 1024} MB")
