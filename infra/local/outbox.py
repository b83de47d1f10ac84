"""What SES and SNS accepted: the mail, text messages and team notices of the local cloud."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NotRequired, TypedDict

from dunning.channels.envelopes import tag_text


class OutboxEntry(TypedDict):
    """One accepted message, as `GET /_local/outbox` shows it (DESIGN §8)."""

    channel: str
    kind: str | None
    to: list[str]
    cc: list[str]
    subject: str | None
    text: str | None
    html: str | None
    headers: dict[str, str]
    attachments: NotRequired[list[str]]
    sent_at: str
    customer: str | None
    invoices: list[str]
    step: str | None


class About(TypedDict):
    """Whom and what a message is about: what its tags or attributes say."""

    kind: str | None
    customer: str | None
    invoices: list[str]
    step: str | None


def rfc3339(instant: datetime) -> str:
    """An instant in UTC with `Z`, with a fraction only if it has one."""
    return instant.isoformat().replace("+00:00", "Z")


def about_from_tags(tags: Mapping[str, str]) -> About:
    """Read SES tags, which hold only letters, digits, `_` and `-`: ids are base64url, long lists come in chunks."""
    return About(
        kind=tags.get("kind"),
        customer=_told(tags, "customer"),
        invoices=_ids(_told(tags, "invoices")),
        step=tags.get("step"),
    )


def about_from_attributes(attributes: Mapping[str, str]) -> About:
    """Read SNS message attributes, which are plain."""
    return About(
        kind=attributes.get("kind"),
        customer=attributes.get("customer"),
        invoices=_ids(attributes.get("invoices")),
        step=attributes.get("step"),
    )


def _ids(text: str | None) -> list[str]:
    return [part for part in (text or "").split(",") if part]


def _told(tags: Mapping[str, str], name: str) -> str | None:
    try:
        return tag_text(tags, name) or None
    except ValueError:
        return None


class Outbox:
    """Everything accepted so far, oldest first."""

    def __init__(self) -> None:
        self._entries: list[OutboxEntry] = []

    def add(
        self,
        channel: str,
        about: About,
        sent_at: datetime,
        *,
        to: Sequence[str],
        cc: Sequence[str] = (),
        subject: str | None = None,
        text: str | None = None,
        html: str | None = None,
        headers: Mapping[str, str] | None = None,
        attachments: Sequence[str] = (),
    ) -> None:
        """Note one message: `email`, `sms` or `team`."""
        entry = OutboxEntry(
            channel=channel,
            kind=about["kind"],
            to=list(to),
            cc=list(cc),
            subject=subject,
            text=text,
            html=html,
            headers=dict(headers or {}),
            sent_at=rfc3339(sent_at),
            customer=about["customer"],
            invoices=about["invoices"],
            step=about["step"],
        )
        if attachments:  # beyond DESIGN §8, so only where there are any
            entry["attachments"] = list(attachments)
        self._entries.append(entry)

    def entries(self) -> list[OutboxEntry]:
        """A copy of the list."""
        return list(self._entries)
