"""Credentials of the providers, read from Secrets Manager when first needed and kept for five minutes. Never logged."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError

from dunning.domain.errors import Rejected, Retryable, Unauthorised
from dunning.providers.json_reading import parse_object, text

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

MAX_AGE_SECONDS = 300
FORCED_AT_MOST_EVERY = timedelta(minutes=1)
_SHAPE = '{"webhook_secrets": ["whsec_…"], "api_key": "sk_…"}'
_A_PERSON_MUST_ACT = frozenset(
    {"ResourceNotFoundException", "AccessDeniedException", "DecryptionFailure", "InvalidRequestException", "UnrecognizedClientException"}
)


@dataclass(frozen=True, slots=True)
class _StripeCredentials:
    webhook_secrets: tuple[str, ...]
    api_key: str


class StripeSecrets:
    """What Stripe and we share: up to two webhook secrets while one is rolled, and the API key.

    Raises Unauthorised when the secret is missing, barred or misshapen, Retryable when Secrets Manager does not answer.
    """

    def __init__(self, client: "SecretsManagerClient", secret_id: str, clock: Callable[[], datetime]) -> None:
        self._provider = SecretsProvider(boto3_client=client)
        self._secret_id = secret_id
        self._clock = clock
        self._read_last: datetime | None = None

    def webhook_secrets(self, *, force: bool = False) -> tuple[str, ...]:
        """The signing secrets. `force` reads them anew, at most once a minute: a signature that fails may mean they were rolled."""
        return self._credentials(force=force and self._may_force()).webhook_secrets

    def api_key(self) -> str:
        """The key for Stripe's API."""
        return self._credentials(force=False).api_key

    def _may_force(self) -> bool:
        """Forged requests must not be able to make us pay for a read each."""
        return self._read_last is None or self._clock() - self._read_last >= FORCED_AT_MOST_EVERY

    def _credentials(self, *, force: bool) -> _StripeCredentials:
        if force or self._read_last is None:
            self._read_last = self._clock()
        try:
            value = self._provider.get(self._secret_id, max_age=MAX_AGE_SECONDS, force_fetch=force)
        except GetParameterError as exc:
            raise self._unread(exc.__context__) from exc
        return self._parse(value)

    def _unread(self, cause: BaseException | None) -> Retryable:
        code = cause.response.get("Error", {}).get("Code", "") if isinstance(cause, ClientError) else type(cause).__name__
        if code in _A_PERSON_MUST_ACT:
            return Unauthorised(
                f"secret {self._secret_id} cannot be read ({code}): create it as {_SHAPE} and let this function's role read it"
            )
        return Retryable(f"Secrets Manager did not give {self._secret_id} ({code})")

    def _parse(self, value: object) -> _StripeCredentials:
        raw = value if isinstance(value, bytes) else str(value).encode()
        try:
            content = parse_object(raw, f"secret {self._secret_id}")
        except Rejected:
            # The cause would carry the secret's text into a traceback.
            raise self._misshapen("it is not a JSON object") from None
        listed = content.get("webhook_secrets")
        if not isinstance(listed, list) or not listed or not all(isinstance(secret, str) and secret.strip() for secret in listed):
            raise self._misshapen("webhook_secrets must be a list of one or two signing secrets")
        api_key = text(content, "api_key")
        if api_key is None:
            raise self._misshapen("api_key is missing")
        return _StripeCredentials(tuple(str(secret).strip() for secret in listed), api_key)

    def _misshapen(self, problem: str) -> Unauthorised:
        return Unauthorised(f"secret {self._secret_id}: {problem}; put {_SHAPE} there")
