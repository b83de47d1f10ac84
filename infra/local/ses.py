"""A stand-in for SES v2: takes mail, knows its quota, reports what becomes of each mail to the configuration set's topic.

moto drops headers, tags and the text part, and has no GetAccount.
"""

import base64
import email
import email.policy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from uuid import uuid4

from dunning.domain.errors import Rejected
from infra.local.json_edges import Json, mapping, mappings, text, texts
from infra.local.moto_door import Reply, json_reply
from infra.local.outbox import Outbox, about_from_tags

_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
_MOST_RECIPIENTS = 50
_MOST_HEADERS = 15
_MOST_TAGS = 50
_LARGEST_MAIL = 40 * 1024 * 1024
_PER_DAY = 50_000
_PER_SECOND = 14
_BOUNCES = {
    "permanent": ("Permanent", "5.1.1", "smtp; 550 5.1.1 user unknown"),
    "transient": ("Transient", "4.2.2", "smtp; 452 4.2.2 over quota"),
}


@dataclass(frozen=True, slots=True)
class EventDestination:
    """A configuration set's SNS topic, and the event types (`SEND`, `BOUNCE`, …) that go there."""

    topic: str
    event_types: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Body:
    subject: str
    text: str | None
    html: str | None
    headers: dict[str, str]
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Mail:
    message_id: str
    sent_at: datetime
    source: str
    to: list[str]
    cc: list[str]
    bcc: list[str]
    body: _Body
    tags: dict[str, str]
    configuration_set: str

    @property
    def recipients(self) -> list[str]:
        return [*self.to, *self.cc, *self.bcc]


class _Refused(Exception):
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.reply = json_reply({"message": message}, status, code)


