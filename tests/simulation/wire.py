"""The way between a function and what it calls: every call passes here, and may be refused, lost, delayed or the last one."""

from collections.abc import Callable
from typing import TypeVar

from dunning.channels.attempts import one_attempt_config
from dunning.domain.errors import OutcomeUnknown, Refused, Retryable
from tests.simulation.cloud import Cloud, Killed
from tests.simulation.faults import CHANNEL, Fault, Kind

Answer = TypeVar("Answer")

LATENCY = 0.04
HALF_AN_HOUR = 1860.0
_TIME_OUT = {"store": 5.0, "queue": 5.0, "source": 10.0, "fee": 10.0}


class Wire:
    """Between the product and the twins."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def call(
        self,
        op: str,
        kinds: tuple[Kind, ...],
        effect: Callable[[], Answer],
        *,
        again: Callable[[], Answer] | None = None,
        in_part: Callable[[], object] | None = None,
        the_rest: Callable[[], Answer] | None = None,
    ) -> Answer:
        """One call with the SDK's own retries: `again` is what a retry does after the first answer was lost. Raises Retryable, Killed.

        `in_part` is what a batch that is taken in part does, `the_rest` what sending once more does that which was not taken.
        """
        cloud = self._cloud
        fault = self._begin(op, kinds)
        kind = fault.kind if fault else None
        if kind in (Kind.REFUSED, Kind.THROTTLED):
            cloud.wait(2)
            raise Retryable(f"{op}: {kind.value if kind else ''}")
        if kind is Kind.IN_PART and in_part:
            in_part()
            if the_rest and fault and fault.size % 2:
                return the_rest()
            raise Retryable(f"{op}: some were not taken")
        answer = effect()
        self._end(kind, fault)
        time_out = _TIME_OUT[op.partition(".")[0]]
        if kind is Kind.LOST:
            cloud.wait(time_out)
            answer = (again or effect)()
        if kind is Kind.LOST_FOR_GOOD:
            cloud.wait(4 * time_out)
            raise Retryable(f"{op}: no answer")
        return answer

    def message(self, op: str, accept: Callable[[], str]) -> str:
        """One message to a channel, with as many attempts as its client is set up for. Raises Refused, OutcomeUnknown, Killed."""
        error: Exception = Refused(op)
        for _ in range(_attempts()):
            fault = self._begin(op, CHANNEL)
            kind = fault.kind if fault else None
            if kind in (Kind.REFUSED, Kind.THROTTLED):
                error = Refused(f"{op}: refused")
                continue
            if kind is Kind.FAILED:
                error = OutcomeUnknown(f"{op}: failed")
                continue
            answer = accept()
            self._end(kind, fault)
            if kind is not Kind.LOST:
                return answer
            self._cloud.wait(15)
            error = OutcomeUnknown(f"{op}: no answer")
        raise error

    def _begin(self, op: str, kinds: tuple[Kind, ...]) -> Fault | None:
        cloud = self._cloud
        cloud.wait(LATENCY)
        fault = cloud.draw(op, kinds)
        if fault is None:
            return None
        if fault.kind is Kind.KILLED_BEFORE:
            raise Killed
        if fault.kind is Kind.RACED_BEFORE:
            cloud.race(fault, cloud.invocation.customer)
            cloud.wait(0)  # the others may have taken so long that Lambda ended this one
        elif fault.kind is Kind.FROZEN and cloud.invocation.function == "run_step":
            cloud.stand_still(HALF_AN_HOUR)
        elif fault.kind in (Kind.SLOW, Kind.FROZEN):
            cloud.wait(fault.size / 100)
        return fault

    def _end(self, kind: Kind | None, fault: Fault | None) -> None:
        if kind is Kind.KILLED_AFTER:
            raise Killed
        if kind is Kind.RACED_AFTER and fault:
            self._cloud.race(fault, self._cloud.invocation.customer)


def _attempts() -> int:
    """Read from what the adapters' clients are built with, so that one that would try again shows as a mail that comes twice."""
    retries = getattr(one_attempt_config(), "retries", None) or {}
    return int(retries.get("total_max_attempts", 5))
