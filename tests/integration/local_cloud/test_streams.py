"""The table's stream: what it hands to a function, and how one record that kills it is left alone with itself."""

import json
from datetime import UTC, datetime

import pytest

from infra.local.clock import VirtualClock
from infra.local.lambda_service import LambdaService, Outcome
from infra.local.queues import Queues
from infra.local.stack import Stack, StreamMapping
from infra.local.streams import StreamSource
from tests.integration.local_cloud.conftest import SmallStack

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


class _Functions(LambdaService):
    """A function that dies of a record whose key says so."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def invoke(self, arn: str, event: object) -> Outcome:
        assert isinstance(event, dict)
        keys = [record["dynamodb"]["Keys"]["sk"]["S"] for record in event["Records"]]
        self.batches.append(keys)
        return Outcome(error="Runtime.ExitError: killed") if "poison" in keys else Outcome({"batchItemFailures": []})


class _Queues(Queues):
    """Remembers what was put aside."""

    def __init__(self) -> None:
        self.aside: list[str] = []

    def send(self, queue: str, body: str, attributes: object) -> None:
        self.aside.append(body)


def of(stack: Stack, table: str, functions: LambdaService, queues: Queues, clock: VirtualClock, *, bisect: bool) -> StreamSource:
    mapped = StreamMapping(table, "arn:x", 8, (), 1, "arn:aws:sqs:us-east-1:1:dead", partial_failures=True, bisect=bisect)
    return StreamSource(mapped, stack, functions, queues, clock)


@pytest.mark.parametrize("bisect", [True, False])
def test_a_record_that_kills_the_function_takes_no_other_with_it(stack: SmallStack, *, bisect: bool) -> None:
    clock, functions, queues = VirtualClock(START), _Functions(), _Queues()
    table = stack.env["TABLE_NAME"]
    written = ["a", "b", "c", "poison", "d", "e", "f", "g"]
    for name in written:
        stack.call("dynamodb", "put_item", TableName=table, Item={"pk": {"S": "P"}, "sk": {"S": name}})
    source = of(stack.cloud.stack, table, functions, queues, clock, bisect=bisect)
    while (at := source.next_at()) is not None:
        clock.move_to(max(at, clock()))
        source.run()

    went_through = [name for batch in functions.batches if "poison" not in batch for name in batch]
    assert went_through == (["a", "b", "c", "d", "e", "f", "g"] if bisect else [])
    assert [json.loads(body)["DDBStreamBatchInfo"]["batchSize"] for body in queues.aside] == [1 if bisect else 8]
