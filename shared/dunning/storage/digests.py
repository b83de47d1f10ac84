"""What a daily digest is made of: the sparse index of a day's activities, and the index of open invoices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dunning.domain.digest import Happened, OpenAmount
from dunning.storage import items, keys
from dunning.storage.attribute_values import Item, readable, text
from dunning.storage.expressions import from_wire, to_wire
from dunning.storage.translation import ConditionFailed, aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class TableDigests:
    """workflow.digest_ports.Digests. Its cost follows from what happened that day and from what is open, never from the whole book."""

    client: DynamoDBClient
    table: str
    shards: int

    def happened(self, since: datetime, until: datetime) -> Iterator[Happened]:
        """What digests tell of, in [since, until); without what only another release can read. Raises Retryable."""
        day = since.date()
        while day <= until.date():
            values = {":day": day.isoformat(), ":since": keys.activity_key(since, ""), ":until": keys.activity_key(until, "")}
            condition = {
                "KeyConditionExpression": "#day = :day AND sk BETWEEN :since AND :until",
                "ExpressionAttributeNames": {"#day": "day"},
            }
            rows = self._rows({"IndexName": keys.DAY_INDEX, **condition, "ExpressionAttributeValues": to_wire(values)})
            yield from readable(rows, _happened)
            day += timedelta(days=1)

    def owed(self) -> Iterator[OpenAmount]:
        """What is open now, as far as it can be read. Raises Retryable."""
        for shard in range(self.shards):
            values = to_wire({":shard": str(shard)})
            condition = {"KeyConditionExpression": "open_shard = :shard", "ExpressionAttributeValues": values}
            yield from readable(self._rows({"IndexName": keys.OPEN_INDEX, **condition}), _owed)

    def asked(self) -> Iterator[str]:
        """The customers (full ids) of whom an invoice waits for a person's answer, each once. Raises Retryable."""
        condition = {
            "KeyConditionExpression": "#day = :asked AND begins_with(sk, :invoices)",
            "ExpressionAttributeNames": {"#day": "day"},
            "ExpressionAttributeValues": to_wire({":asked": keys.ASKED, ":invoices": keys.INVOICES_FROM}),
        }
        rows = self._rows({"IndexName": keys.DAY_INDEX, **condition})
        yield from dict.fromkeys(keys.customer_in(str(row["pk"])) for row in rows)

    def _rows(self, query: dict[str, Any]) -> Iterator[dict[str, object]]:
        query = {"TableName": self.table, **query}
        while True:
            with aws_errors("reading for the digest"):
                page = self.client.query(**query)
            yield from (from_wire(row) for row in page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def begin(self, day: str, owner: str, now: datetime) -> bool:
        """Note that a day's digest goes out; False when another does it, or did. Raises Retryable.

        Our own note found in place is ours: the answer to writing it was lost, and the SDK asked again.
        """
        row = {"pk": keys.digest_key(day), "sk": keys.DIGEST, "owner": owner, "expires": int((now + _KEPT_FOR).timestamp())}
        try:
            with aws_errors("noting the digest"):
                self.client.put_item(
                    TableName=self.table,
                    Item=to_wire(row),
                    ConditionExpression="attribute_not_exists(pk)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as exc:
            return from_wire(exc.item).get("owner") == owner
        return True

    def take_back(self, day: str, owner: str) -> None:
        """It surely did not go out; another's note stays. Raises Retryable."""
        try:
            with aws_errors("taking the digest back"):
                self.client.delete_item(
                    TableName=self.table,
                    Key=to_wire({"pk": keys.digest_key(day), "sk": keys.DIGEST}),
                    ConditionExpression="attribute_not_exists(pk) OR #owner = :owner",
                    ExpressionAttributeNames={"#owner": "owner"},
                    ExpressionAttributeValues=to_wire({":owner": owner}),
                )
        except ConditionFailed:
            return


def _happened(row: Item) -> Happened:
    activity = items.read_activity(row)
    return Happened(keys.customer_in(text(row, "pk")), activity.type, activity.at, activity.invoices, activity.reason)


def _owed(row: Item) -> OpenAmount:
    return OpenAmount(text(row, "currency"), int(text(row, "amount_due")), keys.parse_due_date(text(row, "due_date")))
