"""Taking the provider's answer: on a port of this machine, or pasted by hand where the provider takes no such address."""

import threading
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from dunning.domain.errors import Rejected
from infra.connect.consent import Query, query_of

PATH = "/callback"
_PAGE = b"<!doctype html><title>dunning</title><p>Thank you. You may close this window and go back to the terminal.</p>"


class Loopback:
    """Listens on 127.0.0.1 for one answer. `port` 0: any free one. Raises Rejected when the port is taken."""

    def __init__(self, port: int, seconds: float, show: Callable[[str], object] = webbrowser.open) -> None:
        self._seconds = seconds
        self._show = show
        self._answered = threading.Event()
        self._query: Query = {}
        taker = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                is_answer = urlsplit(self.path).path == PATH
                self.send_response(200 if is_answer else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                if is_answer:
                    self.wfile.write(_PAGE)
                    taker.take(query_of(self.path))

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Say nothing: the address holds the code."""

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as exc:
            raise Rejected(f"port {port} is taken: end what listens there, or give --port and register that address") from exc

    @property
    def redirect_uri(self) -> str:
        """What must be registered with the app."""
        return f"http://localhost:{self._server.server_port}{PATH}"

    def take(self, query: Query) -> None:
        """The first answer counts."""
        if not self._answered.is_set():
            self._query = query
            self._answered.set()

    def __call__(self, address: str) -> Query:
        """Show the address, wait for the answer. Raises Rejected when none comes."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            print(f"Opening your browser. If it does not open, go to:\n{address}\n", flush=True)
            self._show(address)
            if not self._answered.wait(self._seconds):
                raise Rejected(f"nobody consented within {self._seconds:.0f} seconds: run the command again")
            return self._query
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


@dataclass(frozen=True, slots=True)
class Pasted:
    """Where the app's redirect address lies elsewhere (Intuit takes only https for production apps): the person pastes what came."""

    redirect_uri: str
    read: Callable[[str], str] = input

    def __call__(self, address: str) -> Query:
        """Show the address, read the answer. Raises Rejected when it is none."""
        print(f"Go to this address and consent:\n{address}\n", flush=True)
        try:
            pasted = self.read("Then paste the whole address that the browser ended at: ").strip()
        except EOFError as exc:
            raise Rejected("no address was pasted: run the command again, in a terminal") from exc
        if not pasted.startswith(self.redirect_uri):
            raise Rejected(f"that is not an address below {self.redirect_uri}: run the command again")
        return query_of(pasted)
