"""What `dunning up` serves: the real cloud behind a port."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection

import pytest

from infra.local.serving import serve
from tests.integration.sandbox.stripe_account import START, T0, event, invoice, signature

POLICY = """
name: standard
timezone: UTC
send_window: {email: "00:00-24:00", sms: "00:00-24:00"}
minimum_balance: {default: "0.01"}
steps:
  - id: first
    at: {after_due: 1d, time: "09:00"}
    email: friendly
"""


@dataclass
class Up:
    """A served local cloud. `status` is the exit status, once it has ended."""

    port: int
    stop: threading.Event
    status: int | None = None

    def serve(self, ready: threading.Event) -> None:
        """Serve until told to stop."""
        self.status = serve(self.port, START, None, self.stop, samples=True, ready=ready.set)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, object]]:
        """A request, and the JSON object that comes back."""
        status, answer = self._answer(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        assert isinstance(answer, dict)
        return status, answer

    def rows(self, path: str) -> list[dict[str, object]]:
        """The array at an address."""
        _, answer = self._answer("GET", path, None, {})
        assert isinstance(answer, list)
        return answer

    def _answer(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, object]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, json.loads(content)


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        cloud = Up(free.getsockname()[1], threading.Event())
    ready = threading.Event()
    thread = threading.Thread(target=cloud.serve, args=(ready,))
    thread.start()
    assert ready.wait(60)
    yield cloud
    cloud.stop.set()
    thread.join(20)
    assert cloud.status == 0


def test_it_serves_a_signed_webhook_through_to_the_reminder(up: Up) -> None:
    assert up.ask("GET", "/_local/clock") == (200, {"now": "2026-03-02T08:00:00Z"})
    assert up.ask("PUT", "/_local/policies/standard", POLICY.encode())[0] == 200
    body = event("invoice.finalized", invoice(due_date=T0 + 86400, number="N-1", collection_method="send_invoice"))
    assert up.ask("POST", "/webhooks/stripe", body, stripe_signature=signature(body))[0] == 200
    assert up.ask("GET", "/_local/provider/stripe/invoices/in_1")[1]["amount_remaining"] == 12000
    status, moved = up.ask("POST", "/_local/clock", b'{"to": "2026-03-05T00:00:00Z"}')
    assert (status, moved["now"]) == (200, "2026-03-05T00:00:00Z")
    (mail,) = (row for row in up.rows("/_local/outbox") if (row["customer"], row["kind"]) == ("stripe:cus_1", "reminder"))
    assert (mail["channel"], mail["to"], mail["invoices"]) == ("email", ["pat@example.com"], ["in_1"])
    assert mail["sent_at"] == "2026-03-04T09:00:00Z"
    case = up.ask("GET", "/_local/cases/stripe:cus_1")[1]
    assert isinstance(case["activities"], list)
    assert [row["type"] for row in case["activities"]][:2] == ["enrolled", "sent"]


def test_the_samples_are_there_from_the_start(up: Up) -> None:
    assert {row["customer"] for row in up.rows("/_local/cases")} - {"stripe:cus_1"}


def test_a_policy_that_does_not_load_is_refused_by_step_and_field(up: Up) -> None:
    status, answer = up.ask("PUT", "/_local/policies/standard", POLICY.replace("friendly", "no_such").encode())
    assert status == 422
    for place in ("standard.yaml", "first", "email", "no_such"):
        assert place in str(answer["error"])


def test_an_unknown_case_is_404(up: Up) -> None:
    assert up.ask("GET", "/_local/cases/stripe:cus_none")[0] == 404
