"""DynamoDB streams: a table's changes that wake a function, filtered and in batches."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

from moto.dynamodb.models import dynamodb_backends
from moto.events.models import EventPattern
from moto.events.utils import EventMessageType

from infra.local.json_edges import Json, mapping, mappings, text
from infra.local.lambda_service import LambdaService, Outcome
from infra.local.queues import Queues
from infra.local.stack import Stack, StreamMapping

_RETRY_AFTER = timedelta(seconds=30)


class StreamSource:
    """One table's stream that wakes one function. A failed batch blocks those behind it until it succeeds or is given up."""

    def __init__(
        self, mapped: StreamMapping, stack: Stack, functions: LambdaService, queues: Queues, clock: Callable[[], datetime]
    ) -> None:
        self._mapped = mapped
        self._functions = functions
        self._queues = queues
        self._clock = clock
        table = dynamodb_backends[stack.account][stack.region].tables[mapped.table]
        if table.stream_shard is None:
            raise ValueError(f"table {mapped.table} has no stream")
        self._shard = table.stream_shard
        self._arn = f"{table.table_arn}/stream/{table.latest_stream_label}"
        self._patterns = [EventPattern.load(pattern) for pattern in mapped.filters]
        self._read = 0
        self._failed_attempts = 0
        self._not_before: datetime | None = None
        self._most = mapped.batch_size

    def next_at(self) -> datetime | None:
        """Now when there are changes to read, later when the last attempt failed."""
        if self._read >= len(self._shard.items):
            return None
        return self._not_before or self._clock()

    def run(self) -> None:
        """Hand one batch to the function."""
        end = min(self._read + self._most, len(self._shard.items))
        records = [_record(mapping(item.to_json()), self._arn) for item in self._shard.items[self._read : end]]
        matching = [
            record
            for record in records
            if not self._patterns or any(pattern.matches_event(cast("EventMessageType", record)) for pattern in self._patterns)
        ]
        if not matching:
            self._go_on(end)
            return
        outcome = self._functions.invoke(self._mapped.function, {"Records": matching})
        failed_at = self._first_failure(outcome, records)
        if failed_at is None:
            self._go_on(end)
        elif failed_at > 0:
            self._go_on(self._read + failed_at)
        else:
            self._try_again(end, matching, outcome)

    def _first_failure(self, outcome: Outcome, records: list[Json]) -> int | None:
        if outcome.error is not None:
            return 0
        failures = mappings(mapping(outcome.payload).get("batchItemFailures")) if self._mapped.partial_failures else []
        named = {text(failure.get("itemIdentifier")) for failure in failures}
        positions = [position for position, record in enumerate(records) if mapping(record["dynamodb"])["SequenceNumber"] in named]
        return (min(positions) if positions else 0) if failures else None

    def _go_on(self, position: int) -> None:
        self._read, self._failed_attempts, self._not_before, self._most = position, 0, None, self._mapped.batch_size

    def _try_again(self, end: int, records: list[Json], outcome: Outcome) -> None:
        if self._mapped.bisect and end - self._read > 1:
            self._most = (end - self._read + 1) // 2  # splitting counts as no attempt
            return
        self._failed_attempts += 1
        if self._mapped.retries is None or self._failed_attempts <= self._mapped.retries:
            self._not_before = self._clock() + _RETRY_AFTER
            return
        if self._mapped.on_failure:
            reason = outcome.error or "the function reported a record as failed"
            first, *_, last = [mapping(record["dynamodb"]) for record in (*records, records[-1])]
            place = {
                "shardId": self._shard.id,
                "startSequenceNumber": first["SequenceNumber"],
                "endSequenceNumber": last["SequenceNumber"],
                "batchSize": len(records),
                "streamArn": self._arn,
            }
            self._queues.send(self._mapped.on_failure, json.dumps({"DDBStreamBatchInfo": place}), {"ErrorMessage": reason})
        self._go_on(end)


def _record(record: Json, arn: str) -> Json:
    change = mapping(record["dynamodb"])
    created = change["ApproximateCreationDateTime"]
    seconds = created.timestamp() if isinstance(created, datetime) else created
    return {**record, "eventSourceARN": arn, "dynamodb": {**change, "ApproximateCreationDateTime": seconds}}
