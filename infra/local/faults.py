"""What goes wrong on purpose: the next attempts of a call fail in a chosen way."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import botocore.session
from botocore.exceptions import UnknownServiceError

from dunning.domain.errors import Rejected
from infra.local.moto_door import Reply, json_reply


class FaultMode(StrEnum):
    """How an attempt fails."""

    ERROR = "error"  # HTTP 500, nothing happened
    LOST = "lost"  # it happened; the answer was lost on the wire
    THROTTLE = "throttle"  # the service's own refusal, nothing happened
    CRASH = "crash"  # it happened; then the invocation dies


@dataclass(frozen=True, slots=True)
class Aim:
    """Which attempts a fault waits for: those of one function only, of which it lets the first `spared` pass."""

    function: str
    spared: int = 0


@dataclass(slots=True)
class _Fault:
    service: str
    operation: str
    mode: FaultMode
    left: int
    function: str | None
    spared: int

    def meets(self, function: str, service: str, operation: str) -> bool:
        """Whether this attempt is of the kind it waits for."""
        return (self.service, self.operation) == (service, operation) and self.function in (None, function)


class Faults:
    """Faults that wait for their call."""

    def __init__(self) -> None:
        self._waiting: list[_Fault] = []
        self.are_held_back: Callable[[], bool] = lambda: False

    def add(self, service: str, operation: str, mode: str, times: int, aim: Aim | None = None) -> None:
        """Let the next `times` attempts of a boto3 call fail, of any function unless aimed.

        Raises Rejected for a service, operation, mode or number that is none.
        """
        try:
            known = FaultMode(mode)
        except ValueError:
            raise Rejected(f"fault mode {mode!r} is unknown: use one of {', '.join(FaultMode)}") from None
        if times < 1:
            raise Rejected(f"times is {times}: give 1 or more")
        try:
            operations = _operations(service)
        except UnknownServiceError:
            raise Rejected(f"boto3 has no service {service!r}: use its names, such as sesv2, dynamodb or sqs") from None
        if operation not in operations:
            raise Rejected(f"{service} has no operation {operation!r}: use the API's names, such as SendEmail")
        function, spared = (aim.function, aim.spared) if aim else (None, 0)
        self._waiting.append(_Fault(service, operation, known, times, function, spared))

    def clear(self) -> None:
        """Let nothing fail any more."""
        self._waiting.clear()

    def take(self, function: str, service: str, operation: str) -> FaultMode | None:
        """The fault that hits this attempt, oldest first; while they are held back, all wait for another."""
        for fault in self._waiting:
            if not fault.meets(function, service, operation):
                continue
            if self.are_held_back():
                return None
            if fault.spared:
                fault.spared -= 1
                continue
            fault.left -= 1
            if fault.left == 0:
                self._waiting.remove(fault)
            return fault.mode
        return None


@cache
def _operations(service: str) -> frozenset[str]:
    """The API's names; a session of its own costs more than the whole of a short test. Raises UnknownServiceError."""
    return frozenset(botocore.session.Session().get_service_model(service).operation_names)


_THROTTLES = {
    "dynamodb": ("ProvisionedThroughputExceededException", 400),
    "secretsmanager": ("ThrottlingException", 400),
    "sesv2": ("TooManyRequestsException", 429),
    "sns": ("Throttling", 400),
    "sqs": ("RequestThrottled", 400),
}


def refusal(service: str, mode: FaultMode) -> Reply:
    """The answer to an attempt that did not happen: `error` or `throttle`, in the service's own protocol."""
    if mode is FaultMode.THROTTLE:
        code, status = _THROTTLES.get(service, ("ThrottlingException", 400))
        return _error(service, code, status, "Rate exceeded")
    return _error(service, "InternalFailure", 500, "The request processing has failed because of an unknown error.")


def _error(service: str, code: str, status: int, message: str) -> Reply:
    if service != "sns":  # the only one here that still speaks the query protocol
        return json_reply({"__type": code, "message": message}, status, code)
    error = f"<Error><Type>Receiver</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return Reply(status, {"Content-Type": "text/xml"}, f"<ErrorResponse>{error}<RequestId>local</RequestId></ErrorResponse>".encode())
