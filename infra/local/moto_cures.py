"""What has to be different inside moto, each cure with its reason; written for moto 5.2. DynamoDB's are in moto_tables.py."""

import copy
import sys
import types
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import moto.core.utils
import moto.sqs.models
from moto.sqs.models import Message, Queue

Clock = Callable[[], datetime]


def without_rest_apis() -> None:
    """Let moto's CloudFormation be imported without openapi-spec-validator.

    It imports every service, and API Gateway's REST APIs, which nothing here has, want that package.
    """
    if "moto.apigateway" not in sys.modules:
        package, models = types.ModuleType("moto.apigateway"), types.ModuleType("moto.apigateway.models")
        vars(package)["models"] = models
        sys.modules.update({"moto.apigateway": package, "moto.apigateway.models": models})


# ---------------------------------------------------------------- time: all of moto asks utcnow()


class _Time:
    source: Clock = staticmethod(lambda: datetime.now(UTC))


def time_source() -> Clock:
    """What moto takes for the present."""
    return _Time.source


def go_by(clock: Clock) -> None:
    """Make moto take this for the present."""
    _Time.source = staticmethod(clock)


def _utcnow() -> datetime:
    return _Time.source().replace(tzinfo=None)


# ---------------------------------------------------------------- SQS: visible when its timeout ends, not a millisecond later; long queues


def _now_ms() -> int:
    return round(moto.core.utils.unix_time_millis())


def _visible(message: Message) -> bool:
    return _now_ms() >= round(message.visible_at)


def _delayed(message: Message) -> bool:
    return _now_ms() < round(message.delayed_until)


def _receivable(queue: Queue) -> list[Message]:
    now = _now_ms()  # asked once, not twice for each message
    return [message for message in messages_of(queue) if due_at_ms(message) <= now]


def _waiting(queue: Queue) -> int:
    now = _now_ms()
    return sum(message.delayed_until > now for message in messages_of(queue))


def _in_flight(queue: Queue) -> int:
    now = _now_ms()
    return sum(message.visible_at > now for message in messages_of(queue))


def _shallow(message: Message, _memo: dict[int, object]) -> Message:
    return copy.copy(message)  # moto copies a received message only to filter its attributes


def due_at_ms(message: Message) -> int:
    """The instant, in whole milliseconds since the epoch, from which a message can be received."""
    sent_at: int = vars(message)["sent_timestamp"]
    return round(max(sent_at, message.delayed_until, message.visible_at))


def messages_of(queue: Queue) -> list[Message]:
    """All messages of a queue, also those that wait or are in flight; moto's own view hides them."""
    messages: list[Message] = vars(queue)["_messages"]
    return messages


for _owner, _name, _cure in (
    (moto.core.utils, "utcnow", _utcnow),
    (Message, "visible", property(_visible)),
    (Message, "delayed", property(_delayed)),
    (Message, "__deepcopy__", _shallow),
    (Queue, "messages", property(_receivable)),
    # these three are asked for whenever a message is sent
    (Queue, "approximate_number_of_messages_delayed", property(_waiting)),
    (Queue, "approximate_number_of_messages_not_visible", property(_in_flight)),
    (moto.sqs.models, "camelcase_to_underscores", cache(moto.core.utils.camelcase_to_underscores)),
):
    setattr(_owner, _name, _cure)
