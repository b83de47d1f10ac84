"""The queues in front of write_back, one a source."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.errors import Rejected
from dunning.storage import keys
from dunning.storage.queues import send_all
from dunning.storage.translation import aws_errors
from dunning.workflow.activity_feed import LoggedActivity, NoteRequest

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_LONGEST_HIDDEN = 43_200


@dataclass(frozen=True, slots=True)
class SqsNoteQueue:
    """workflow.activity_feed.NoteQueue."""

    client: SQSClient
    url: str

    def send(self, requests: Sequence[NoteRequest], delay: int = 0) -> None:
        """Ask for each note, after so many seconds (0 to 900). Raises Retryable."""
        later = {"DelaySeconds": delay} if delay else {}
        send_all(self.client, self.url, [{"Id": str(n), "MessageBody": written(request), **later} for n, request in enumerate(requests)])

    def hide(self, receipt: str, seconds: int) -> None:
        """Let a message that was received come again only then; at most twelve hours, as SQS has it. Raises Retryable."""
        with aws_errors("hiding a message"):
            self.client.change_message_visibility(QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=min(_LONGEST_HIDDEN, seconds))


def written(request: NoteRequest) -> str:
    """The message that asks for the notes of one invoice."""
    body = {
        "customer": request.customer,
        "invoice": request.invoice,
        "activities": [_activity_body(logged) for logged in request.activities],
        "tries": request.tries,
    }
    return json.dumps(body)


def _activity_body(logged: LoggedActivity) -> dict[str, object]:
    activity = logged.activity
    body = {
        "id": logged.id,
        "at": keys.instant(activity.at),
        "type": activity.type.value,
        "step": activity.step,
        "channel": activity.channel,
        "reason": activity.reason,
    }
    return {name: value for name, value in body.items() if value is not None}


def read_note_request(body: str) -> NoteRequest:
    """The request in a message's body. Raises Rejected."""
    try:
        data = json.loads(body)
        customer, invoice, tries = str(data["customer"]), str(data["invoice"]), data.get("tries", 0)
        activities = tuple(_read_activity(one, customer, invoice) for one in data["activities"])
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise Rejected(f"a message asks for no note: {exc!r}") from exc
    return NoteRequest(customer, invoice, activities, tries if isinstance(tries, int) else 0)


def _read_activity(data: dict[str, str], customer: str, invoice: str) -> LoggedActivity:
    activity = Activity(
        at=keys.parse_instant(data["at"]),
        type=ActivityType(data["type"]),
        reason=data.get("reason"),
        invoices=(invoice,),
        step=data.get("step"),
        channel=data.get("channel"),
    )
    return LoggedActivity(data["id"], customer, activity)
