"""What customers write to us, read from the JSON strings in SNS messages.

Mail: SES's notification with the raw message (docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html).
Text: AWS End User Messaging (docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html).

Whoever writes to us decides what is in the mail, and nothing of it may stop us: it is read as far as it goes. What is around it
comes from AWS, and where that is not as AWS always has it, a person must look.
"""

import base64
import email
import email.parser
import email.policy
import json
import re
from collections.abc import Callable, Mapping
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import getaddresses, parseaddr
from html import unescape
from typing import TypeVar, cast

from dunning.channels.ses_events import says_only_that_it_is_set_up
from dunning.domain.errors import Rejected
from dunning.domain.replying import Inbound

Json = Mapping[str, object]
Part = TypeVar("Part")

_READERS_FAILURES = (MessageError, ValueError, LookupError, AttributeError, TypeError, AssertionError, RecursionError)
_LONGEST_HEADER = 2_000
_LONGEST_ADDRESS = 320
"""Characters of an address (RFC 3696, erratum 1690); the table's keys have room for no book."""

_TO = ("To", "Cc", "Delivered-To", "X-Original-To")
_ROBOTS = re.compile(r"(mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?)([+\-_.].*)?@", re.IGNORECASE)
_AWAY = re.compile(
    r"\s*(re:\s*)?(auto(matic|matische)?[ -]?(reply|response|antwort)|autoreply|out of (the )?office|abwesen(d|heit)|"
    r"réponse automatique|absence|respuesta automática|fuera de (la )?oficina|undeliver(ed|able)|delivery status notification)",
    re.IGNORECASE,
)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
_TAGS = re.compile(r"<(/?)(script|style)\b[^<>]*>|<[^<>]*>", re.IGNORECASE)


class _Bounded(email.policy.EmailPolicy):
    """Reads the beginning of each header: Python takes minutes for a From of 100 KB of quotation marks."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """The name and the value, as `EmailPolicy` has them."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_LONGEST_HEADER]


_POLICY = cast("email.policy.EmailPolicy[EmailMessage]", _Bounded())


def read_inbound(message: str) -> Inbound | None:
    """The mail or text message in a notification; None for other notifications of SES. Raises Rejected for what AWS never sends."""
    if says_only_that_it_is_set_up(message):
        return None
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
    sender, found, text = (notice.get(name) for name in ("originationNumber", "inboundMessageId", "messageBody"))
    for name, value in (("originationNumber", sender), ("inboundMessageId", found)):
        if not isinstance(value, str) or not value:
            raise Rejected(f"the text message has no {name}")
    if not isinstance(text, str):
        raise Rejected("the text message has no messageBody")
    return Inbound(f"sms:{found}", "sms", str(sender), _clean(text))


def _mail(notice: Json) -> Inbound:
    about, receipt, content = _object(notice, "mail"), _object(notice, "receipt"), notice.get("content")
    if not about or not receipt or not isinstance(content, str):
        raise Rejected(f"the notification of a mail has no {'mail' if not about else 'receipt' if not receipt else 'content'}")
    message = _parsed(_raw(content, receipt))
    written_by = _as_far_as_it_goes(lambda: parseaddr(_header(message, "From"))[1], "")
    sender = (written_by or _clean(str(about.get("source") or "")))[:_LONGEST_ADDRESS]
    recipients = receipt.get("recipients")
    addressed = [str(one) for one in recipients] if isinstance(recipients, list) else []
    addressed += [address for name in _TO for address in _addresses(_header(message, name))]
    # Not every mail has an id of its own; SES gives each one.
    message_id = _header(message, "Message-ID").strip() or str(about.get("messageId") or "")
    if not message_id:
        raise Rejected("the notification of a mail has no messageId")
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
    if str(_object(receipt, "action").get("encoding")).upper() != "BASE64":
        return content.encode("utf-8", "replace")
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except ValueError as exc:
        raise Rejected("the mail is not base64 as its notification says") from exc


def _as_far_as_it_goes(read: Callable[[], Part], otherwise: Part) -> Part:
    """Read a part of a mail. Python's own reader fails in many ways on mails that break the rules, and strangers may write such."""
    try:
        return read()
    except _READERS_FAILURES:
        return otherwise


def _clean(text: str) -> str:
    """Without what neither the table nor SNS takes."""
    return _UNPRINTABLE.sub(" ", text.encode("utf-8", "replace").decode())


def _parsed(raw: bytes) -> EmailMessage:
    def whole() -> EmailMessage:
        return email.message_from_bytes(raw, policy=_POLICY)

    def head_and_rest() -> EmailMessage:
        # Nothing of the body is looked at: it is one text, whatever the head says of it.
        found = email.parser.BytesParser(policy=_POLICY).parsebytes(raw, headersonly=True)
        del found["Content-Type"], found["Content-Transfer-Encoding"]
        return found

    return _as_far_as_it_goes(whole, None) or head_and_rest()


def _header(message: EmailMessage, name: str) -> str:
    """A header as text; one that breaks the rules of mail is taken as it stands."""
    as_it_stands = next((str(value) for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return _clean(_as_far_as_it_goes(lambda: str(message.get(name) or ""), as_it_stands))


def _addresses(header: str) -> list[str]:
    return _as_far_as_it_goes(lambda: [address for _, address in getaddresses([header]) if address], [])


def _text(message: EmailMessage) -> str:
    """The plain part, else the HTML part without its tags; whatever can be read of a broken one."""
    part = _as_far_as_it_goes(lambda: message.get_body(("plain", "html")), None)
    if part is None:
        return ""

    def raw() -> str:
        payload = part.get_payload(decode=True)
        return payload.decode("latin-1") if isinstance(payload, bytes) else str(payload or "")

    words = _clean(_as_far_as_it_goes(lambda: str(part.get_content()), "") or _as_far_as_it_goes(raw, ""))
    is_html = _as_far_as_it_goes(part.get_content_subtype, "plain") == "html"
    return _clean(unescape(_without_tags(words))).strip() if is_html else words.strip()


def _without_tags(html: str) -> str:
    """The words of a page, in one pass; a script or style that never ends hides none."""
    kept, at, inside, inside_since = list[str](), 0, "", 0
    for tag in _TAGS.finditer(html):
        closes, name = tag[1], (tag[2] or "").lower()
        if not inside:
            kept.append(html[at : tag.start()])
            at = tag.end()
            if name and not closes:
                inside, inside_since = name, at
        elif closes and name == inside:
            inside, at = "", tag.end()
    rest = html[inside_since:] if inside else html[at:]
    return " ".join([*kept, _TAGS.sub(" ", rest)])


def _automatic(message: EmailMessage, about: Json, receipt: Json, sender: str) -> str | None:
    """Why no person wrote this: RFC 3834's header, and what robots that do not know it give themselves away by."""
    if _header(message, "Auto-Submitted").partition(";")[0].strip().lower() not in ("", "no"):
        return "Auto-Submitted"
    if _header(message, "Precedence").strip().lower() in ("bulk", "junk", "list", "auto_reply"):
        return "Precedence"
    if any(_header(message, name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response", "List-Id")):
        return "a robot's header"
    kind = _as_far_as_it_goes(message.get_content_type, "text/plain")
    if kind == "multipart/report" or about.get("source") in ("", "<>") or _header(message, "Return-Path") == "<>":
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
