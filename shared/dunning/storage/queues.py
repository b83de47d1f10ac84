"""The fine wheel and the work queues: SQS, ten messages a call."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from dunning.domain.errors import Permanent, Rejected, Retryable
from dunning.storage import keys
from dunning.storage.translation import aws_errors
from dunning.workflow.ports import SyncBatch, SyncRequest, Wakeup
from dunning.workflow.sweep_ports import SweepStage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

LONGEST_DELAY = 900
LARGEST = 256 * 1024
"""Bytes of one message with its attributes, and of a batch: what SQS has always taken."""

LARGEST_NEWS = 1024 * 1024
"""Bytes of the message with all that one webhook tells: what SQS takes since August 2025 (its quotas of messages).

Lambda takes 6 MB, in which there is no room for more of the providers' events than that: so it is one message, however many they are.
"""

_BATCH = 10
_ATTEMPTS = 3

JsonObject = dict[str, object]


@dataclass(frozen=True, slots=True)
class RunQueue:
    """workflow.ports.Wakeups: messages that say only `look at this customer`."""

    client: SQSClient
    url: str

    def send(self, wakeups: Sequence[Wakeup]) -> None:
        """Send with their delays (seconds, 0 to 900). Raises Retryable when some could not be sent after three attempts."""
        entries = [
            {
                "Id": str(n),
                "MessageBody": json.dumps(_of_wakeup(wakeup)),
                "DelaySeconds": max(0, min(LONGEST_DELAY, wakeup.delay)),
            }
            for n, wakeup in enumerate(wakeups)
        ]
        send_all(self.client, self.url, entries)


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """workflow.ports.DeadLetters: run_step's dead-letter queue, for what no retry will help."""

    client: SQSClient
    url: str

    def send(self, wakeup: Wakeup, reason: str) -> None:
        """Put a customer aside, with the reason. Raises Retryable."""
        with aws_errors("sending to the dead-letter queue"):
            self.client.send_message(
                QueueUrl=self.url,
                MessageBody=json.dumps({"customer": wakeup.customer, "hops": 0}),
                MessageAttributes={"reason": {"DataType": "String", "StringValue": reason[:1000] or "unknown"}},
            )


@dataclass(frozen=True, slots=True)
class Aside:
    """A dead-letter queue, for what no retry will help."""

    client: SQSClient
    url: str

    def put(self, body: str, reason: str) -> None:
        """Put a message aside, with the reason. Raises Retryable."""
        with aws_errors("putting a message aside"):
            self.client.send_message(
                QueueUrl=self.url,
                MessageBody=body,
                MessageAttributes={"reason": {"DataType": "String", "StringValue": reason[:1000] or "unknown"}},
            )


@dataclass(frozen=True, slots=True)
class SyncLetters:
    """sync_invoice's dead-letter queue, for what no retry will help."""

    aside: Aside

    def __call__(self, request: SyncRequest, reason: str) -> None:
        """Put a request aside, with the reason. Raises Retryable."""
        self.aside.put(json.dumps(_sync_body(request)), reason)

    def of_many(self, batch: SyncBatch, reason: str) -> None:
        """Put a message aside that asks for many things, with the reason. Raises Retryable."""
        self.aside.put(json.dumps(_batch_body(batch), separators=(",", ":")), reason)


@dataclass(frozen=True, slots=True)
class SyncRequests:
    """workflow.ports.SyncQueue."""

    client: SQSClient
    url: str

    def send(self, requests: Sequence[SyncRequest], delay: int = 0) -> None:
        """Ask for a fetch of each, after so many seconds (0 to 900). Raises Retryable."""
        later = {"DelaySeconds": delay} if delay else {}
        send_all(
            self.client,
            self.url,
            [{"Id": str(n), "MessageBody": json.dumps(_sync_body(request)), **later} for n, request in enumerate(requests)],
        )


