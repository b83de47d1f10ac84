"""What an accounting provider and we share, in Secrets Manager: what a person enters, and beside it the tokens that we renew.

Two secrets a provider, so that a renewal never overwrites what a person is just entering:
    the app     {"client_id": "…", "client_secret": "…", "webhook_keys": ["…", up to two while one is rolled]}
    the tokens  {"grants": [{"accounts": ["…"], "refresh_token": "…", "access_token": "…", "expires_at": "2026-03-02T08:00:00Z"}]}
A grant is what one consent gave; Xero's covers all the tenants that were ticked, and these must share it, for it renews as one.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from dunning.domain.errors import Rejected, Retryable, Unauthorised
from dunning.providers.json_reading import JsonObject, iso_instant, items, parse_object, text

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_T = TypeVar("_T")
KEPT_FOR = timedelta(minutes=5)
FORCED_AT_MOST_EVERY = timedelta(minutes=1)
_A_PERSON_MUST_ACT = frozenset({"AccessDeniedException", "DecryptionFailure", "InvalidRequestException", "UnrecognizedClientException"})


class _NeverFilled(Unauthorised):
    """The template made the secret, and nobody has put anything there."""


@dataclass(frozen=True, slots=True)
class App:
    """Our registration with a provider."""

    client_id: str
    client_secret: str = field(repr=False)
    webhook_keys: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one consent gave: the companies or tenants, and the tokens that open them. `expires_at` (UTC): of the access token."""

    accounts: tuple[str, ...]
    refresh_token: str = field(repr=False)
    access_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None

    def valid_until(self, instant: datetime) -> str | None:
        """The access token, if it is still good at this instant."""
        return self.access_token if self.expires_at is not None and self.expires_at > instant else None


@dataclass(frozen=True, slots=True)
class Grants:
    """All grants of one provider."""

    grants: tuple[Grant, ...]

    @property
    def accounts(self) -> tuple[str, ...]:
        """Every connected company or tenant, in a steady order."""
        return tuple(sorted({account for grant in self.grants for account in grant.accounts}))

    def of(self, account: str) -> Grant | None:
        """The grant that opens an account; the last one, should a person have consented twice."""
        return next((grant for grant in reversed(self.grants) if account in grant.accounts), None)

    def renewed(self, old: Grant, new: Grant) -> "Grants":
        """With one grant in another's place."""
        return replace(self, grants=tuple(new if grant == old else grant for grant in self.grants))


class ProviderSecrets:
    """Reads both secrets, writes the tokens. Never logs, and no error quotes them.

    Raises Unauthorised when a secret is missing, barred or misshapen, Retryable when Secrets Manager does not answer.
    """

    def __init__(self, client: "SecretsManagerClient", app_id: str, tokens_id: str, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._app_id = app_id
        self._tokens_id = tokens_id
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

    def grants(self) -> Grants:
        """The tokens as they are now; none before the first connection."""
        try:
            content = self._content(self._tokens_id)
        except _NeverFilled:
            return Grants(())
        return Grants(tuple(grant for found in items(content, "grants") if (grant := _grant(found)) is not None))

    def store(self, grants: Grants) -> None:
        """Keep the tokens. Raises Retryable, Unauthorised."""
        written = [
            {
                "accounts": list(grant.accounts),
                "refresh_token": grant.refresh_token,
                "access_token": grant.access_token,
                "expires_at": grant.expires_at.astimezone(UTC).isoformat() if grant.expires_at else None,
            }
            for grant in grants.grants
        ]
        value = json.dumps({"grants": written})
        self._ask(self._tokens_id, lambda: self._client.put_secret_value(SecretId=self._tokens_id, SecretString=value))

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
        raw = self._ask(secret_id, lambda: self._client.get_secret_value(SecretId=secret_id)["SecretString"])
        try:
            return parse_object(raw.encode(), f"secret {secret_id}")
        except Rejected:
            # The cause would carry the secret's text into a traceback.
            raise Unauthorised(f"secret {secret_id} is not a JSON object") from None

    def _ask(self, secret_id: str, call: Callable[[], _T]) -> _T:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return call()
        except ClientError as exc:
            code = exc.response.get("Error", {}).get("Code", "")
            if code == "ResourceNotFoundException":
                raise _NeverFilled(f"secret {secret_id} holds nothing yet: fill it") from exc
            if code in _A_PERSON_MUST_ACT:
                raise Unauthorised(f"secret {secret_id} cannot be used ({code}): fill it, and let this function's role use it") from exc
            raise Retryable(f"Secrets Manager did not answer for {secret_id} ({code})") from exc
        except BotoCoreError as exc:
            raise Retryable(f"Secrets Manager did not answer for {secret_id} ({type(exc).__name__})") from exc


def _grant(found: JsonObject) -> Grant | None:
    accounts, refresh_token = found.get("accounts"), text(found, "refresh_token")
    if not isinstance(accounts, list) or refresh_token is None:
        return None
    named = tuple(account for account in accounts if isinstance(account, str) and account)
    return Grant(named, refresh_token, text(found, "access_token"), iso_instant(found, "expires_at"))
