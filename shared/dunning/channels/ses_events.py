"""What SES reports of a mail, read from the JSON string in an SNS message.

Event publishing says `eventType`, identity feedback `notificationType`; only the former carries our tags
(docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html).
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import cast

from dunning.channels.envelopes import tag_text
from dunning.domain.errors import Rejected
from dunning.workflow.delivery_news import DeliveryKind, DeliveryNews

_KINDS = {
    "Send": DeliveryKind.SENT,
    "Delivery": DeliveryKind.DELIVERED,
    "Bounce": DeliveryKind.BOUNCED,
    "Complaint": DeliveryKind.COMPLAINED,
    "Reject": DeliveryKind.REJECTED,
    "Rendering Failure": DeliveryKind.REJECTED,
    "Open": DeliveryKind.OPENED,
    "Click": DeliveryKind.CLICKED,
}

Json = Mapping[str, object]

_SET_UP = "Successfully validated SNS topic for Amazon SES"
"""How SES's word begins that it may publish to a topic, when it is told to; it is no JSON."""


def says_only_that_it_is_set_up(message: str) -> bool:
    """Whether a notification tells of no mail, but that from now on there will be notifications."""
    return message.startswith(_SET_UP)


def read_ses_event(message: str) -> DeliveryNews | None:
    """What happened to which of our mails; None for kinds and mails that do not concern us. Raises Rejected for what SES never sends."""
    if says_only_that_it_is_set_up(message):
        return None
    event = _object(message)
    told = event.get("eventType") or event.get("notificationType")
    if not isinstance(told, str):
        raise Rejected("the SES event has no type")
    kind, mail = _KINDS.get(told), event.get("mail")
    if kind is None:
        return None
    if not isinstance(mail, dict):
        raise Rejected("the SES event has no mail")
    tags = _tags(cast("Json", mail))
    if not tags.keys() >= {"customer", "claim", "effect"}:
        return None
    if kind is DeliveryKind.BOUNCED and _bounce_type(event) != "Permanent":
        return None
    customer = _told(tags, "customer")
    if not customer:
        raise Rejected("the SES event's tag customer is empty")
    return DeliveryNews(
        kind=kind,
        customer=customer,
        claim=tags["claim"],
        effect=_told(tags, "effect"),
        invoices=tuple(part for part in _told(tags, "invoices").split(",") if part),
        step=tags.get("step"),
        message_id=str(cast("Json", mail).get("messageId", "")),
        mailed_at=_instant(cast("Json", mail).get("timestamp")),
        addresses=_addresses(event),
        mailed_to=_mailed_to(cast("Json", mail)),
    )


def _object(message: str) -> Json:
    try:
        event = json.loads(message)
    except ValueError as exc:
        raise Rejected("the SES event is not JSON") from exc
    if not isinstance(event, dict):
        raise Rejected("the SES event is not a JSON object")
    return event


def _tags(mail: Json) -> dict[str, str]:
    tags = mail.get("tags")
    if not isinstance(tags, dict):
        return {}
    return {str(name): str(values[0]) for name, values in tags.items() if isinstance(values, list) and values}


def _told(tags: Mapping[str, str], name: str) -> str:
    try:
        return tag_text(tags, name)
    except ValueError as exc:
        raise Rejected(f"the SES event's tag {name} is not as we write it") from exc


def _bounce_type(event: Json) -> str:
    bounce = event.get("bounce")
    found = bounce.get("bounceType") if isinstance(bounce, dict) else None
    if not isinstance(found, str):
        raise Rejected("the SES event of a bounce has no bounceType")
    return found


def _addresses(event: Json) -> tuple[str, ...]:
    """Whose mail bounced, or who complained; SES may write a name before the address."""
    found: list[str] = []
    for part, key in (("bounce", "bouncedRecipients"), ("complaint", "complainedRecipients")):
        details = event.get(part)
        rows = details.get(key) if isinstance(details, dict) else None
        for row in rows if isinstance(rows, list) else ():
            address = parseaddr(str(row.get("emailAddress", "")))[1] if isinstance(row, dict) else ""
            if address:
                found.append(address)
    return tuple(dict.fromkeys(found))


def _mailed_to(mail: Json) -> tuple[str, ...]:
    """Whom it was for, by its own header."""
    headers = mail.get("commonHeaders")
    named = headers.get("to") if isinstance(headers, dict) else None
    found = (parseaddr(str(one))[1] for one in (named if isinstance(named, list) else ()))
    return tuple(dict.fromkeys(address for address in found if address))


def _instant(value: object) -> datetime:
    """SES writes UTC; it says so always (`Z`), and means it where it should not."""
    try:
        instant = datetime.fromisoformat(str(value))
    except ValueError as exc:
        raise Rejected("the SES event has no timestamp of its mail") from exc
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
