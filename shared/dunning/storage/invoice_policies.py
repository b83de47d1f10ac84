"""Which policy an invoice follows, without reading its whole case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dunning.storage import keys
from dunning.storage.expressions import from_wire, to_wire
from dunning.storage.translation import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class TablePolicies:
    """workflow.activity_feed.NotedPolicies."""

    client: DynamoDBClient
    table: str

    def policy_of(self, customer: str, invoice_id: str) -> str | None:
        """The policy's name; None for an invoice that is not known. Raises Retryable."""
        with aws_errors(f"reading the policy of an invoice of {customer}"):
            answer = self.client.get_item(
                TableName=self.table,
                Key=to_wire({"pk": keys.customer_key(customer), "sk": keys.invoice_key(invoice_id)}),
                ProjectionExpression="policy",
            )
        policy = from_wire(answer.get("Item", {})).get("policy")
        return str(policy) if policy else None
