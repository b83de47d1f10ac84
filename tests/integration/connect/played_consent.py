"""A provider that asks for consent, played on 127.0.0.1, and the browser of the person who is asked."""

import hashlib
import json
import threading
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

Query = dict[str, str]


class PlayedConsent:
    """`answers` is what the browser is sent back with, beside the right state; `tenants` are what was ticked."""

    def __init__(self) -> None:
        self.answers: Query = {"code": "the-code"}
        self.tenants = ["t-1", "t-2"]
        self.asked: Query = {}
        self.exchanges: list[Query] = []
        self.token_status = 200
        self.gives_refresh_token = True
        played = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                rows = [{"id": f"c-{tenant}", "tenantId": tenant, "tenantType": "ORGANISATION"} for tenant in played.tenants]
                is_ours = self.headers["Authorization"] == "Bearer access-1"
                self.reply(200 if is_ours else 401, [*rows, {"tenantId": "practice", "tenantType": "PRACTICE"}])

            def do_POST(self) -> None:
                form = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.reply(*played.exchanged(form, self.headers["Authorization"]))

            def reply(self, status: int, content: object) -> None:
                body = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["PlayedConsent"]:
        """Serve until left."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def exchanged(self, form: str, authorization: str) -> tuple[int, Mapping[str, object]]:
        """The token endpoint: the right app, the code once, the same redirect address, and the verifier of the challenge."""
        given = {name: values[-1] for name, values in parse_qs(form).items()}
        self.exchanges.append(given)
        if self.token_status != 200 or b64decode(authorization.removeprefix("Basic ")) != b"app:app-secret":
            return self.token_status if self.token_status != 200 else 401, {"error": "invalid_client"}
        challenge = self.asked.get("code_challenge")
        proves = urlsafe_b64encode(hashlib.sha256(given.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if given["code"] != "the-code" or given["redirect_uri"] != self.asked["redirect_uri"] or (challenge and challenge != proves):
            return 400, {"error": "invalid_grant"}
        refresh = {"refresh_token": "refresh-1"} if self.gives_refresh_token else {}
        return 200, {"access_token": "access-1", "expires_in": 1800, "token_type": "Bearer", **refresh}

    def browser(self, address: str) -> None:
        """The person consents, or not: the browser is sent back at once."""
        url = urlsplit(address)
        self.asked = {name: values[-1] for name, values in parse_qs(url.query).items()}
        answer = {"state": self.asked["state"], **self.answers}
        threading.Thread(target=self._back, args=(f"{self.asked['redirect_uri']}?{urlencode(answer)}",)).start()

    def _back(self, address: str) -> None:
        url = urlsplit(address)
        connection = HTTPConnection("127.0.0.1", url.port, timeout=5)
        connection.request("GET", f"{url.path}?{url.query}")
        connection.getresponse().read()
        connection.close()
