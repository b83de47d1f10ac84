"""The sandboxes behind one port: which provider answers follows from the path, as their paths differ.

A provider joins by an entry in `_providers` and in `_PATHS`, and, if its webhooks tell what it holds, in `WEBHOOKS`.
"""

from collections.abc import Callable
from datetime import datetime

from infra.local.http.wire import Answer, Request, Server, json_answer
from infra.local.sandbox.provider import Provider
from infra.local.sandbox.quickbooks import QuickBooksSandbox
from infra.local.sandbox.stripe import StripeSandbox
from infra.local.sandbox.xero import XeroSandbox

WEBHOOKS = {"/webhooks/stripe": "stripe"}
_PATHS = {
    "/v1/": "stripe",
    "/v2/": "stripe",
    "/invoice/": "stripe",
    "/v3/company/": "quickbooks",
    "/oauth2/": "quickbooks",
    "/connect/oauth2": "quickbooks",
    "/api.xro/": "xero",
    "/connect/": "xero",
    "/connections": "xero",
    "/identity/": "xero",
}


class ProviderSandbox:
    """The providers, over HTTP on 127.0.0.1. It never waits for the local cloud: a function asks while its request is served."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        """`clock` is the virtual time (UTC); it is first asked when the first request or webhook comes."""
        self._stripe = StripeSandbox(clock)
        sandboxes: tuple[Provider, ...] = (self._stripe, QuickBooksSandbox(clock), XeroSandbox(clock))
        self._providers = {sandbox.name: sandbox for sandbox in sandboxes}
        self._server = Server()

    @property
    def url(self) -> str:
        """The base that stands in for the providers' hosts."""
        return self._server.url

    def start(self) -> None:
        """Answer requests, on threads of its own."""
        self._server.start(self.answer)

    def stop(self) -> None:
        """Stop answering."""
        self._server.stop()

    def provider(self, source: str) -> Provider | None:
        """A source's sandbox; None when there is none."""
        return self._providers.get(source)

    def customers(self) -> list[str]:
        """Full ids (`stripe:cus_…`) of the customers whose invoices are held."""
        return [f"{source}:{customer}" for source, provider in self._providers.items() for customer in provider.customers()]

    def observe(self, request: Request) -> None:
        """Let the provider whose webhook this is remember what it says."""
        source = WEBHOOKS.get(request.path) if request.method == "POST" else None
        if source:
            self._providers[source].observe(request.headers, request.body)

    def next_webhook(self) -> bytes | None:
        """The body of the next webhook that Stripe owes for what was written to it; None when it owes none."""
        return self._stripe.next_webhook()

    def answer(self, request: Request) -> Answer:
        """The answer of the provider whose path this is."""
        for prefix, source in _PATHS.items():
            if request.path.startswith(prefix):
                return self._providers[source].answer(request)
        return json_answer({"error": {"message": f"no provider answers {request.path}"}}, 404)
