"""Sixty virtual days in the local cloud: every sample delivered as a signed webhook, the clock moved, and the result read back."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import quote

from dunning.config import PACKAGED_POLICIES
from infra.demo.ledger import Ledger, balance
from infra.demo.shapes import Case, Message, Watcher, read_case, read_outbox
from infra.local.http.api import LocalApi
from infra.local.http.wire import Request, rfc3339
from infra.local.running import running_cloud
from infra.samples.book import BOOK
from infra.samples.story import Delivery, Silence, tell
from infra.samples.stripe_objects import customer_id, encode

STEP = timedelta(days=1)
"""Time moves a day at a time, or to the next thing that happens outside, whichever comes first."""


class DemoFailed(Exception):
    """The local cloud refused something that it should take."""


def drive(start: datetime, days: int, watch: Watcher) -> Ledger:
    """Run the samples from `start` (UTC) for so many days; `watch` is told the virtual time and what went out so far, once a day.

    Raises DemoFailed when the cloud refuses a webhook or a move of its clock.
    """
    story, end = tell(start), start + timedelta(days=days)
    with running_cloud(start, outer_env={}) as running:
        talk = _Talk(running.api)
        talk.ask("PUT", "/_local/policies/standard", thanking_policy().encode())
        for at in _stops(start, end, (moment.at for moment in story.moments)):
            talk.move_to(at)
            for moment in story.moments:
                if moment.at == at:
                    talk.tell(moment)
            if (at - start) % STEP == timedelta(0):
                watch(at, talk.outbox())
        return balance(story, BOOK, talk.outbox(), talk.cases(), start, end)


def thanking_policy() -> str:
    """The shipped `standard` plan, with a thank-you for who pays after a reminder."""
    return (PACKAGED_POLICIES / "standard.yaml").read_text() + "\non_paid: {email: thank_you}\n"


def _stops(start: datetime, end: datetime, moments: Iterable[datetime]) -> list[datetime]:
    days = (start + n * STEP for n in range((end - start) // STEP + 1))
    return sorted({*days, *(at for at in moments if at <= end)})


class _Talk:
    """The control interface and the webhook route, asked without a socket."""

    def __init__(self, api: LocalApi) -> None:
        self._api = api

    def move_to(self, at: datetime) -> None:
        self.ask("POST", "/_local/clock", json.dumps({"to": rfc3339(at)}).encode())

    def tell(self, moment: Delivery | Silence) -> None:
        match moment:
            case Delivery():
                webhook = moment.signed()
                self.ask("POST", "/webhooks/stripe", webhook.body, webhook.headers)
            case Silence():
                self.ask("PUT", f"/_local/provider/stripe/invoices/{moment.invoice}", encode(moment.obj))

    def outbox(self) -> tuple[Message, ...]:
        return read_outbox(json.loads(self.ask("GET", "/_local/outbox")))

    def cases(self) -> list[Case]:
        customers = dict.fromkeys(f"stripe:{customer_id(sample.customer)}" for sample in BOOK)
        return [read_case(customer, json.loads(self.ask("GET", f"/_local/cases/{quote(customer)}"))) for customer in customers]

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
        lowered = {name.lower(): value for name, value in (headers or {"Content-Type": "application/json"}).items()}
        answer = self._api.answer(Request(method, path, "", lowered, body))
        if answer.status >= 300:
            raise DemoFailed(f"{method} {path} was answered {answer.status}: {answer.body.decode(errors='replace')}")
        return answer.body
