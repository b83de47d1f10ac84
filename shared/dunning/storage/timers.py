"""The two sparse indexes: what is due, and what is open. Reading them costs in proportion to what they answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dunning.storage import keys
from dunning.storage.expressions import from_wire, to_wire
from dunning.storage.translation import aws_errors
from dunning.workflow.sweep_ports import OpenPage, OpenRow
from dunning.workflow.wheel_ports import DueTimer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TableTimerIndex:
    """workflow.wheel_ports.TimerIndex on the index `due`: one query per shard when nothing is due."""

    client: DynamoDBClient
    table: str
    shards: int

    def due(self, until: datetime, since: datetime | None = None) -> Iterator[DueTimer]:
        """Timers in [since, until), or all before `until`. Raises Retryable."""
        for shard in range(self.shards):
            yield from self._due_in(str(shard), until, since)

    def _due_in(self, shard: str, until: datetime, since: datetime | None) -> Iterator[DueTimer]:
        # BETWEEN includes its end: the last microsecond before `until` makes the span half-open.
        values = {":shard": shard, ":until": keys.last_before(until)}
        condition = "due_shard = :shard AND due_at <= :until"
        if since is not None:
            condition = "due_shard = :shard AND due_at BETWEEN :since AND :until"
            values[":since"] = keys.instant(since)
        query: dict[str, Any] = {
            "TableName": self.table,
            "IndexName": keys.DUE_INDEX,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": to_wire(values),
        }
        while True:
            with aws_errors("reading the index of timers"):
                page = self.client.query(**query)
            for row in page["Items"]:
                yield _timer(from_wire(row))
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _timer(item: dict[str, object]) -> DueTimer:
    """One that is no instant is due at once: whoever claims it sets it anew, or parks what cannot be read."""
    customer, since_text = keys.customer_in(str(item["pk"])), item.get("due_since")
    try:
        due_at = keys.parse_instant(str(item["due_at"]))
        return DueTimer(customer, due_at, keys.parse_instant(str(since_text)) if since_text else due_at)
    except ValueError:
        return DueTimer(customer, _LONG_AGO, _LONG_AGO)


@dataclass(frozen=True, slots=True)
class TableOpenIndex:
    """workflow.ports.OpenIndex on the index `open`, page by page; the cursor is `shard`, then the last row's keys."""

    client: DynamoDBClient
    table: str
    shards: int
    page_size: int = 500

    def page(self, cursor: str | None) -> OpenPage:
        """One page of open invoices, by shard and due date. Raises Retryable."""
        shard, *last = cursor.split("\n") if cursor else ["0"]
        query: dict[str, Any] = {
            "TableName": self.table,
            "IndexName": keys.OPEN_INDEX,
            "KeyConditionExpression": "open_shard = :shard",
            "ExpressionAttributeValues": to_wire({":shard": shard}),
            "Limit": self.page_size,
        }
        if last:
            pk, sk, due_date = last
            query["ExclusiveStartKey"] = to_wire({"pk": pk, "sk": sk, "open_shard": shard, "due_date": due_date})
        with aws_errors("reading the index of open invoices"):
            page = self.client.query(**query)
        rows = tuple(_open_row(from_wire(row)) for row in page["Items"])
        return OpenPage(rows, self._next(shard, page.get("LastEvaluatedKey")))

    def _next(self, shard: str, last_key: Any) -> str | None:
        if last_key:
            last = from_wire(last_key)
            return "\n".join([shard, str(last["pk"]), str(last["sk"]), str(last["due_date"])])
        following = int(shard) + 1
        return str(following) if following < self.shards else None


def _open_row(item: dict[str, object]) -> OpenRow:
    return OpenRow(customer=keys.customer_in(str(item["pk"])), invoice_id=keys.invoice_in(str(item["sk"])))
