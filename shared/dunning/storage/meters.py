"""How much was asked of each connected account: one item for all functions and all their instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from dunning.domain.request_meter import Meter, Turn
from dunning.storage import keys
from dunning.storage.expressions import from_wire, to_wire
from dunning.storage.translation import ConditionFailed, aws_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class TableMeters:
    """providers.http_client_pace.Meters on DynamoDB. A turn at a provider costs two writes."""

    client: DynamoDBClient
    table: str

    def read(self, source: str, account: str) -> Meter:
        """The meter of an account; a new one when there is none. Raises Retryable."""
        with aws_errors(f"reading the meter of {source}"):
            answer = self.client.query(
                TableName=self.table,
                KeyConditionExpression="pk = :pk AND sk = :sk",
                ExpressionAttributeValues=to_wire({":pk": keys.connection_key(source), ":sk": keys.meter_key(account)}),
                ConsistentRead=True,
            )
        return next((_meter(from_wire(row)) for row in answer["Items"]), Meter())

    def save(self, source: str, account: str, meter: Meter) -> Meter | None:
        """Write it, unless somebody else did since it was read; then the one that is there is answered. Raises Retryable."""
        row = {
            "pk": keys.connection_key(source),
            "sk": keys.meter_key(account),
            "version": meter.version + 1,
            "taken": _counted(meter.taken),
            "booked": _counted(meter.booked),
            "urgent": _counted(meter.urgent),
            "turns": {name: {"until": keys.instant(turn.until), "requests": turn.requests} for name, turn in meter.turns.items()},
            **{name: keys.instant(at) for name in _INSTANTS if (at := getattr(meter, name)) is not None},
        }
        try:
            with aws_errors(f"writing the meter of {source}"):
                self.client.put_item(
                    TableName=self.table,
                    Item=to_wire(row),
                    ConditionExpression="attribute_not_exists(version) OR version = :seen",
                    ExpressionAttributeValues=to_wire({":seen": meter.version}),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as exc:
            return _meter(from_wire(exc.item)) if exc.item else self.read(source, account)
        return None


_INSTANTS = ("closed_until", "spared_until")


def _meter(row: Mapping[str, Any]) -> Meter:
    turns = {name: Turn(keys.parse_instant(str(turn["until"])), int(turn["requests"])) for name, turn in row.get("turns", {}).items()}
    closed, spared = (_at(row.get(name)) for name in _INSTANTS)
    return Meter(_counts(row, "taken"), _counts(row, "booked"), _counts(row, "urgent"), turns, closed, spared, int(row["version"]))


def _counted(requests: Mapping[datetime, int]) -> dict[str, int]:
    return {keys.instant(at): count for at, count in requests.items()}


def _counts(row: Mapping[str, Any], name: str) -> dict[datetime, int]:
    counts = cast("Mapping[str, Any]", row.get(name, {}))
    return {keys.parse_instant(at): int(count) for at, count in counts.items()}


def _at(text: object) -> datetime | None:
    return keys.parse_instant(text) if isinstance(text, str) else None
