"""The Stripe-Signature header: HMAC-SHA256 over "{timestamp}.{raw body}" (stripe-python, `_webhook.py`).

Standard library only: importing stripe would cost more than the whole verification.
"""

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

from dunning.domain.errors import Rejected

TOLERANCE = timedelta(seconds=300)


def verify(raw: bytes, header: str | None, secrets: Sequence[str], now: datetime, tolerance: timedelta = TOLERANCE) -> None:
    """Return only if one of the secrets signed this body within the tolerance, before or after `now`.

    Several `v1` signatures and several secrets are tried, because secrets are rolled. Raises Rejected. Stripe's own SDK lets
    a timestamp of the future pass; this does not, so that a captured request cannot be kept for later.
    """
    if not header:
        raise Rejected("the Stripe-Signature header is missing: only Stripe may call this address")
    timestamp, signatures = _parse(header)
    signed = b"%d." % timestamp + raw
    expected = [hmac.digest(secret.encode(), signed, "sha256").hex().encode() for secret in secrets if secret.strip()]
    if not any(hmac.compare_digest(ours, theirs) for ours in expected for theirs in signatures):
        raise Rejected("no v1 signature matches: compare the endpoint's signing secret in Stripe with the one in Secrets Manager")
    if timestamp < (now - tolerance).timestamp():
        raise Rejected(f"the signature is more than {tolerance.total_seconds():.0f} s old: it may be a replay")
    if timestamp > (now + tolerance).timestamp():
        raise Rejected(f"the signature is more than {tolerance.total_seconds():.0f} s ahead of our clock")


def _parse(header: str) -> tuple[int, list[bytes]]:
    pairs = [item.split("=", 2) for item in header.split(",")]
    try:
        timestamp = int(next(pair[1] for pair in pairs if pair[0] == "t"))
        signatures = [pair[1].encode(errors="replace") for pair in pairs if pair[0] == "v1"]
    except (StopIteration, IndexError, ValueError) as exc:
        raise Rejected("the Stripe-Signature header is malformed: expected t=<unix seconds>,v1=<hex>") from exc
    if not signatures:
        raise Rejected("the Stripe-Signature header holds no v1 signature")
    return timestamp, signatures
