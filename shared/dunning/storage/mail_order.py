"""The note of who waits for SES's quota: one item, which DynamoDB's TTL removes a day after the last turn that had to write it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from dunning.domain.mail_order import Waiting
from dunning.storage import keys
from dunning.storage.attribute_values import Item, readable, text
from dunning.storage.expressions import from_wire, to_wire
from dunning.storage.translation import ConditionFailed, aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT_FOR = timedelta(days=1)
_KEY: dict[str, object] = {"pk": keys.MAIL_QUOTA, "sk": keys.LINE}


@dataclass(frozen=True, slots=True)
class TableWaitingMails:
    """workflow.mail_order.WaitingMails on DynamoDB."""

    client: DynamoDBClient
    table: str

    def read(self) -> Waiting | None:
        """As the last turn left it; one that cannot be read is none. Raises Retryable."""
        with aws_errors("reading who waits for SES's quota"):
            answer = self.client.get_item(TableName=self.table, Key=to_wire(_KEY), ConsistentRead=True)
        rows = [from_wire(answer["Item"])] if "Item" in answer else []
        return next(readable(rows, _waiting), None)

    def put(self, waiting: Waiting) -> None:
        """Keep it, unless a later turn has written. Raises Retryable."""
        since, customer = waiting.first
        row = {
            **_KEY,
            "first_since": keys.instant(since),
            "first_customer": customer,
            "as_of": keys.instant(waiting.as_of),
            "until": keys.instant(waiting.until),
            "expires": int((waiting.as_of + _KEPT_FOR).timestamp()),
        }
        try:
            with aws_errors("noting who waits for SES's quota"):
                self.client.put_item(
                    TableName=self.table,
                    Item=to_wire(row),
                    ConditionExpression="attribute_not_exists(pk) OR as_of <= :as_of",
                    ExpressionAttributeValues=to_wire({":as_of": row["as_of"]}),
                )
        except ConditionFailed:
            return  # a later turn knows better


def _waiting(item: Item) -> Waiting:
    first = keys.parse_instant(text(item, "first_since")), text(item, "first_customer")
    return Waiting(first, keys.parse_instant(text(item, "as_of")), keys.parse_instant(text(item, "until")))
