"""One request of Stripe's: verified, then read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dunning.domain.errors import Rejected
from dunning.providers.stripe_events import read_event
from dunning.providers.stripe_signature import verify

if TYPE_CHECKING:
    from dunning.providers.secrets import StripeSecrets
    from dunning.workflow.source_events import SourceEvent


@dataclass(frozen=True, slots=True)
class StripeWebhook:
    """Turns a raw body and its signature header into what it means."""

    secrets: StripeSecrets
    clock: Callable[[], datetime]

    def read(self, raw: bytes, signature: str | None) -> SourceEvent:
        """Raises Rejected for what is forged, stale, tampered with or no event; Retryable when the secrets cannot be read."""
        try:
            verify(raw, signature, self.secrets.webhook_secrets(), self.clock())
        except Rejected:
            # The secret may have been rolled since it was cached; the reader limits how often it looks again.
            verify(raw, signature, self.secrets.webhook_secrets(force=True), self.clock())
        return read_event(raw)
