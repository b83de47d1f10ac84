"""What an accounting provider and we share, in Secrets Manager: what a person enters, and beside it the tokens that we renew.

Apart from each other, so that a renewal never overwrites what a person is just entering:
    the app     {"client_id": "…", "client_secret": "…", "webhook_keys": ["…", up to two while one is rolled]}
    the tokens  an index, and a secret for each consent: providers.oauth_grants
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from dunning.domain.errors import Rejected, Retryable, Unauthorised
from dunning.providers.json_reading import JsonObject, parse_object, text
from dunning.providers.oauth_grants import Grant, Index, grant_text, index_text, read_grant, read_index

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_T = TypeVar("_T")
KEPT_FOR = timedelta(minutes=5)
FORCED_AT_MOST_EVERY = timedelta(minutes=1)
_A_PERSON_MUST_ACT = frozenset({"AccessDeniedException", "DecryptionFailure", "UnrecognizedClientException"})


class NeverFilled(Unauthorised):
    """There is no such secret, or nobody has put anything there: the template makes it empty."""


class Deleted(Unauthorised):
    """The secret is marked for deletion; until that is done it can be restored."""


@dataclass(frozen=True, slots=True)
class App:
    """Our registration with a provider."""

    client_id: str
    client_secret: str = field(repr=False)
    webhook_keys: tuple[str, ...] = field(repr=False)


class ProviderSecrets:
    """Reads these secrets, writes the tokens, makes and deletes none. Never logs, and no error quotes them.

    Raises Unauthorised when a secret is missing, barred or misshapen, Retryable when Secrets Manager does not answer.
    """

    def __init__(self, client: "SecretsManagerClient", app_id: str, index_id: str, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._app_id = app_id
        self._index_id = index_id
        self._clock = clock
        self._app: tuple[App, datetime] | None = None

    def app(self) -> App:
        """Our registration, read again after five minutes."""
        if self._app is None or self._clock() >= self._app[1] + KEPT_FOR:
            return self._read_app()
        return self._app[0]

    def webhook_keys(self, *, force: bool = False) -> tuple[str, ...]:
        """The signing keys. `force` reads them anew, at most once a minute: a signature that fails may mean they were rolled."""
        is_old = self._app is not None and self._clock() >= self._app[1] + FORCED_AT_MOST_EVERY
        return (self._read_app() if force and is_old else self.app()).webhook_keys

    def index(self) -> Index:
        """Which consents there are now; none before the first connection."""
        try:
            return read_index(self._content(self._index_id))
        except NeverFilled:
            return Index(())

    def grant(self, secret: str) -> Grant | None:
        """The tokens in a consent's own secret, as they are now; None where they are not there (any more)."""
        try:
            return read_grant(self._content(secret))
        except (NeverFilled, Deleted):
            return None

    def store_index(self, index: Index) -> None:
        """Keep the index."""
        self._put(self._index_id, index_text(index))

    def store_grant(self, secret: str, grant: Grant) -> None:
        """Keep a consent's tokens. Retryable, too, when another consent has taken its place meanwhile."""
        try:
            self._put(secret, grant_text(grant))
        except (NeverFilled, Deleted) as exc:
            raise Retryable(f"secret {secret} is gone: another consent took its place", self._clock()) from exc

    def _read_app(self) -> App:
        content = self._content(self._app_id)
        keys = content.get("webhook_keys")
        client_id, client_secret = text(content, "client_id"), text(content, "client_secret")
        if client_id is None or client_secret is None or not isinstance(keys, list):
            raise Unauthorised(f"secret {self._app_id} must hold client_id, client_secret and a list of webhook_keys")
        app = App(client_id, client_secret, tuple(key.strip() for key in keys if isinstance(key, str) and key.strip()))
        self._app = app, self._clock()
        return app

    def _content(self, secret_id: str) -> JsonObject:
        raw = asked(secret_id, lambda: self._client.get_secret_value(SecretId=secret_id)["SecretString"])
        try:
            return parse_object(raw.encode(), f"secret {secret_id}")
        except Rejected:
            # The cause would carry the secret's text into a traceback.
            raise Unauthorised(f"secret {secret_id} is not a JSON object") from None

    def _put(self, secret_id: str, value: str) -> None:
        asked(secret_id, lambda: self._client.put_secret_value(SecretId=secret_id, SecretString=value))


def asked(secret_id: str, call: Callable[[], _T]) -> _T:
    """What Secrets Manager answers. Raises NeverFilled, Deleted, Unauthorised, Retryable."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return call()
    except ClientError as exc:
        code = exc.response.get("Error", {}).get("Code", "")
        if code == "ResourceNotFoundException":
            raise NeverFilled(f"secret {secret_id} holds nothing yet: fill it") from exc
        if code == "InvalidRequestException":
            raise Deleted(f"secret {secret_id} cannot be used ({code}): it is marked for deletion, restore it") from exc
        if code in _A_PERSON_MUST_ACT:
            raise Unauthorised(f"secret {secret_id} cannot be used ({code}): fill it, and let this role or person use it") from exc
        raise Retryable(f"Secrets Manager did not answer for {secret_id} ({code})") from exc
    except BotoCoreError as exc:
        raise Retryable(f"Secrets Manager did not answer for {secret_id} ({type(exc).__name__})") from exc
