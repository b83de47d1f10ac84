"""The places of a day for first contacts, one partition a policy and day; DynamoDB's TTL removes it a week later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from dunning.domain.errors import Retryable
from dunning.storage import keys
from dunning.storage.expressions import Wire, from_wire, to_wire
from dunning.storage.translation import Cancelled, aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT_FOR = timedelta(days=7)
_FAILED = "ConditionalCheckFailed"
_TRIES = 8
"""All who take a place on a day write its one count; DynamoDB cancels one of two transactions that meet."""


@dataclass(frozen=True, slots=True)
class TableDayPlaces:
    """workflow.ports.DayPlaces. Asking and taking are one transaction each, and doing them twice is doing them once."""

    client: DynamoDBClient
    table: str

    def ask(self, day: str, customer: str, balance: Decimal, now: datetime) -> datetime:
        """Put a customer on the day's list; answers when that was first done. Raises Retryable."""
        expires = int((now + _KEPT_FOR).timestamp())
        who = {**self._key(day, keys.asked_key(customer)), "at": keys.instant(now), "expires": expires}
        rank = {**self._key(day, keys.ranked_key(balance, customer)), "customer": customer, "expires": expires}
        first = {"Item": to_wire(who), "ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        failed = self._write("asking for a place", [{"Put": first}, {"Put": {"Item": to_wire(rank)}}])
        known = failed[0].get("Item") if failed else None
        return keys.parse_instant(str(from_wire(known)["at"])) if known else now

    def is_among(self, day: str, customer: str, most: int) -> bool:
        """Whether a customer is among the first of the list. Raises Retryable."""
        query: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :ranked)",
            "ExpressionAttributeValues": to_wire({":pk": keys.day_key(day), ":ranked": keys.RANKED_FROM}),
            "ConsistentRead": True,
        }
        left = most
        while left > 0:
            with aws_errors("reading the first contacts of a day"):
                page = self.client.query(**query, Limit=left)
            if any(from_wire(row)["customer"] == customer for row in page["Items"]):
                return True
            left -= len(page["Items"])
            if "LastEvaluatedKey" not in page:
                return False
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        return False

    def take(self, day: str, customer: str, most: int) -> bool:
        """Take one of the day's places; True also when it was taken before. Raises Retryable."""
        own = {
            "Key": to_wire(self._key(day, keys.asked_key(customer))),
            "UpdateExpression": "SET taken = :yes",
            "ConditionExpression": "attribute_not_exists(taken)",
            "ExpressionAttributeValues": to_wire({":yes": True}),
        }
        count = {
            "Key": to_wire(self._key(day, keys.TAKEN)),
            "UpdateExpression": "ADD taken :one",
            "ConditionExpression": "attribute_not_exists(taken) OR taken < :most",
            "ExpressionAttributeValues": to_wire({":one": 1, ":most": most}),
        }
        failed = self._write("taking a place", [{"Update": own}, {"Update": count}])
        return not failed or failed[0].get("Code") == _FAILED

    def _write(self, what: str, writes: list[dict[str, Wire]]) -> list[Any]:
        """The reasons of a transaction whose conditions did not hold; none when it was written."""
        items = [{kind: {"TableName": self.table, **write} for kind, write in one.items()} for one in writes]
        for _ in range(_TRIES):
            try:
                with aws_errors(what):
                    self.client.transact_write_items(TransactItems=cast("Any", items))
            except Cancelled as exc:
                if any(reason.get("Code") == _FAILED for reason in exc.reasons):
                    return list(exc.reasons)
                continue
            return []
        raise Retryable(f"{what}: too many at once")

    def _key(self, day: str, sk: str) -> dict[str, object]:
        return {"pk": keys.day_key(day), "sk": sk}
