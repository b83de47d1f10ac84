import json
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from infra.local.http.api import LocalApi
from infra.local.http.wire import Server
from infra.local.sandbox.server import ProviderSandbox
from tests.integration.control.fake_cloud import FakeCases, FakeCloud


@dataclass
class Local:
    """The HTTP interface of a fake cloud, on a real port."""

    cloud: FakeCloud
    cases: FakeCases
    sandbox: ProviderSandbox
    server: Server
    page: Path

    def ask(self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None) -> tuple[int, object]:
        """A request, and the status and JSON that come back; what is no JSON comes back as bytes."""
        raw = body if isinstance(body, bytes | str | None) else json.dumps(body)
        response = self.open(method, path, raw, headers)
        content = response.read()
        try:
            return response.status, json.loads(content)
        except ValueError:
            return response.status, content

    def open(self, method: str, path: str, body: bytes | str | None = None, headers: dict[str, str] | None = None) -> HTTPResponse:
        """A request, and its response as it comes."""
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        connection.request(method, path, body.encode() if isinstance(body, str) else body, headers or {})
        return connection.getresponse()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Local]:
    cloud, cases = FakeCloud(), FakeCases()
    sandbox = ProviderSandbox(lambda: cloud.now)
    server = Server()
    server.start(LocalApi(cloud, sandbox, cases, page=tmp_path).answer)
    yield Local(cloud, cases, sandbox, server, tmp_path)
    server.stop()
    sandbox.stop()
