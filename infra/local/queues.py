"""SQS: the queues that wake functions, as Lambda polls them, and what they gave up on."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypedDict

from moto.sqs.models import Message, Queue, sqs_backends

from infra.letter_reasons import WHY
from infra.local.event_source import instant_of
from infra.local.json_edges import Json, mapping, mappings, text
from infra.local.lambda_service import LambdaService, Outcome
from infra.local.moto_cures import due_at_ms, messages_of
from infra.local.stack import QueueMapping, Stack
from infra.local.stack_reader import name_of


class DeadLetter(TypedDict):
    """A message that was given up: the queue by its logical id, why as far as it is known, and the body."""

    queue: str
    reason: str | None
    body: str


class Queues:
    """The queues of one account, by ARN."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._backend = sqs_backends[stack.account][stack.region]
        self._failures: dict[str, str] = {}

    def send(self, queue: str, body: str, attributes: Mapping[str, str]) -> None:
        """Put a message into a queue."""
        as_sqs = {name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()}
        self._backend.send_message(name_of(queue), body, message_attributes=as_sqs)

    def next_at(self, queue: str) -> datetime | None:
        """When the first message can be received."""
        messages = messages_of(self._queue(queue))
        return instant_of(min(map(due_at_ms, messages))) if messages else None

    def due(self, queue: str, now: datetime) -> int:
        """How many messages can be received."""
        return sum(instant_of(due_at_ms(message)) <= now for message in messages_of(self._queue(queue)))

    def receive(self, queue: str, most: int) -> list[Message]:
        """Take messages; they stay hidden for the queue's visibility timeout. Moves those received too often to the dead letters."""
        moto_queue = self._queue(queue)
        timeout: int = vars(moto_queue)["visibility_timeout"]
        return self._backend.receive_message(moto_queue.name, most, 0, timeout, ["All"])

    def delete(self, queue: str, message: Message) -> None:
        """Forget a message that was dealt with."""
        self._failures.pop(message.id, None)
        self._queue(queue).delete_message(message.receipt_handle or "")

    def note_failure(self, message: Message, reason: str) -> None:
        """Remember why a message was not dealt with."""
        self._failures[message.id] = reason

    def dead_letters(self) -> Iterator[DeadLetter]:
        """What is in the dead-letter queues."""
        for arn in sorted(self._stack.dead_letters):
            for message in messages_of(self._queue(arn)) if ":sqs:" in arn else ():
                attributes = {name: text(value.get("StringValue")) for name, value in message.message_attributes.items()}
                reason = next((attributes[name] for name in WHY if attributes.get(name)), None) or self._failures.get(message.id)
                yield DeadLetter(queue=self._stack.queues[arn], reason=reason, body=message.body)

    def _queue(self, arn: str) -> Queue:
        return self._backend.queues[name_of(arn)]


class QueueSource:
    """One queue that wakes one function: batches, batching window, partial failures."""

    def __init__(self, mapped: QueueMapping, queues: Queues, functions: LambdaService, clock: Callable[[], datetime]) -> None:
        self._mapped = mapped
        self._queues = queues
        self._functions = functions
        self._clock = clock

    def next_at(self) -> datetime | None:
        """When a batch is full, or its window over."""
        mapped = self._mapped
        first = self._queues.next_at(mapped.queue)
        if first is None or not mapped.window or self._queues.due(mapped.queue, self._clock()) >= mapped.batch_size:
            return first
        return first + timedelta(seconds=mapped.window)

    def run(self) -> None:
        """Receive one batch, invoke the function, delete what it dealt with; the rest comes back after the visibility timeout."""
        messages = self._queues.receive(self._mapped.queue, self._mapped.batch_size)
        if not messages:  # all that was due went to the dead letters
            return
        outcome = self._functions.invoke(self._mapped.function, {"Records": [self._record(message) for message in messages]})
        failures = self._failed(outcome, messages)
        for message in messages:
            if message.id in failures:
                self._queues.note_failure(message, failures[message.id])
            else:
                self._queues.delete(self._mapped.queue, message)

    def _failed(self, outcome: Outcome, messages: list[Message]) -> dict[str, str]:
        if outcome.error is not None:
            return {message.id: outcome.error for message in messages}
        if not self._mapped.partial_failures:
            return {}
        named = [text(failure.get("itemIdentifier")) for failure in mappings(mapping(outcome.payload).get("batchItemFailures"))]
        if set(named) <= {message.id for message in messages}:
            return dict.fromkeys(named, "the function reported this message as failed")
        return {message.id: "the function reported messages that were not in its batch" for message in messages}

    def _record(self, message: Message) -> Json:
        attributes = {
            name: {"stringValue": value.get("StringValue"), "stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
            for name, value in message.message_attributes.items()
        }
        return {
            "messageId": message.id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": str(message.approximate_receive_count),
                "SentTimestamp": str(message.sent_timestamp),
                "SenderId": message.sender_id,
                "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
            },
            "messageAttributes": attributes,
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": self._mapped.queue,
            "awsRegion": self._mapped.queue.split(":")[3],
        }
