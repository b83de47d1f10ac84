"""One attempt a call, and what its failure says about the message.

Decided on exception types, status codes and error codes, never on words:

| what happened | raised | because |
|---|---|---|
| no connection, no credentials | Refused | the request never left |
| throttled (its code, or 429) | Throttled, a Refused | surely not sent; it comes back behind those that were taken |
| another 4xx | Refused | surely not sent; a sandbox, a pause or a right can be mended while the timer waits |
| 4xx that faults this request's own content | Permanent | the same address or number is refused for ever; a person must look |
| 5xx, a time-out, a broken connection, an answer that cannot be read | OutcomeUnknown | it may have been sent |

SES says `MessageRejected` both for content and for an address that a sandbox account has not verified, so that one counts as Refused: it is
tried again later, and the caller's own count of retries ends it.
AWS's own words may hold an address, so no error of ours repeats or chains them.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProxyConnectionError,
)

from dunning.domain.errors import OutcomeUnknown, Permanent, Refused, Throttled

_NEVER_LEFT = (
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
)
_BAD_CONTENT = frozenset({"BadRequestException", "InvalidParameter", "InvalidParameterException", "ParameterValueInvalid", "OptedOut"})
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "Throttled", "TooManyRequestsException", "LimitExceededException"})


def one_attempt_config() -> Config:
    """How botocore must be set up for SES and SNS: its own retries would send a mail again whose answer was lost.

    The time-outs end a call well within the last minute of a claim.
    """
    return Config(retries={"total_max_attempts": 1, "mode": "standard"}, connect_timeout=3, read_timeout=15)


@contextmanager
def one_attempt(service: str) -> Iterator[None]:
    """Turn what a call raises into Refused, Permanent or OutcomeUnknown, as the table above says."""
    try:
        yield
    except ClientError as error:
        raise _answered(service, error) from None
    except ParamValidationError:
        raise Permanent(f"{service}: the request is not well formed: the message cannot be sent as it is") from None
    except _NEVER_LEFT as error:
        raise Refused(f"{service} was not reached: {type(error).__name__}") from None
    except BotoCoreError as error:
        raise OutcomeUnknown(f"{service} gave no answer: {type(error).__name__}") from None


def _answered(service: str, error: ClientError) -> Refused | Permanent | OutcomeUnknown:
    code = error.response.get("Error", {}).get("Code", "unknown")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    if code in _THROTTLED or status == 429:
        return Throttled(f"{service} is at its limit: {code}")
    if not 400 <= status < 500:
        return OutcomeUnknown(f"{service} failed: {code} (HTTP {status})")
    if code in _BAD_CONTENT:
        return Permanent(f"{service} refuses this address or message: {code}: mend the customer's contact, then release the case")
    return Refused(f"{service} refused: {code} (HTTP {status})")
