"""Everything the local cloud answers over HTTP, one request at a time."""

import mimetypes
import threading
from http import HTTPStatus
from pathlib import Path

from infra.local.http.cloud_port import CaseLog, Cloud
from infra.local.http.control import Control
from infra.local.http.wire import Answer, Request, html_answer, json_answer
from infra.local.sandbox.server import ProviderSandbox

PAGE = Path(__file__).parent.parent / "page"
_PAGE_PATH = "/_local/page/"
_NO_PAGE = "<!doctype html><title>dunning</title><p>The local cloud is up. Its control interface is under /_local.</p>\n"


class LocalApi:
    """The page at `/`, the control interface under `/_local`, and the product's own routes everywhere else.

    A turn is one request and all the work it makes due; the next request is served after it.
    """

    def __init__(self, cloud: Cloud, sandbox: ProviderSandbox, cases: CaseLog, page: Path = PAGE) -> None:
        self._cloud = cloud
        self._sandbox = sandbox
        self._control = Control(cloud, sandbox, cases)
        self._page = page
        self._turn = threading.Lock()

    def answer(self, request: Request) -> Answer:
        """Whatever is at the request's path."""
        if request.path == "/" and request.method in ("GET", "HEAD"):
            return self._static("index.html") or html_answer(_NO_PAGE)
        if request.path.startswith(_PAGE_PATH) and request.method in ("GET", "HEAD"):
            found = self._static(request.path.removeprefix(_PAGE_PATH))
            return found or json_answer({"error": f"no such file: {request.path}"}, HTTPStatus.NOT_FOUND)
        with self._turn:
            if request.path == "/_local" or request.path.startswith("/_local/"):
                return self._control.answer(request)
            return self._product(request)

    def _product(self, request: Request) -> Answer:
        """The product's answer. The provider knew before it told us: its sandbox hears a webhook first."""
        self._sandbox.observe(request)
        answer = self._cloud.request(request.method, request.path, request.query, request.headers, request.body)
        self._cloud.settle()
        return Answer(answer.status, answer.body, answer.headers)

    def _static(self, name: str) -> Answer | None:
        file = (self._page / name).resolve()
        if not file.is_relative_to(self._page.resolve()) or not file.is_file():
            return None
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        charset = "; charset=utf-8" if kind.startswith("text/") or kind.endswith(("javascript", "json")) else ""
        return Answer(HTTPStatus.OK, file.read_bytes(), {"Content-Type": kind + charset, "Cache-Control": "no-store"})
