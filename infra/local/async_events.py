"""Events that nobody waits for (schedules, SNS): Lambda's own queue, with its retries and what follows when they are used up."""

import heapq
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from infra.local.json_edges import Json
from infra.local.lambda_service import LambdaService, Outcome
from infra.local.queues import Queues
from infra.local.stack import Function

_WAITS = (timedelta(minutes=1), timedelta(minutes=2))


@dataclass(order=True, slots=True)
class _Waiting:
    due: datetime
    serial: int
    function: str = field(compare=False)
    event: Json = field(compare=False)
    attempts: int = field(default=0, compare=False)


class AsyncEvents:
    """Lambda's queue of asynchronous invocations."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._serial = itertools.count()

    def put(self, function: str, event: Json) -> None:
        """Take an event for a function, by ARN, to be run at once."""
        self.wait(_Waiting(self._clock(), next(self._serial), function, event))

    def wait(self, waiting: _Waiting) -> None:
        """Let an event wait until it is due."""
        heapq.heappush(self._waiting, waiting)

    def first(self) -> _Waiting | None:
        """What is due first."""
        return self._waiting[0] if self._waiting else None

    def take(self) -> _Waiting:
        """Take out what is due first."""
        return heapq.heappop(self._waiting)


class AsyncSource:
    """Runs the asynchronous invocations: after a failure one waits 1 minute, then 2, then it is given up."""

    def __init__(self, events: AsyncEvents, functions: LambdaService, queues: Queues, clock: Callable[[], datetime]) -> None:
        self._events = events
        self._functions = functions
        self._queues = queues
        self._clock = clock

    def next_at(self) -> datetime | None:
        """When the next attempt is due."""
        first = self._events.first()
        return first.due if first else None

    def run(self) -> None:
        """Make the first attempt that is due."""
        waiting = self._events.take()
        function = self._functions.function(waiting.function)
        outcome = self._functions.invoke(waiting.function, waiting.event)
        if outcome.error is None:
            return
        waiting.attempts += 1
        if waiting.attempts <= function.retries:
            waiting.due = self._clock() + _WAITS[min(waiting.attempts, len(_WAITS)) - 1]
            self._events.wait(waiting)
        else:
            self._give_up(function, waiting, outcome)

    def _give_up(self, function: Function, waiting: _Waiting, outcome: Outcome) -> None:
        reason = outcome.error or ""
        request_id = str(uuid4())
        if function.dead_letters and ":sqs:" in function.dead_letters:
            attributes = {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": reason}
            self._queues.send(function.dead_letters, json.dumps(waiting.event), attributes)
        if function.on_failure and ":sqs:" in function.on_failure:
            kind, _, message = reason.partition(": ")
            record = {
                "version": "1.0",
                "timestamp": self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "requestContext": {
                    "requestId": request_id,
                    "functionArn": function.arn,
                    "condition": "RetriesExhausted",
                    "approximateInvokeCount": waiting.attempts,
                },
                "requestPayload": waiting.event,
                "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
                "responsePayload": {"errorType": kind, "errorMessage": message},
            }
            self._queues.send(function.on_failure, json.dumps(record), {"ErrorMessage": reason})
