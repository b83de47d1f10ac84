"""A small stack in a local cloud, and the means to look into it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.cloud import LocalCloud
from infra.local.routes import HttpAnswer

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TEMPLATE = Path(__file__).parent / "stack" / "template.yaml"


@dataclass(frozen=True)
class SmallStack:
    """The stack of stack/template.yaml, in virtual time from 2026-03-02 08:00 UTC."""

    cloud: LocalCloud
    env: dict[str, str]

    def call(self, service: str, operation: str, **parameters: object) -> dict[str, Any]:
        """What a function got when it made one AWS call."""
        answer = self.post({"calls": [{"service": service, "operation": operation, "parameters": parameters}]})
        assert answer.status == 200, answer.body
        result: dict[str, Any] = json.loads(answer.body)["answers"][0]
        return result

    def post(self, wanted: dict[str, object]) -> HttpAnswer:
        """Ask the function on /call."""
        return self.cloud.request("POST", "/call", "", {"Content-Type": "application/json"}, json.dumps(wanted).encode())

    def seen(self, function: str) -> list[tuple[datetime, dict[str, Any]]]:
        """When a recording function ran, and its events."""
        items = self.query(f"SEEN#{function}")
        return [(datetime.fromisoformat(item["sk"]["S"].partition("#")[0]), json.loads(item["event"]["S"])) for item in items]

    def bodies(self, function: str) -> list[tuple[timedelta, list[str]]]:
        """How long after the start a function on a queue ran, and with which messages."""
        return [(at - START, [record["body"] for record in event["Records"]]) for at, event in self.seen(function)]

    def query(self, partition: str) -> list[dict[str, Any]]:
        """The items of one partition of the table, looked at from outside."""
        table = self.cloud.session().client("dynamodb")
        found = table.query(
            TableName=self.env["TABLE_NAME"], KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": partition}}
        )
        return list(found["Items"])

    def let_fail(self, function: str) -> None:
        """Make a recording function fail at every invocation from now on."""
        self.cloud.session().client("dynamodb").put_item(
            TableName=self.env["TABLE_NAME"], Item={"pk": {"S": "FAIL"}, "sk": {"S": function}}
        )

    def send(self, body: str, delay: int = 0) -> None:
        """Put a job into the queue in front of the worker."""
        self.cloud.session().client("sqs").send_message(QueueUrl=self.env["QUEUE_URL"], MessageBody=body, DelaySeconds=delay)

    def advance(self, **by: float) -> int:
        """Move time by a timedelta's arguments."""
        return self.cloud.advance_to(self.cloud.now + timedelta(**by))

    def calls(self, operation: str) -> int:
        """How often functions attempted an operation."""
        return sum(call["count"] for call in self.cloud.calls() if call["operation"] == operation)


@pytest.fixture
def stack() -> Iterator[SmallStack]:
    """A fresh cloud for one test."""
    cloud = LocalCloud(START, outer_env={}, template=TEMPLATE)
    answer = cloud.request("POST", "/call", "", {"Content-Type": "application/json"}, b'{"calls": []}')
    yield SmallStack(cloud, json.loads(answer.body)["env"])
    cloud.close()
