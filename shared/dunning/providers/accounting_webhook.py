"""One request of QuickBooks' or Xero's: verified, then read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dunning.providers.webhook_signature import BadSignature, raw_body, verify

if TYPE_CHECKING:
    from dunning.providers.oauth_secrets import ProviderSecrets
    from dunning.workflow.ports import SyncRequest

Reader = Callable[[bytes, datetime], "tuple[SyncRequest, ...]"]


@dataclass(frozen=True, slots=True)
class AccountingWebhook:
    """Turns a body and its signature into what must be looked at. `signature_header` is in lower case."""

    secrets: ProviderSecrets
    signature_header: str
    read: Reader
    clock: Callable[[], datetime]

    def receive(self, body: str | None, signature: str | None, *, is_base64: bool) -> tuple[SyncRequest, ...]:
        """Raises BadSignature for what the provider did not sign, Rejected for what is no webhook, Retryable without the keys."""
        raw = raw_body(body, is_base64=is_base64)
        try:
            verify(raw, signature, self.secrets.webhook_keys())
        except BadSignature:
            # The key may have been rolled since it was cached; the reader limits how often it looks again.
            verify(raw, signature, self.secrets.webhook_keys(force=True))
        return self.read(raw, self.clock())
