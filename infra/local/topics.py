"""A stand-in for SNS: text messages and team notices end in the outbox, everything else goes on to subscribers."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4
from xml.sax.saxutils import escape

from moto.sns.models import sns_backends
from moto.sns.utils import FilterPolicyMatcher, is_e164

from infra.local.json_edges import Json
from infra.local.moto_door import Reply
from infra.local.outbox import Outbox, about_from_attributes
from infra.local.stack import Subscription

_STOP_WORDS = frozenset({"stop", "stopall", "end", "quit", "cancel", "unsubscribe", "optout", "opt-out", "arret", "revoke"})
_LONGEST_SUBJECT = 100
_XML = {"Content-Type": "text/xml"}


@dataclass(slots=True)
class Topics:
    """SNS of one account. `teams` are the team names by topic ARN; `wake` and `send` hand on to a function or a queue, by ARN."""

    clock: Callable[[], datetime]
    outbox: Outbox
    teams: Mapping[str, str]
    subscriptions: Sequence[Subscription]
    wake: Callable[[str, Json], None]
    send: Callable[[str, str, Mapping[str, str]], None]
    account: str
    region: str
    opted_out: set[str] = field(default_factory=set)

    def heard(self, sender: str, body: str) -> None:
        """A text message to us: SNS itself obeys STOP and START (docs.aws.amazon.com/sns/latest/dg/sms_manage.html)."""
        word = body.strip().lower()
        if word in _STOP_WORDS:
            self.opted_out.add(sender)
        elif word == "start":
            self.opted_out.discard(sender)

    def number_checked(self, form: Mapping[str, str]) -> Reply:
        """CheckIfPhoneNumberIsOptedOut."""
        said = "true" if form.get("phoneNumber", "") in self.opted_out else "false"
        result = f"<CheckIfPhoneNumberIsOptedOutResult><isOptedOut>{said}</isOptedOut></CheckIfPhoneNumberIsOptedOutResult>"
        name = "CheckIfPhoneNumberIsOptedOutResponse"
        return Reply(200, _XML, f"<{name}>{result}<ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></{name}>".encode())

    def published_by_request(self, form: Mapping[str, str]) -> Reply:
        """Publish, as the query protocol's form says it."""
        attributes = _attributes(form)
        message, subject = form.get("Message", ""), form.get("Subject")
        if number := form.get("PhoneNumber"):
            if not is_e164(number):
                return _refused("InvalidParameter", f"Invalid parameter: PhoneNumber Reason: {number} is not valid to publish to")
            self.outbox.add("sms", about_from_attributes(attributes), self.clock(), to=[number], text=message)
            return _accepted(str(uuid4()))
        topic = form.get("TopicArn") or form.get("TargetArn", "")
        if topic not in sns_backends[self.account][self.region].topics:
            return _refused("NotFound", "Topic does not exist", 404)
        if subject is not None and (not subject or len(subject) > _LONGEST_SUBJECT or not subject.isprintable()):
            return _refused("InvalidParameter", "Invalid parameter: Subject")
        if not message:
            return _refused("InvalidParameter", "Invalid parameter: Empty message")
        if team := self.teams.get(topic):
            self.outbox.add("team", about_from_attributes(attributes), self.clock(), to=[team], subject=subject, text=message)
        return _accepted(self.publish(topic, message, subject, attributes))

    def publish(self, topic: str, message: str, subject: str | None = None, attributes: Mapping[str, str] | None = None) -> str:
        """Hand a message to the topic's subscribers; answers its id. Those by mail, HTTP and SMS get nothing."""
        message_id = str(uuid4())
        shown: Json = {name: {"Type": "String", "Value": value} for name, value in (attributes or {}).items()}
        for subscription in self.subscriptions:
            if subscription.topic != topic or not _matches(subscription, shown, message):
                continue
            notice = self._notice(topic, message_id, message, subject, shown)
            if subscription.protocol == "lambda":
                source = {"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": f"{topic}:local"}
                self.wake(subscription.endpoint, {"Records": [{**source, "Sns": notice}]})
            elif subscription.protocol == "sqs" and subscription.raw:
                self.send(subscription.endpoint, message, attributes or {})
            elif subscription.protocol == "sqs":
                self.send(subscription.endpoint, json.dumps(notice), {})
        return message_id

    def _notice(self, topic: str, message_id: str, message: str, subject: str | None, attributes: Json) -> Json:
        return {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": topic,
            "Subject": subject,
            "Message": message,
            "Timestamp": self.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "SignatureVersion": "1",
            "Signature": "local",
            "SigningCertUrl": "https://sns.example.com/local.pem",
            "UnsubscribeUrl": "https://sns.example.com/unsubscribe",
            "MessageAttributes": attributes,
        }


def _matches(subscription: Subscription, attributes: Json, message: str) -> bool:
    return FilterPolicyMatcher(subscription.filter_policy, subscription.filter_scope).matches(attributes, message)


def _attributes(form: Mapping[str, str]) -> dict[str, str]:
    attributes = {}
    for key, name in form.items():
        if key.startswith("MessageAttributes.entry.") and key.endswith(".Name"):
            attributes[name] = form.get(f"{key.removesuffix('Name')}Value.StringValue", "")
    return attributes


def _accepted(message_id: str) -> Reply:
    body = f"<PublishResponse><PublishResult><MessageId>{message_id}</MessageId></PublishResult></PublishResponse>"
    return Reply(200, _XML, body.encode())


def _refused(code: str, message: str, status: int = 400) -> Reply:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return Reply(status, _XML, f"<ErrorResponse>{error}<RequestId>local</RequestId></ErrorResponse>".encode())
