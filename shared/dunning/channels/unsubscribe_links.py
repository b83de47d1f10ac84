"""Links by which a customer ends mail with one click (RFC 8058): signed, good for ninety days, each naming one customer.

The key lies in Secrets Manager, made by the stack itself: {"key": "…"}. Whoever changes it makes all links that are out invalid.
"""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from dunning.domain.errors import Refused, Rejected, Retryable

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

GOOD_FOR = timedelta(days=90)
_KEPT_FOR = timedelta(minutes=5)
_PURPOSE = b"unsubscribe:"
_INVALID = "the link is not one of ours, or was cut short: use the newest mail's"


class LinkKey:
    """The key, read when first needed and kept for five minutes."""

    def __init__(self, client: "SecretsManagerClient", secret_id: str, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._secret_id = secret_id
        self._clock = clock
        self._known: tuple[bytes, datetime] | None = None

    def __call__(self) -> bytes:
        """The key's bytes. Raises Retryable when it cannot be read."""
        now = self._clock()
        if self._known is None or now - self._known[1] > _KEPT_FOR:
            self._known = self._read(), now
        return self._known[0]

    def _read(self) -> bytes:
        try:
            content = json.loads(self._client.get_secret_value(SecretId=self._secret_id).get("SecretString", ""))
        except (ClientError, BotoCoreError) as exc:
            raise Retryable(f"Secrets Manager did not give {self._secret_id}") from exc
        except ValueError:
            content = None
        key = content.get("key") if isinstance(content, dict) else None
        if not isinstance(key, str) or len(key) < 16:
            raise Retryable(f'secret {self._secret_id}: put {{"key": "at least 16 letters and digits"}} there')
        return key.encode()


class SignedUnsubscribeLinks:
    """Makes and reads the links below `base_url` ("" for none). Implements `workflow.ports.UnsubscribeLinks`."""

    def __init__(self, key: Callable[[], bytes], base_url: str = "") -> None:
        self._key = key
        self._base_url = base_url.rstrip("/")

    def url(self, customer: str, now: datetime) -> str | None:
        """The link; None without a page. Raises Refused when the key cannot be had now: the mail waits for it."""
        if not self._base_url:
            return None
        payload = json.dumps([customer, int((now + GOOD_FOR).timestamp())], separators=(",", ":")).encode()
        try:
            mark = self._mark(payload)
        except Retryable as exc:
            raise Refused(str(exc)) from exc
        return f"{self._base_url}/u/{_text(payload)}.{_text(mark)}"

    def customer(self, token: str, now: datetime) -> str:
        """Whom a link names (the full id). Raises Rejected for one that is forged, cut short or too old, Retryable without the key."""
        payload, _, mark = token.partition(".")
        raw, given = _bytes(payload), _bytes(mark)
        if not hmac.compare_digest(self._mark(raw), given):
            raise Rejected(_INVALID)
        try:
            customer, until = json.loads(raw)
            expires = datetime.fromtimestamp(int(until), UTC)
        except (ValueError, TypeError, OverflowError) as exc:
            raise Rejected(_INVALID) from exc
        if expires < now:
            raise Rejected("the link is too old: use the newest mail's, or answer to it")
        return str(customer)

    def _mark(self, payload: bytes) -> bytes:
        return hmac.digest(self._key(), _PURPOSE + payload, "sha256")


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as exc:
        raise Rejected(_INVALID) from exc
