"""`dunning redrive`: what lies in the dead-letter queues is sent back, after a person mended the cause."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar, cast

from dunning.bootstrap import Platform, daily_sweep
from dunning.bootstrap.digest import daily_digest
from dunning.bootstrap.feed import PublishServices, publish_activity
from dunning.bootstrap.operating import redrive_case
from dunning.domain.errors import DunningError, Rejected
from dunning.storage.activity_stream import read_stream_record
from dunning.storage.note_queues import read_note_request
from dunning.storage.queues import read_sweep_stage, read_sync_batch, read_sync_request, read_wakeup
from dunning.storage.translation import aws_errors
from dunning.workflow.unforeseen import foreseen
from infra.letter_reasons import WHY
from infra.stream_letters import PLACE, Found, StreamsClient, activities_at

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_NOTED_BY = {"stripe": "StripeNotes", "quickbooks": "QuickBooksNotes", "xero": "XeroNotes"}
A_DAY = timedelta(days=1)
_SPENT = ("tries", "hops")
_Answer = TypeVar("_Answer")
_Act = Callable[[str], str]
"""What is done with a letter's body, and what became of it. Raises Rejected for one that cannot be read."""


@dataclass(frozen=True, slots=True)
class Redriven:
    """One dead letter: its queue's logical id, why it was there, and what became of it."""

    queue: str
    reason: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Redriver:
    """Works on a deployed stack, or on the local cloud's.

    `platform.env` is that of any of the stack's functions; `queue_url` finds a queue by its logical id. `wait_seconds`: a queue that
    is not waited for may answer that it is empty though it is not, for SQS then asks only some of its servers
    (Amazon SQS Developer Guide, "Amazon SQS short and long polling").
    """

    platform: Platform
    queue_url: Callable[[str], str]
    wait_seconds: int = 2

    def __call__(self, *, drop_unreadable: bool = False) -> list[Redriven]:
        """Empty the queues; what cannot be read stays where it is, and is told, unless it is to be dropped.

        Whatever fails with one letter, or with one queue, is told, and the others have their turn.
        """
        sqs: SQSClient = self.platform.session.client("sqs")
        sns: SNSClient = self.platform.session.client("sns")
        redrive = redrive_case(self.platform)
        to_sync, to_sweep = self._to(sqs, "SyncQueue"), self._to(sqs, "SweepQueue")
        acts: dict[str, _Act] = {
            "RunDeadLetters": lambda body: redrive(read_wakeup(body).customer),
            "SyncDeadLetters": lambda body: to_sync(_readable(body, lambda: read_sync_batch(body) or read_sync_request(body))),
            "SweepDeadLetters": lambda body: to_sweep(_readable(body, lambda: read_sweep_stage(body))),
            "NoteDeadLetters": lambda body: self._note(sqs, body),
            "ActivityDeadLetters": self._published(),
            "EventDeadLetters": lambda body: self._event(sns, body),
        }
        return [told for queue, act in acts.items() for told in self._emptied(sqs, queue, act, drop_unreadable=drop_unreadable)]

    def _emptied(self, sqs: SQSClient, queue: str, act: _Act, *, drop_unreadable: bool) -> list[Redriven]:
        try:
            letters = _attempt(f"reading {queue}", lambda: self._letters(sqs, queue))
        except DunningError as exc:
            return [Redriven(queue, "", f"left there, whatever there is: {exc}")]
        return [self._told(sqs, queue, message, act, drop_unreadable=drop_unreadable) for message in letters]

    def _published(self) -> _Act:
        """What was put aside, with its record or only its place in the stream, is published, and its notes are asked for.

        Of several records at one place each that cannot be read becomes a letter of its own.
        """
        services: list[PublishServices] = []

        def publish(body: str) -> str:
            record = _record(body)
            if PLACE in record:
                streams = cast("StreamsClient", self.platform.session.client("dynamodbstreams"))
                found = activities_at(streams, record)
            else:
                found = Found([read_stream_record(record)])
            if not services:
                services.append(publish_activity(self.platform))
            return publish_found(found, services[0])

        return publish

    def _note(self, sqs: SQSClient, body: str) -> str:
        """A note goes back to the queue of its own source."""
        queue = _NOTED_BY.get(read_note_request(body).customer.partition(":")[0])
        if queue is None:
            raise Rejected("a note for a source that takes none")
        return self._to(sqs, queue)(body)

    def _event(self, sns: SNSClient, body: str) -> str:
        """A report of SES is published again, and a sweep of the last day begun as of its hour. A turn of the wheel needs no repeating."""
        try:
            event = json.loads(body)
            reports = [(record["Sns"]["TopicArn"], record["Sns"]["Message"]) for record in event.get("Records", [])]
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise Rejected("neither a report of SES nor a schedule's event") from exc
        for topic, message in reports:
            sns.publish(TopicArn=str(topic), Message=str(message))
        if reports:
            return "published again"
        function, at = _schedule_of(event)
        if function != "DailySweepFunction":
            return "dropped: later turns did its work"
        if self.platform.clock() - at >= A_DAY:
            return "dropped: a later sweep did its work"
        daily_sweep(self.platform).sweep.start(at)
        daily_digest(self.platform)(at)
        return "begun again"

    def _to(self, sqs: SQSClient, queue: str) -> _Act:
        def send(body: str) -> str:
            sqs.send_message(QueueUrl=self.queue_url(queue), MessageBody=_with_all_its_tries(body))
            return "sent back"

        return send

    def _letters(self, sqs: SQSClient, queue: str) -> list[MessageTypeDef]:
        """All that are there now: what comes back while the others are sent back waits for the next time."""
        url, wait = self.queue_url(queue), self.wait_seconds
        found: dict[str, MessageTypeDef] = {}
        while messages := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=wait
        ).get("Messages", []):
            known = len(found)
            found |= {message.get("MessageId", ""): message for message in messages}
            if len(found) == known:
                break
        return list(found.values())

    def _told(self, sqs: SQSClient, queue: str, message: MessageTypeDef, act: _Act, *, drop_unreadable: bool) -> Redriven:
        """Act first, delete then: a letter may be sent back twice, never lost."""
        attributes = message.get("MessageAttributes", {})
        reason = next((attributes[name].get("StringValue", "") for name in WHY if name in attributes), "")
        receipt = message.get("ReceiptHandle", "")
        try:
            outcome = _outcome(queue, message, act, drop_unreadable=drop_unreadable)
            _attempt(f"taking it out of {queue}", lambda: sqs.delete_message(QueueUrl=self.queue_url(queue), ReceiptHandle=receipt))
        except DunningError as exc:
            return Redriven(queue, reason, f"left there: {exc}")
        return Redriven(queue, reason, outcome)