@dataclass(slots=True)
class MailService:
    """SES of one account. `per_day` is its quota over 24 hours, `per_second` its send rate, both in recipients: set them to try
    what happens beyond.
    """

    clock: Callable[[], datetime]
    outbox: Outbox
    publish: Callable[[str, str], object]
    account: str
    region: str
    identities: frozenset[str] = frozenset()
    destinations: Mapping[str, Sequence[EventDestination]] = field(default_factory=dict)
    per_day: int = _PER_DAY
    per_second: int = _PER_SECOND
    _mails: list[_Mail] = field(default_factory=list)

    def send(self, request: Json) -> Reply:
        """SendEmail: accept a mail, or refuse it as SES does."""
        try:
            mail = self._read(request)
        except _Refused as refused:
            return refused.reply
        self._mails.append(mail)
        body = mail.body
        self.outbox.add(
            "email",
            about_from_tags(mail.tags),
            mail.sent_at,
            to=mail.to,
            cc=mail.cc,
            subject=body.subject,
            text=body.text,
            html=body.html,
            headers=body.headers,
            attachments=body.attachments,
        )
        self._report(mail, "Send", {})
        delivery = {
            "timestamp": _stamp(mail.sent_at),
            "processingTimeMillis": 1,
            "recipients": mail.recipients,
            "smtpResponse": "250 2.0.0 OK",
        }
        self._report(mail, "Delivery", delivery)
        return json_reply({"MessageId": mail.message_id})

    def get_account(self) -> Reply:
        """GetAccount: an account out of the sandbox, with what is left of its quota."""
        quota = {"Max24HourSend": self.per_day, "MaxSendRate": self.per_second, "SentLast24Hours": self._sent_lately()}
        return json_reply(
            {
                "DedicatedIpAutoWarmupEnabled": False,
                "EnforcementStatus": "HEALTHY",
                "ProductionAccessEnabled": True,
                "SendQuota": quota,
                "SendingEnabled": True,
            }
        )

    def report(self, to: str, event: str, bounce: str | None) -> None:
        """Say what became of the last mail to an address: bounce (`permanent` or `transient`), complaint, open, click or reject.

        Raises Rejected when there was no mail to it, or for an event or a bounce that does not exist.
        """
        details = self._details(to, event, bounce)
        mail = next((mail for mail in reversed(self._mails) if to.lower() in map(str.lower, mail.recipients)), None)
        if mail is None:
            raise Rejected(f"no mail went to {to} yet")
        self._report(mail, event.capitalize(), details)

    def _details(self, to: str, event: str, bounce: str | None) -> Json:
        now = _stamp(self.clock())
        reader = {"timestamp": now, "ipAddress": "192.0.2.1", "userAgent": "Mozilla/5.0"}
        match event:
            case "bounce":
                if (bounce or "permanent") not in _BOUNCES:
                    raise Rejected(f"bounce {bounce!r} is unknown: use permanent or transient")
                kind, status, words = _BOUNCES[bounce or "permanent"]
                recipient = {"emailAddress": to, "action": "failed", "status": status, "diagnosticCode": words}
                return {
                    "bounceType": kind,
                    "bounceSubType": "General" if kind == "Permanent" else "MailboxFull",
                    "bouncedRecipients": [recipient],
                    "timestamp": now,
                    "feedbackId": uuid4().hex,
                    "reportingMTA": "dsn; mta.example.com",
                }
            case "complaint":
                return {
                    "complainedRecipients": [{"emailAddress": to}],
                    "timestamp": now,
                    "feedbackId": uuid4().hex,
                    "complaintFeedbackType": "abuse",
                }
            case "open":
                return {**reader}
            case "click":
                return {**reader, "link": "https://example.com/", "linkTags": None}
            case "reject":
                return {"reason": "Bad content"}
            case _:
                raise Rejected(f"event {event!r} is unknown: use bounce, complaint, open, click or reject")

    def _read(self, request: Json) -> _Mail:
        source = text(request.get("FromEmailAddress"))
        address = _bare(source)
        if not {address, address.rpartition("@")[2]} & self.identities:
            raise _Refused("MessageRejected", f"Email address is not verified. The following identities failed the check: {address}")
        configuration_set = text(request.get("ConfigurationSetName"))
        if configuration_set and configuration_set not in self.destinations:
            raise _Refused("NotFoundException", f"Configuration set <{configuration_set}> does not exist.", 404)
        destination = mapping(request.get("Destination"))
        to, cc, bcc = ([_bare(address) for address in texts(destination.get(f"{kind}Addresses"))] for kind in ("To", "Cc", "Bcc"))
        if not 1 <= len([*to, *cc, *bcc]) <= _MOST_RECIPIENTS:
            raise _Refused("BadRequestException", f"Give 1 to {_MOST_RECIPIENTS} recipients.")
        if self._sent_lately() + len([*to, *cc, *bcc]) > self.per_day:
            raise _Refused("TooManyRequestsException", "Daily message quota exceeded.", 429)
        if self._sent_this_second() + len([*to, *cc, *bcc]) > max(self.per_second, len([*to, *cc, *bcc])):
            raise _Refused("TooManyRequestsException", "Maximum sending rate exceeded.", 429)
        body = _read_content(mapping(request.get("Content")))
        headers = {"From": source, **body.headers}
        if replies := texts(request.get("ReplyToAddresses")):
            headers["Reply-To"] = ", ".join(replies)
        return _Mail(
            message_id=f"0100{uuid4().hex}-000000",
            sent_at=self.clock(),
            source=source,
            to=to,
            cc=cc,
            bcc=bcc,
            body=_Body(body.subject, body.text, body.html, headers, body.attachments),
            tags=_read_tags(request.get("EmailTags")),
            configuration_set=configuration_set,
        )

    def _sent_lately(self) -> int:
        return self._sent_since(self.clock() - timedelta(hours=24))

    def _sent_this_second(self) -> int:
        return self._sent_since(self.clock().replace(microsecond=0) - timedelta(microseconds=1))

    def _sent_since(self, since: datetime) -> int:
        sent = 0
        for mail in reversed(self._mails):
            if mail.sent_at <= since:
                break
            sent += len(mail.recipients)
        return sent

    def _report(self, mail: _Mail, event_type: str, details: Json) -> None:
        for destination in self.destinations.get(mail.configuration_set, ()):
            if event_type.upper() in destination.event_types:
                event = {"eventType": event_type, "mail": self._as_reported(mail), event_type.lower(): details}
                self.publish(destination.topic, json.dumps(event))

    def _as_reported(self, mail: _Mail) -> Json:
        headers = {"To": ", ".join(mail.to), "Subject": mail.body.subject, **mail.body.headers}
        address = _bare(mail.source)
        tags = {
            "ses:configuration-set": [mail.configuration_set],
            "ses:from-domain": [address.rpartition("@")[2]],
            "ses:source-ip": ["192.0.2.1"],
            **{name: [value] for name, value in mail.tags.items()},
        }
        return {
            "timestamp": _stamp(mail.sent_at),
            "source": mail.source,
            "sourceArn": f"arn:aws:ses:{self.region}:{self.account}:identity/{address}",
            "sendingAccountId": self.account,
            "messageId": mail.message_id,
            "destination": mail.recipients,
            "headersTruncated": False,
            "headers": [{"name": name, "value": value} for name, value in headers.items()],
            "commonHeaders": {"from": [mail.source], "to": mail.to, "messageId": mail.message_id, "subject": mail.body.subject},
            "tags": tags,
        }


