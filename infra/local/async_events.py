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
from infra.local.stack import Function, Stack

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

    def __init__(self, stack: Stack, functions: LambdaService, queues: Queues, clock: Callable[[], datetime]) -> None:
        self._stack = stack
        self._functions = functions
        self._queues = queues
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._serial = itertools.count()

    def put(self, function: str, event: Json) -> None:
        """Take an event for a function, by ARN, to be run at once."""
        heapq.heappush(self._waiting, _Waiting(self._clock(), next(self._serial), function, event))

    def next_at(self) -> datetime | None:
        """When the next attempt is due."""
        return self._waiting[0].due if self._waiting else None

    def run(self) -> None:
        """Make the first attempt that is due; after a failure it waits 1 minute, then 2, then it is given up."""
        waiting = heapq.heappop(self._waiting)
        function = self._stack.functions[waiting.function]
        outcome = self._functions.invoke(waiting.function, waiting.event)
        if outcome.error is None:
            return
        waiting.attempts += 1
        if waiting.attempts <= function.retries:
            waiting.due = self._clock() + _WAITS[min(waiting.attempts, len(_WAITS)) - 1]
            heapq.heappush(self._waiting, waiting)
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
