"""AWS client errors become ours, once, here; decided by codes and types, never by words."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from botocore import exceptions as botocore_errors
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError

from dunning.domain.errors import DunningError, Permanent, Retryable

_RETRYABLE_CODES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "TransactionInProgressException",
        "TransactionConflictException",
        "InternalServerError",
        "LimitExceededException",
        "ServiceUnavailable",
        # Of one sandbox's credentials, which are renewed, or its clock; that a right is lacking is for a person.
        "ExpiredTokenException",
        "ExpiredToken",
        "RequestExpired",
    }
)


class ConditionFailed(DunningError):
    """A conditional write met another state; `item` is what it met (DynamoDB's notation, empty when there is none)."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        super().__init__("the condition of a write did not hold")
        self.item = item


class Cancelled(DunningError):
    """A transaction wrote nothing; one reason per item, in order."""

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        super().__init__("a transaction was cancelled")
        self.reasons = reasons


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Raise Retryable for throttling, 5xx, what has expired and the network, Permanent for other refusals. `what` names the attempt.

    A condition that did not hold is no failure: ConditionFailed and Cancelled are for the storage itself.
    """
    try:
        yield
    except ClientError as exc:
        code = error_code(exc)
        response = cast("Mapping[str, Any]", exc.response)
        if code == "ConditionalCheckFailedException":
            raise ConditionFailed(response.get("Item", {})) from exc
        if code == "TransactionCanceledException":
            raise Cancelled(response.get("CancellationReasons", [])) from exc
        status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        if code in _RETRYABLE_CODES or status >= 500:
            raise Retryable(f"{what}: {code}") from exc
        raise Permanent(f"{what}: {code}") from exc
    except (botocore_errors.ConnectionError, HTTPClientError) as exc:
        raise Retryable(f"{what}: {type(exc).__name__}") from exc


def error_code(exc: ClientError) -> str:
    """The service's code of an error."""
    return exc.response.get("Error", {}).get("Code", "Unknown")


def client_config() -> Config:
    """How clients of the table, the queues and the secrets are set up: quick, with the SDK's standard retries.

    Every write behind them is conditional or a message that may come twice, so the SDK may repeat what got no answer.
    """
    return Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=2, read_timeout=5)