def _bare(address: str) -> str:
    return parseaddr(address)[1] or address


def _stamp(instant: datetime) -> str:
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_tags(value: object) -> dict[str, str]:
    tags = {text(tag.get("Name")): text(tag.get("Value")) for tag in mappings(value)}
    if len(tags) > _MOST_TAGS:
        raise _Refused("BadRequestException", f"At most {_MOST_TAGS} tags.")
    for name, content in tags.items():
        if not _TAG.fullmatch(name) or not _TAG.fullmatch(content):
            raise _Refused("BadRequestException", f"Invalid tag {name!r}={content!r}: 1 to 256 letters, digits, _ and - each.")
    return tags


def _read_content(content: Json) -> _Body:
    if "Raw" in content:
        return _read_mime(base64.b64decode(text(mapping(content["Raw"]).get("Data"))))
    simple = mapping(content.get("Simple"))
    parts = mapping(simple.get("Body"))
    if not simple or not parts:
        raise _Refused("BadRequestException", "Give Content.Simple with a subject and a body, or Content.Raw.")
    headers = {text(header.get("Name")): text(header.get("Value")) for header in mappings(simple.get("Headers"))}
    if len(headers) > _MOST_HEADERS:
        raise _Refused("BadRequestException", f"At most {_MOST_HEADERS} headers.")
    words = {kind: text(mapping(parts[kind]).get("Data")) for kind in ("Text", "Html") if kind in parts}
    subject = text(mapping(simple.get("Subject")).get("Data"))
    return _Body(subject, words.get("Text"), words.get("Html"), headers, _read_attachments(simple.get("Attachments")))


def _read_attachments(value: object) -> tuple[str, ...]:
    """Their names. SES takes 40 MB in all, and wants a name and a body of each (SES API v2 Reference, Attachment)."""
    rows = mappings(value)
    sizes = [len(base64.b64decode(text(row.get("RawContent")))) for row in rows]
    if not all(text(row.get("FileName")) for row in rows) or not all(sizes):
        raise _Refused("BadRequestException", "Give each attachment a FileName and a RawContent.")
    if sum(sizes) > _LARGEST_MAIL:
        raise _Refused("BadRequestException", "The message is larger than 40 MB.")
    return tuple(text(row.get("FileName")) for row in rows)


def _read_mime(raw: bytes) -> _Body:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    if not isinstance(message, EmailMessage):
        raise _Refused("BadRequestException", "This is no MIME message.")
    words: dict[str, str] = {}
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        if part is not None:
            words[kind] = part.get_content()
    return _Body(message.get("Subject", ""), words.get("plain"), words.get("html"), {name: str(value) for name, value in message.items()})