@dataclass(frozen=True, slots=True)
class SyncBatches:
    """workflow.ports.SyncBatches: `{"source": …, "stamp": …, "hops": 0, "requests": {"<account>": {"invoice": ["1", "2"]}}}`."""

    client: SQSClient
    url: str

    def send(self, batch: SyncBatch, delay: int = 0) -> None:
        """Send in one message (several where one would be too large), visible after so many seconds (0 to 900). Raises Retryable."""
        requests = batch.requests
        body = json.dumps(_batch_body(batch), separators=(",", ":"))
        if len(body.encode()) > LARGEST_NEWS and len(requests) > 1:
            half = len(requests) // 2
            self.send(SyncBatch(requests[:half], batch.hops), delay)
            self.send(SyncBatch(requests[half:], batch.hops), delay)
            return
        later = {"DelaySeconds": delay} if delay else {}
        send_all(self.client, self.url, [{"Id": "0", "MessageBody": body, **later}])


@dataclass(frozen=True, slots=True)
class SweepContinuations:
    """workflow.ports.SweepQueue."""

    client: SQSClient
    url: str

    def send(self, stage: SweepStage, delay: int = 0) -> None:
        """Continue the sweep with this stage, after so many seconds (0 to 900). Raises Retryable."""
        body = {
            "source": stage.source,
            "run": stage.run,
            "stage": stage.stage,
            "started_at": keys.instant(stage.started_at),
            "page": stage.page,
            "cursor": stage.cursor,
            **({"account": stage.account} if stage.account else {}),
            **({"since": keys.instant(stage.since)} if stage.since else {}),
            **({"tries": stage.tries} if stage.tries else {}),
            **({"unreadable": stage.unreadable} if stage.unreadable else {}),
        }
        with aws_errors("continuing the sweep"):
            self.client.send_message(QueueUrl=self.url, MessageBody=json.dumps(body), DelaySeconds=delay)


def send_all(client: SQSClient, url: str, entries: Sequence[dict[str, Any]]) -> None:
    """Send messages (entries of SendMessageBatch), ten a call; what failed is sent again. Raises Retryable.

    What is refused by itself keeps back none of those behind it: it is told when all have had their turn.
    """
    refused = [one for batch in _batches(entries) for one in _not_taken(client, url, batch)]
    if refused:
        raise Retryable(f"{len(refused)} messages were not taken by the queue")


