"""What customers write to us, read from the JSON strings in SNS messages.

Mail: SES's notification with the raw message (docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html).
Text: AWS End User Messaging (docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html).
"""

import base64
import binascii
import email
import email.policy
import json
import re
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr
from html import unescape
from typing import cast

from dunning.domain.errors import Rejected
from dunning.domain.replying import Inbound

Json = Mapping[str, object]

_TO = ("To", "Cc", "Delivered-To", "X-Original-To")
_ROBOTS = re.compile(r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)([+\-_.].*)?@", re.IGNORECASE)
_AWAY = re.compile(
    r"\s*(re:\s*)?(auto(matic|matische)?[ -]?(reply|response|antwort)|autoreply|out of (the )?office|abwesen(d|heit)|"
    r"réponse automatique|absence|respuesta automática|fuera de (la )?oficina|undeliver(ed|able)|delivery status notification)",
    re.IGNORECASE,
)
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)


def read_inbound(message: str) -> Inbound | None:
    """The mail or text message in a notification; None for other notifications of SES. Raises Rejected for other shapes."""
    try:
        notice = json.loads(message)
    except ValueError as exc:
        raise Rejected("the notification is not JSON") from exc
    if not isinstance(notice, dict):
        raise Rejected("the notification is not a JSON object")
    if "originationNumber" in notice:
        return _sms(cast("Json", notice))
    if notice.get("notificationType") == "Received":
        return _mail(cast("Json", notice))
    if "notificationType" in notice:
        return None
    raise Rejected("the notification is neither a mail nor a text message")


def _sms(notice: Json) -> Inbound:
    sender, found = str(notice["originationNumber"]), str(notice.get("inboundMessageId") or "")
    if not found:
        raise Rejected("the text message has no inboundMessageId")
    return Inbound(f"sms:{found}", "sms", sender, str(notice.get("messageBody") or ""))


def _mail(notice: Json) -> Inbound:
    about, receipt = _object(notice, "mail"), _object(notice, "receipt")
    content = str(notice.get("content") or "")
    message = _parsed(_raw(content, receipt))
    sender = parseaddr(_header(message, "From"))[1] or str(about.get("source") or "")
    recipients = receipt.get("recipients")
    addressed = [str(one) for one in recipients] if isinstance(recipients, list) else []
    addressed += [address for name in _TO if (value := _header(message, name)) for _, address in getaddresses([value])]
    message_id = _header(message, "Message-ID").strip() or str(about.get("messageId") or "")
    if not message_id:
        raise Rejected("the mail has no id")
    return Inbound(
        id=f"mail:{message_id[:200]}",
        channel="email",
        sender=sender,
        text=_text(message),
        subject=" ".join(_header(message, "Subject").split())[:200],
        addressed=tuple(dict.fromkeys(one for one in addressed if one)),
        automatic=_automatic(message, about, receipt, sender),
    )


def _raw(content: str, receipt: Json) -> bytes:
    """SES tells whether it encoded the message."""
    if _object(receipt, "action").get("encoding") != "BASE64":
        return content.encode("utf-8", "surrogateescape")
    try:
        return base64.b64decode(content)
    except binascii.Error as exc:
        raise Rejected("the mail is not base64 as its notification says") from exc


def _parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def _header(message: EmailMessage, name: str) -> str:
    """A header as text; one that breaks the rules of mail is taken as it stands."""
    try:
        return str(message.get(name) or "")
    except (ValueError, IndexError, AttributeError, TypeError, LookupError):
        return next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")


def _text(message: EmailMessage) -> str:
    """The plain part, else the HTML part without its tags; whatever can be read of a broken one."""
    try:
        part = message.get_body(("plain", "html"))
    except (ValueError, KeyError, AttributeError, LookupError):
        part = None
    if part is None:
        return ""
    try:
        words = str(part.get_content())
    except (ValueError, KeyError, AttributeError, LookupError):
        payload = part.get_payload(decode=True)
        words = payload.decode("latin-1") if isinstance(payload, bytes) else str(payload or "")
    return unescape(_TAGS.sub(" ", words)).strip() if part.get_content_subtype() == "html" else words.strip()


def _automatic(message: EmailMessage, about: Json, receipt: Json, sender: str) -> str | None:
    """Why no person wrote this: RFC 3834's header, and what robots that do not know it give themselves away by."""
    if _header(message, "Auto-Submitted").partition(";")[0].strip().lower() not in ("", "no"):
        return "Auto-Submitted"
    if _header(message, "Precedence").strip().lower() in ("bulk", "junk", "list", "auto_reply"):
        return "Precedence"
    if any(_header(message, name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response", "List-Id")):
        return "a robot's header"
    if message.get_content_type() == "multipart/report" or about.get("source") in ("", "<>") or _header(message, "Return-Path") == "<>":
        return "a report on delivery"
    if _ROBOTS.match(sender):
        return "a robot's address"
    if _AWAY.match(_header(message, "Subject")):
        return "an absence notice"
    if "FAIL" in (_object(receipt, "virusVerdict").get("status"), _object(receipt, "spamVerdict").get("status")):
        return "spam or a virus, by SES's verdict"
    return None


def _object(holder: Json, name: str) -> Json:
    found = holder.get(name)
    return cast("Json", found) if isinstance(found, dict) else {}