def _outcome(queue: str, message: MessageTypeDef, act: _Act, *, drop_unreadable: bool) -> str:
    try:
        return _attempt(f"a letter of {queue}", lambda: act(message.get("Body", "")))
    except Rejected as exc:
        if not drop_unreadable:
            raise
        return f"dropped: {exc}"


def _attempt(what: str, act: Callable[[], _Answer]) -> _Answer:
    """Do it. Raises a DunningError whatever goes wrong, with AWS's own code where it was AWS that refused."""

    def attempt() -> _Answer:
        with aws_errors(what):
            return act()

    return foreseen(attempt)


def publish_found(found: Found, services: PublishServices) -> str:
    """Publish what can be read; each of the others becomes a letter of its own, with its record and reason. Raises Retryable."""
    services.publish(found.activities)
    for record, reason in found.unreadable:
        services.aside.put(record, reason)
    return "; ".join(["published"] * bool(found.activities) + [f"left there by itself: {reason}" for _, reason in found.unreadable])


def _with_all_its_tries(body: str) -> str:
    """A request, a stage or a note as if it were new: what it has spent, it spent before a person mended the cause."""
    told: object = json.loads(body)
    if not isinstance(told, dict) or told.keys().isdisjoint(_SPENT):
        return body
    return json.dumps({name: value for name, value in told.items() if name not in _SPENT} | ({"hops": 0} if "hops" in told else {}))


def _readable(body: str, read: Callable[[], object]) -> str:
    """The body, which would be put aside again at once if it could not be read. Raises Rejected."""
    read()
    return body


def _record(body: str) -> dict[str, object]:
    """A record of the stream, or Lambda's letter about some. Raises Rejected."""
    try:
        record = json.loads(body)
    except ValueError as exc:
        raise Rejected("no record of the stream") from exc
    return record if isinstance(record, dict) else {}


def _schedule_of(event: dict[str, object]) -> tuple[str, datetime]:
    """The function whose rule it was that spoke, and when. Raises Rejected."""
    rules, at = event.get("resources"), event.get("time")
    named = [name for name in ("DailySweepFunction", "DispatchDueFunction") if name in json.dumps(rules)]
    try:
        instant = datetime.fromisoformat(str(at))
    except ValueError as exc:
        raise Rejected("neither a report of SES nor a schedule's event") from exc
    if not named or instant.tzinfo is None:
        raise Rejected("neither a report of SES nor an event of a schedule of ours")
    return named[0], instant
