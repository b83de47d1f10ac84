from datetime import timedelta

import pytest
from stripe import WebhookSignature

from dunning.domain.errors import Rejected
from dunning.providers.stripe_webhook import StripeWebhook
from dunning.workflow.source_events import InvoiceSeen
from tests.unit.providers.secret_shelf import Shelf
from tests.unit.providers.stripe_payloads import body, event, invoice

BODY = body(event("invoice.finalized", invoice()))


def signed(shelf: Shelf, secret: str) -> str:
    return str(WebhookSignature.generate_signature_header(BODY.decode(), secret, timestamp=int(shelf.now.timestamp())))


def test_a_signed_event_is_read(shelf: Shelf) -> None:
    shelf.holds({"webhook_secrets": ["whsec_current"], "api_key": "sk_1"})
    webhook = StripeWebhook(shelf.reader(), lambda: shelf.now)
    assert isinstance(webhook.read(BODY, signed(shelf, "whsec_current")), InvoiceSeen)


def test_a_secret_rolled_since_it_was_cached_is_found_again(shelf: Shelf) -> None:
    shelf.holds({"webhook_secrets": ["whsec_current"], "api_key": "sk_1"})
    webhook = StripeWebhook(shelf.reader(), lambda: shelf.now)
    webhook.read(BODY, signed(shelf, "whsec_current"))
    shelf.holds({"webhook_secrets": ["whsec_rolled"], "api_key": "sk_1"})
    shelf.now += timedelta(minutes=2)
    assert isinstance(webhook.read(BODY, signed(shelf, "whsec_rolled")), InvoiceSeen)


def test_a_forged_event_is_rejected_before_it_is_read(shelf: Shelf) -> None:
    shelf.holds({"webhook_secrets": ["whsec_current"], "api_key": "sk_1"})
    webhook = StripeWebhook(shelf.reader(), lambda: shelf.now)
    with pytest.raises(Rejected, match="signature"):
        webhook.read(b"not even JSON", signed(shelf, "whsec_forged"))
