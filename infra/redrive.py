"""`dunning redrive`: what lies in the dead-letter queues is sent back, after a person mended the cause."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dunning.bootstrap import Platform
from dunning.bootstrap.operating import release_case
from dunning.domain.errors import DunningError, Rejected
from dunning.storage.note_queues import read_note_request
from dunning.storage.queues import read_wakeup

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_NOTED_BY = {"stripe": "StripeNotes", "quickbooks": "QuickBooksNotes", "xero": "XeroNotes"}
_SENT_BACK_TO = {"SyncDeadLetters": "SyncQueue", "SweepDeadLetters": "SweepQueue"}


@dataclass(frozen=True, slots=True)
class Redriven:
    """One dead letter: its queue's logical id, why it was there, and what became of it."""

    queue: str
    reason: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Redriver:
    """Works on a deployed stack, or on the local cloud's.

    `platform.env` is that of any of the stack's functions; `queue_url` finds a queue by its logical id.
    """

    platform: Platform
    queue_url: Callable[[str], str]

    def __call__(self) -> list[Redriven]:
        """Empty the queues; what cannot be read stays where it is, and is told."""
        sqs: SQSClient = self.platform.session.client("sqs")
        release = release_case(self.platform)
        done = [
            self._told(sqs, "RunDeadLetters", message, lambda body: release(read_wakeup(body).customer, "redriven"))
            for message in self._letters(sqs, "RunDeadLetters")
        ]
        for queue, source in _SENT_BACK_TO.items():
            url = self.queue_url(source)
            done += [self._told(sqs, queue, message, _to(sqs, url)) for message in self._letters(sqs, queue)]
        done += [
            self._told(sqs, "NoteDeadLetters", message, lambda body: self._note(sqs, body))
            for message in self._letters(sqs, "NoteDeadLetters")
        ]
        sns: SNSClient = self.platform.session.client("sns")
        done += [
            self._told(sqs, "EventDeadLetters", message, lambda body: _event(sns, body))
            for message in self._letters(sqs, "EventDeadLetters")
        ]
        return done

    def _note(self, sqs: SQSClient, body: str) -> str:
        """A note goes back to the queue of its own source."""
        queue = _NOTED_BY.get(read_note_request(body).customer.partition(":")[0])
        if queue is None:
            raise Rejected("a note for a source that takes none")
        return _to(sqs, self.queue_url(queue))(body)

    def _letters(self, sqs: SQSClient, queue: str) -> Iterator[MessageTypeDef]:
        url = self.queue_url(queue)
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get("Messages", []):
            yield from messages

    def _told(self, sqs: SQSClient, queue: str, message: MessageTypeDef, act: Callable[[str], str]) -> Redriven:
        """Act first, delete then: a letter may be sent back twice, never lost."""
        attributes = message.get("MessageAttributes", {})
        reason = next((attributes[name].get("StringValue", "") for name in ("reason", "ErrorMessage") if name in attributes), "")
        try:
            outcome = act(message.get("Body", ""))
        except DunningError as exc:
            return Redriven(queue, reason, f"left there: {exc}")
        sqs.delete_message(QueueUrl=self.queue_url(queue), ReceiptHandle=message.get("ReceiptHandle", ""))
        return Redriven(queue, reason, outcome)


def _to(sqs: SQSClient, url: str) -> Callable[[str], str]:
    def send(body: str) -> str:
        sqs.send_message(QueueUrl=url, MessageBody=body)
        return "sent back"

    return send


def _event(sns: SNSClient, body: str) -> str:
    """A report of SES is published again; a turn of the clock needs no repeating: later turns did its work."""
    try:
        event = json.loads(body)
        records = event.get("Records", [])
        reports = [(record["Sns"]["TopicArn"], record["Sns"]["Message"]) for record in records]
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise Rejected("neither a report of SES nor a schedule's event") from exc
    for topic, message in reports:
        sns.publish(TopicArn=str(topic), Message=str(message))
    return "published again" if reports else "dropped: later turns did its work"