def _batches(entries: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for entry in entries:
        bytes_more = len(entry["MessageBody"].encode())
        if batch and (len(batch) == _BATCH or size + bytes_more > LARGEST):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += bytes_more
    if batch:
        yield batch


def _not_taken(client: SQSClient, url: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Send one batch; a 200 may carry failures, and only those are sent again. What is left in the end. Raises Retryable, Permanent."""
    for attempt in range(_ATTEMPTS):
        try:
            with aws_errors("sending to a queue"):
                entries = _failed(client, url, entries)
        except (Retryable, Permanent):
            if attempt == 0:
                raise  # the queue itself, and not one message
        if not entries:
            break
    return entries


def _failed(client: SQSClient, url: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if len(entries) == 1:
        client.send_message(QueueUrl=url, **{name: value for name, value in entries[0].items() if name != "Id"})
        return []
    answer = client.send_message_batch(QueueUrl=url, Entries=cast("list[SendMessageBatchRequestEntryTypeDef]", entries))
    failed = {entry["Id"] for entry in answer.get("Failed", [])}
    return [entry for entry in entries if entry["Id"] in failed]


def _sync_body(request: SyncRequest) -> JsonObject:
    return {
        "source": request.source,
        "kind": request.kind,
        "id": request.id,
        "customer": request.customer,
        "stamp": keys.instant(request.stamp) if request.stamp else None,
        "detail": request.detail,
        **({"account": request.account} if request.account else {}),
        **({"tries": request.tries} if request.tries else {}),
    }


def _batch_body(batch: SyncBatch) -> JsonObject:
    first = batch.requests[0]
    grouped: dict[str, dict[str, list[str]]] = {}
    for request in batch.requests:
        grouped.setdefault(request.account or "", {}).setdefault(request.kind, []).append(request.id)
    return {
        "source": first.source,
        "stamp": keys.instant(first.stamp) if first.stamp else None,
        "hops": batch.hops,
        "requests": grouped,
    }


def read_sync_batch(body: str) -> SyncBatch | None:
    """The requests in a message that names many things; None for a message that names one. Raises Rejected."""
    data = _object(body)
    grouped = data.get("requests")
    if not isinstance(grouped, dict):
        return None
    source, stamp, hops = _required(data, "source"), data.get("stamp"), data.get("hops", 0)
    received = _instant(stamp, "stamp") if isinstance(stamp, str) else None
    requests = [
        SyncRequest(source, str(kind), bare_id, stamp=received, account=str(account) or None)
        for account, kinds in grouped.items()
        if isinstance(kinds, dict)
        for kind, ids in kinds.items()
        if isinstance(ids, list)
        for bare_id in ids
        if isinstance(bare_id, str) and bare_id
    ]
    if not requests:
        raise Rejected("queue message asks for nothing")
    return SyncBatch(tuple(requests), hops if isinstance(hops, int) else 0)


def read_wakeup(body: str) -> Wakeup:
    """The wakeup in a message's body. Raises Rejected."""
    data = _object(body)
    hops = data.get("hops", 0)
    since = data.get("let_go")
    return Wakeup(
        _required(data, "customer"),
        hops=hops if isinstance(hops, int) else 0,
        let_go=_instant(since, "let_go") if isinstance(since, str) else None,
        without_mail=data.get("without_mail") is True,
    )


def _of_wakeup(wakeup: Wakeup) -> JsonObject:
    body: JsonObject = {"customer": wakeup.customer, "hops": wakeup.hops}
    if wakeup.let_go:
        body["let_go"] = keys.instant(wakeup.let_go)
    return {**body, "without_mail": True} if wakeup.without_mail else body


def read_sync_request(body: str) -> SyncRequest:
    """The request in a message's body. Raises Rejected."""
    data = _object(body)
    stamp = data.get("stamp")
    tries = data.get("tries", 0)
    return SyncRequest(
        source=_required(data, "source"),
        kind=_required(data, "kind"),
        id=_required(data, "id"),
        customer=_optional(data, "customer"),
        stamp=_instant(stamp, "stamp") if isinstance(stamp, str) else None,
        detail=_optional(data, "detail"),
        account=_optional(data, "account"),
        tries=tries if isinstance(tries, int) else 0,
    )


def read_sweep_stage(body: str) -> SweepStage:
    """The stage in a message's body. Raises Rejected."""
    data = _object(body)
    page, since, tries = data.get("page", 0), data.get("since"), data.get("tries", 0)
    unreadable = data.get("unreadable")
    return SweepStage(
        source=_required(data, "source"),
        run=_required(data, "run"),
        stage=_required(data, "stage"),
        started_at=_instant(_required(data, "started_at"), "started_at"),
        page=page if isinstance(page, int) else 0,
        cursor=_optional(data, "cursor"),
        account=_optional(data, "account"),
        since=_instant(since, "since") if isinstance(since, str) else None,
        tries=tries if isinstance(tries, int) and tries > 0 else 0,
        unreadable=unreadable if isinstance(unreadable, int) and unreadable > 0 else 0,
    )


def _object(body: str) -> JsonObject:
    try:
        data = json.loads(body)
    except ValueError as exc:
        raise Rejected(f"queue message is not JSON: {body[:40]!r}") from exc
    if not isinstance(data, dict):
        raise Rejected("queue message is not a JSON object")
    return data


def _required(data: JsonObject, name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise Rejected(f"queue message has no {name}")
    return value


def _instant(text: str, name: str) -> datetime:
    try:
        return keys.parse_instant(text)
    except ValueError as exc:
        raise Rejected(f"queue message: {name} is no instant, or has no time zone") from exc


def _optional(data: JsonObject, name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) else None
