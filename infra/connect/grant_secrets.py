"""The secrets of single consents: made and deleted with a person's credentials, for no function may."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dunning.identifiers import new_ulid
from dunning.providers.oauth_grants import Grant, grant_text
from dunning.providers.oauth_secrets import asked

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

RESTORABLE_DAYS = 7


@dataclass(frozen=True, slots=True)
class GrantSecrets:
    """Those of one stack and provider, whose names begin with `prefix`. Raises Unauthorised, Retryable."""

    client: "SecretsManagerClient"
    prefix: str
    clock: Callable[[], datetime]

    def make(self, grant: Grant) -> str:
        """Keep a consent's tokens in a new secret; its name."""
        name = self.prefix + new_ulid(self.clock())
        what = f"Tokens of one consent, for {', '.join(grant.accounts)}; made by `dunning connect`, renewed by the functions"[:2048]
        asked(name, lambda: self.client.create_secret(Name=name, Description=what, SecretString=grant_text(grant)))
        return name

    def delete(self, name: str) -> None:
        """Delete a secret; for a week it can be restored."""
        asked(name, lambda: self.client.delete_secret(SecretId=name, RecoveryWindowInDays=RESTORABLE_DAYS))
