"""What QuickBooks and Xero have in common: base64(HMAC-SHA256(key, raw body)) in a header, bodies that name what changed."""

import base64
import binascii
import hmac
import json
from collections.abc import Sequence

from dunning.domain.errors import Rejected


class BadSignature(Rejected):
    """Not sent by the provider, or not with a key we know."""


def raw_body(body: str | None, *, is_base64: bool) -> bytes:
    """The bytes that were signed: API Gateway hands over in base64 what it does not take for text.

    Raises BadSignature for what is said to be base64 and is not: nobody signed that.
    """
    if not is_base64:
        return (body or "").encode()
    try:
        return base64.b64decode(body or "", validate=True)
    except ValueError as exc:
        raise BadSignature("the body is said to be base64 and is not") from exc


def verify(raw: bytes, signature: str | None, keys: Sequence[str]) -> None:
    """Return only if one of the keys signed this body; several, because keys are rolled. Raises BadSignature."""
    try:
        given = base64.b64decode((signature or "").strip(), validate=True)
    except (binascii.Error, ValueError):
        given = b""
    if not any(hmac.compare_digest(hmac.digest(key.encode(), raw, "sha256"), given) for key in keys if key):
        raise BadSignature("no key of ours made this signature: compare the provider's webhook key with the one in Secrets Manager")


def parse(raw: bytes, what: str) -> object:
    """The JSON in a body. Raises Rejected, naming `what`."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as exc:
        raise Rejected(f"{what} is not JSON") from exc
