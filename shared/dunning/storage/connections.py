"""Connections to accounting providers: who may refresh their tokens, and which refresh token a provider refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dunning.storage import keys
from dunning.storage.expressions import from_wire, to_wire
from dunning.storage.translation import ConditionFailed, aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class TableTokenLeases:
    """providers.oauth_tokens.TokenLeases: one lease for each secret that is written, the index's among them."""

    client: DynamoDBClient
    table: str

    def take(self, provider: str, secret: str | None, worker: str, now: datetime, until: datetime) -> bool:
        """Whether the lease is ours now. Raises Retryable.

        t0 ── take ── until: others are refused. From `until` on the next takes over: its holder died.
        """
        nobody_holds_it = "attribute_not_exists(lease_until) OR lease_until <= :now"
        it_is_ours = "lease_holder = :worker"  # the answer to our first attempt was lost
        try:
            with aws_errors(f"taking the lease of {provider}'s tokens"):
                self.client.update_item(
                    TableName=self.table,
                    Key=to_wire({"pk": keys.connection_key(provider), "sk": keys.token_lease_key(secret)}),
                    UpdateExpression="SET lease_holder = :worker, lease_until = :until",
                    ConditionExpression=f"{nobody_holds_it} OR {it_is_ours}",
                    ExpressionAttributeValues=to_wire(
                        {":worker": worker, ":now": keys.instant(now), ":until": keys.instant(until)},
                    ),
                )
        except ConditionFailed:
            return False
        return True

    def give_back(self, provider: str, secret: str | None, worker: str) -> None:
        """End our lease. Raises Retryable."""
        try:
            with aws_errors(f"giving back the lease of {provider}'s tokens"):
                self.client.update_item(
                    TableName=self.table,
                    Key=to_wire({"pk": keys.connection_key(provider), "sk": keys.token_lease_key(secret)}),
                    UpdateExpression="REMOVE lease_holder, lease_until",
                    ConditionExpression="lease_holder = :worker",
                    ExpressionAttributeValues=to_wire({":worker": worker}),
                )
        except ConditionFailed:
            return

    def refused(self, provider: str, account: str) -> tuple[str, datetime] | None:
        """The fingerprint of the refresh token of this account that was refused last, and when. Raises Retryable."""
        row = self._row(provider, keys.connection_account_key(account))
        return (str(row["refused_token"]), keys.parse_instant(str(row["refused_at"]))) if row else None

    def note_refused(self, provider: str, account: str, fingerprint: str, at: datetime) -> None:
        """Remember a refused refresh token. Raises Retryable."""
        with aws_errors(f"writing the connection to {provider}"):
            self.client.update_item(
                TableName=self.table,
                Key=to_wire({"pk": keys.connection_key(provider), "sk": keys.connection_account_key(account)}),
                UpdateExpression="SET refused_token = :token, refused_at = :at",
                ExpressionAttributeValues=to_wire({":token": fingerprint, ":at": keys.instant(at)}),
            )

    def renewed_in_vain(self, provider: str, secret: str | None) -> datetime | None:
        """When what the secret holds was last renewed before its time and refused all the same. Raises Retryable."""
        row = self._row(provider, keys.token_lease_key(secret)) or {}
        return keys.parse_instant(str(row["in_vain_at"])) if "in_vain_at" in row else None

    def note_renewed_in_vain(self, provider: str, secret: str | None, at: datetime) -> None:
        """Remember it, beside the lease. Raises Retryable."""
        with aws_errors(f"writing the connection to {provider}"):
            self.client.update_item(
                TableName=self.table,
                Key=to_wire({"pk": keys.connection_key(provider), "sk": keys.token_lease_key(secret)}),
                UpdateExpression="SET in_vain_at = :at",
                ExpressionAttributeValues=to_wire({":at": keys.instant(at)}),
            )

    def _row(self, provider: str, sk: str) -> dict[str, object] | None:
        with aws_errors(f"reading the connection to {provider}"):
            answer = self.client.query(
                TableName=self.table,
                KeyConditionExpression="pk = :pk AND sk = :sk",
                ExpressionAttributeValues=to_wire({":pk": keys.connection_key(provider), ":sk": sk}),
                ConsistentRead=True,
            )
        return next(map(from_wire, answer["Items"]), None)
