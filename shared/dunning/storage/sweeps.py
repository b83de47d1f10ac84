"""What a daily sweep saw, one item a page; DynamoDB's TTL removes it nine days later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from dunning.storage import keys
from dunning.storage.expressions import from_wire, to_wire
from dunning.storage.translation import ConditionFailed, aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT_FOR = timedelta(days=9)
"""What the team was told of counts for a week, and a sweep may take a day to come to its end."""


@dataclass(frozen=True, slots=True)
class TableSweepNotes:
    """workflow.ports.SweepNotes: one item a page, so that a book of any size costs one write a page."""

    client: DynamoDBClient
    table: str
    clock: Callable[[], datetime]

    def add(self, run: str, page: int, rows: Sequence[str]) -> None:
        """Keep what one page showed; the same page again replaces itself. Raises Retryable."""
        row = {
            "pk": keys.sweep_key(run),
            "sk": keys.sweep_page_key(page),
            "ids": list(rows),
            "expires": int((self.clock() + _KEPT_FOR).timestamp()),
        }
        with aws_errors("keeping a page of the sweep"):
            self.client.put_item(TableName=self.table, Item=to_wire(row))

    def seen(self, run: str) -> frozenset[str]:
        """All rows of a run. Raises Retryable."""
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

    def swept(self, source: str, account: str) -> datetime | None:
        """When the last sweep began that came to this account's end. Raises Retryable."""
        query = "pk = :pk AND sk = :sk"
        values = to_wire({":pk": keys.connection_key(source), ":sk": keys.swept_account_key(account)})
        with aws_errors(f"reading when {source} was swept"):
            found = self.client.query(
                TableName=self.table, KeyConditionExpression=query, ExpressionAttributeValues=values, ConsistentRead=True
            )
        return next((keys.parse_instant(str(from_wire(row)["began"])) for row in found["Items"]), None)

    def note_swept(self, source: str, account: str, began: datetime) -> None:
        """Remember it; an older sweep that ends later changes nothing. Raises Retryable."""
        try:
            with aws_errors(f"noting that {source} was swept"):
                self.client.update_item(
                    TableName=self.table,
                    Key=to_wire({"pk": keys.connection_key(source), "sk": keys.swept_account_key(account)}),
                    UpdateExpression="SET began = :began",
                    ConditionExpression="attribute_not_exists(began) OR began < :began",
                    ExpressionAttributeValues=to_wire({":began": keys.instant(began)}),
                )
        except ConditionFailed:
            return
