"""Connections that ended: one item for each, and one for each case that waits for it, beside the provider's token lease."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dunning.storage import keys
from dunning.storage.expressions import Wire, from_wire, to_wire
from dunning.storage.translation import ConditionFailed, aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class TableConnections:
    """workflow.connection_ports.Connections on DynamoDB."""

    client: DynamoDBClient
    table: str

    def note_ended(self, source: str, account: str, at: datetime, patience: timedelta) -> bool:
        """Remember that a connection ended; whether a sweep must begin, by us. Raises Retryable.

        An answer that was lost and is asked for again is ours again.
        """
        began_in_vain = "(attribute_not_exists(told) AND begun_at <= :long_ago)"
        return self._update(
            source,
            keys.ended_connection_key(account),
            "SET ended_at = if_not_exists(ended_at, :at), begun_at = :at, begun_by = :us REMOVE told, telling_until",
            f"attribute_not_exists(ended_at) OR begun_by = :us OR {began_in_vain}",
            {":at": keys.instant(at), ":long_ago": keys.instant(at - patience), ":us": uuid4().hex},
        )

    def take_telling(self, source: str, account: str, now: datetime, until: datetime) -> bool:
        """Whether the team must still be told, and we are who does it until then. Raises Retryable.

        t0 ── take ── until: others do not tell. From `until` on the next one does: who took it died.
        """
        not_told = "attribute_exists(ended_at) AND attribute_not_exists(told)"
        nobody_does = "(attribute_not_exists(telling_until) OR telling_until <= :now)"
        return self._update(
            source,
            keys.ended_connection_key(account),
            "SET telling_until = :until",
            f"{not_told} AND {nobody_does}",
            {":now": keys.instant(now), ":until": keys.instant(until)},
        )

    def note_told(self, source: str, account: str) -> None:
        """The team was told. Raises Retryable."""
        self._update(source, keys.ended_connection_key(account), "SET told = :told", "attribute_exists(ended_at)", {":told": True})

    def has_ended(self, source: str, account: str) -> bool:
        """Whether the connection ended and was not made again. Raises Retryable."""
        return any("ended_at" in row for row in self._rows(source, keys.ended_connection_key(account), 1))

    def note_mended(self, source: str, account: str, at: datetime) -> None:
        """The connection is good again. Raises Retryable."""
        change = "SET good_at = :at REMOVE ended_at, begun_at, begun_by, told, telling_until"
        self._update(source, keys.ended_connection_key(account), change, "attribute_exists(ended_at)", {":at": keys.instant(at)})

    def note_refused(self, source: str, account: str, at: datetime, since: datetime) -> bool:
        """Remember that a call was refused though the connection is good; whether it was found good since. Raises Retryable."""
        return self._update(
            source,
            keys.ended_connection_key(account),
            "SET good_at = :at",
            "attribute_not_exists(ended_at) AND good_at >= :since",
            {":at": keys.instant(at), ":since": keys.instant(since)},
        )

    def take_telling_of_refusal(self, source: str, account: str, now: datetime, until: datetime, again: datetime) -> bool:
        """Whether the team must be told of a refused call, by us. Raises Retryable."""
        not_told = "(attribute_not_exists(refusal_told_at) OR refusal_told_at < :again)"
        nobody_does = "(attribute_not_exists(refusal_telling_until) OR refusal_telling_until <= :now)"
        return self._update(
            source,
            keys.ended_connection_key(account),
            "SET refusal_telling_until = :until",
            f"{not_told} AND {nobody_does}",
            {":now": keys.instant(now), ":until": keys.instant(until), ":again": keys.instant(again)},
        )

    def note_told_of_refusal(self, source: str, account: str, at: datetime) -> None:
        """The team was told of it. Raises Retryable."""
        change = "SET refusal_told_at = :at"
        self._update(source, keys.ended_connection_key(account), change, "attribute_exists(pk)", {":at": keys.instant(at)})

    def told_of_unreadable(self, source: str, account: str) -> tuple[datetime, str] | None:
        """When the team was last told of invoices that cannot be read, and the run that noted which. Raises Retryable."""
        for row in self._rows(source, keys.ended_connection_key(account), 1):
            if "unreadable_run" in row:
                return keys.parse_instant(str(row["unreadable_told_at"])), str(row["unreadable_run"])
        return None

    def note_told_of_unreadable(self, source: str, account: str, at: datetime, run: str) -> None:
        """The team was told of those that this run noted. Raises Retryable.

        An earlier release kept their ids themselves, two hundred at most.
        """
        change = "SET unreadable_told_at = :at, unreadable_run = :run REMOVE unreadable_told"
        condition = "attribute_not_exists(unreadable_told_at) OR unreadable_told_at <= :at"
        values: dict[str, object] = {":at": keys.instant(at), ":run": run}
        self._update(source, keys.ended_connection_key(account), change, condition, values)

    def hold(self, source: str, account: str, customer: str) -> None:
        """Remember a case that waits for the connection. Raises Retryable."""
        row = {"pk": keys.connection_key(source), "sk": keys.waiting_case_key(account, customer), "customer": customer}
        with aws_errors(f"noting a case that waits for {source}"):
            self.client.put_item(TableName=self.table, Item=to_wire(row))

    def held(self, source: str, account: str, most: int, after: str | None = None) -> tuple[str, ...]:
        """So many of the cases that wait, in the order of their ids, from behind one on. Raises Retryable."""
        behind = keys.waiting_case_key(account, after) if after else None
        return tuple(str(row["customer"]) for row in self._rows(source, keys.waiting_case_key(account, ""), most, behind))

    def forget(self, source: str, account: str, customer: str) -> None:
        """This case waits no more. Raises Retryable."""
        key = {"pk": keys.connection_key(source), "sk": keys.waiting_case_key(account, customer)}
        with aws_errors(f"forgetting a case that waited for {source}"):
            self.client.delete_item(TableName=self.table, Key=to_wire(key))

    def _rows(self, source: str, begins_with: str, most: int, after: str | None = None) -> list[dict[str, object]]:
        place: dict[str, Any] = {"ExclusiveStartKey": to_wire({"pk": keys.connection_key(source), "sk": after})} if after else {}
        with aws_errors(f"reading the connections to {source}"):
            answer = self.client.query(
                TableName=self.table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
                ExpressionAttributeValues=to_wire({":pk": keys.connection_key(source), ":sk": begins_with}),
                ConsistentRead=True,
                Limit=most,
                **place,
            )
        return [from_wire(row) for row in answer["Items"]]

    def _update(self, source: str, sk: str, change: str, condition: str, values: dict[str, object]) -> bool:
        """Whether the condition held. Raises Retryable."""
        given: dict[str, Any] = {"ExpressionAttributeValues": to_wire(values)} if values else {}
        key: Wire = to_wire({"pk": keys.connection_key(source), "sk": sk})
        try:
            with aws_errors(f"writing the connection to {source}"):
                self.client.update_item(TableName=self.table, Key=key, UpdateExpression=change, ConditionExpression=condition, **given)
        except ConditionFailed:
            return False
        return True
