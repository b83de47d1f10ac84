"""Drives `dunning up` as an outsider does: HTTP only, webhooks signed with the local secret."""

import hashlib
import hmac
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from tests.integration.end_to_end.forking import forks

Json = dict[str, Any]

ANY_HOUR = """
name: standard
timezone: UTC
send_window: {email: "00:00-24:00", sms: "00:00-24:00"}
minimum_balance: {default: "0.01"}
steps:
  - id: first
    at: {after_due: 7d, time: "09:00"}
    email: friendly
  - id: second
    at: {after_previous: 48h}
    email: second_notice
    sms: second_notice
  - id: escalate
    at: {after_previous: 72h}
    escalate: {team: collections}
"""


@dataclass
class LocalCloudOutside:
    """A running `dunning up`, reached over HTTP."""

    port: int
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def ask(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        raw = json.dumps(body) if isinstance(body, dict | list) else cast("str | None", body)
        connection = HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, raw, dict(headers or {}))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        try:
            return response.status, json.loads(content)
        except ValueError:
            return response.status, content.decode()

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self.ask("GET", "/_local/clock")[1]["now"])

    def advance(self, by: str) -> None:
        status, answer = self.ask("POST", "/_local/clock", {"advance": by})
        assert status == 200, answer

    def move_to(self, instant: str) -> None:
        status, answer = self.ask("POST", "/_local/clock", {"to": instant})
        assert status == 200, answer

    def put_policy(self, text: str, name: str = "standard") -> tuple[int, Any]:
        return self.ask("PUT", f"/_local/policies/{name}", text, {"content-type": "application/yaml"})

    def outbox(self, **wanted: str) -> list[Json]:
        rows: list[Json] = self.ask("GET", "/_local/outbox")[1]
        return [row for row in rows if all(row[name] == value for name, value in wanted.items())]

    def case(self, customer: str) -> Json:
        status, answer = self.ask("GET", f"/_local/cases/{quote(customer)}")
        assert status == 200, answer
        return cast("Json", answer)

    def calls(self, function: str) -> dict[str, int]:
        rows = self.ask("GET", "/_local/calls")[1]
        return {f"{row['service']}.{row['operation']}": row["count"] for row in rows if row["function"] == function}

    def fault(self, service: str, operation: str, mode: str, times: int = 1) -> None:
        body = {"service": service, "operation": operation, "mode": mode, "times": times}
        status, answer = self.ask("POST", "/_local/faults", body)
        assert status < 300, answer

    def event(self, kind: str, thing: Json, *, created: datetime | None = None, event_id: str | None = None) -> str:
        """A Stripe event as its body; `created` is now unless told."""
        stamp = int((created or self.now).timestamp())
        return json.dumps(
            {
                "id": event_id or f"evt_{next(self.numbers)}",
                "object": "event",
                "api_version": "2026-09-30.endive",
                "created": stamp,
                "type": kind,
                "data": {"object": thing},
                "livemode": False,
                "pending_webhooks": 1,
                "request": None,
            }
        )

    def deliver(self, body: str, *, secret: str = "whsec_local", at: datetime | None = None) -> int:
        """Post a body signed now; the status."""
        stamp = int((at or self.now).timestamp())
        mac = hmac.new(secret.encode(), f"{stamp}.{body}".encode(), hashlib.sha256).hexdigest()
        status, _ = self.ask(
            "POST", "/webhooks/stripe", body, {"stripe-signature": f"t={stamp},v1={mac}", "content-type": "application/json"}
        )
        return status

    def tell(self, kind: str, thing: Json, *, created: datetime | None = None) -> None:
        """Deliver an event that must be taken."""
        assert self.deliver(self.event(kind, thing, created=created)) == 200

    def stripe_says(self, invoice: Json) -> None:
        """Only the provider's sandbox learns this: a webhook that never came."""
        status, answer = self.ask("PUT", f"/_local/provider/stripe/invoices/{invoice['id']}", invoice)
        assert status < 300, answer


def invoice(number: str, due: str, **other: object) -> Json:
    """A finalised Stripe invoice of USD 120.00, due at noon of a day."""
    due_at = datetime.fromisoformat(f"{due}T12:00:00+00:00")
    found: Json = {
        "id": f"in_{number}",
        "object": "invoice",
        "amount_due": 12000,
        "amount_paid": 0,
        "amount_remaining": 12000,
        "currency": "usd",
        "customer": f"cus_{number}",
        "customer_email": f"pat{number}@example.com",
        "customer_name": "Pat Doe",
        "customer_phone": "+15550100",
        "customer_address": None,
        "collection_method": "send_invoice",
        "auto_advance": False,
        "created": int(due_at.timestamp()) - 30 * 86400,
        "due_date": int(due_at.timestamp()),
        "hosted_invoice_url": f"https://invoice.example/in_{number}",
        "invoice_pdf": None,
        "number": f"N-{number}",
        "status": "open",
        "total": 12000,
        "metadata": {},
        "livemode": False,
    }
    return {**found, **other}


def paid(found: Json) -> Json:
    """The same invoice, paid in full."""
    return {**found, "status": "paid", "amount_paid": found["amount_due"], "amount_remaining": 0}


@contextmanager
def dunning_up(start: str, port: int, log: Path) -> Iterator[LocalCloudOutside]:
    """`dunning up --no-samples` until the block ends."""
    command = [str(Path(sys.executable).with_name("dunning")), *_up(start, port)]
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT) as process:
        try:
            outside = LocalCloudOutside(port)
            _until_ready(outside, lambda: process.poll() is None, log)
            yield outside
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


@contextmanager
def forked_up(start: str, port: int, log: Path) -> Iterator[LocalCloudOutside]:
    """The same as `dunning_up`, quicker: a fork of a process that has read all code."""
    process = forks().start(_up(start, port), log)
    try:
        outside = LocalCloudOutside(port)
        _until_ready(outside, lambda: True, log)
        yield outside
    finally:
        status = forks().stop(process)
    assert status == 0, log.read_text()


def _up(start: str, port: int) -> list[str]:
    return ["up", "--port", str(port), "--start", start, "--no-samples"]


def _until_ready(outside: LocalCloudOutside, lives: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            outside.ask("GET", "/_local/clock")
        except OSError:
            if not lives():
                break
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"`dunning up` did not start: {log.read_text()}")
