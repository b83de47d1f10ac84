"""What a daily sweep saw, one item a page; DynamoDB's TTL removes it a week later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from dunning.storage import keys
from dunning.storage.expressions import from_wire, to_wire
from dunning.storage.translation import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class TableSweepNotes:
    """workflow.ports.SweepNotes: a hundred ids an item, so that a book of any size costs one write a page."""

    client: DynamoDBClient
    table: str
    clock: Callable[[], datetime]

    def add(self, run: str, page: int, invoice_ids: Sequence[str]) -> None:
        """Keep one page's ids; the same page again replaces itself. Raises Retryable."""
        row = {
            "pk": keys.sweep_key(run),
            "sk": keys.sweep_page_key(page),
            "ids": list(invoice_ids),
            "expires": int((self.clock() + _KEPT_FOR).timestamp()),
        }
        with aws_errors("keeping a page of the sweep"):
            self.client.put_item(TableName=self.table, Item=to_wire(row))

    def seen(self, run: str) -> frozenset[str]:
        """All ids of a run. Raises Retryable."""
        found: set[str] = set()
        query: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": to_wire({":pk": keys.sweep_key(run)}),
            "ConsistentRead": True,
        }
        while True:
            with aws_errors("reading the pages of the sweep"):
                page = self.client.query(**query)
            for row in page["Items"]:
                found.update(str(value) for value in cast("list[object]", from_wire(row)["ids"]))
            if "LastEvaluatedKey" not in page:
                return frozenset(found)
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
