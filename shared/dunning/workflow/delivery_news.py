"""What became of a mail that was accepted."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DeliveryKind(StrEnum):
    """The ways of a mail. Only permanent bounces count: SES repeats transient ones itself."""

    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    REJECTED = "rejected"
    OPENED = "opened"
    CLICKED = "clicked"


@dataclass(frozen=True, slots=True)
class DeliveryNews:
    """One report on one mail: whose it was, under which claim (its origin) and effect, and when SES took it (UTC).

    `addresses`: those that bounced, or complained, where the report names them; `mailed_to`: whom the mail was for, without copies.
    """

    kind: DeliveryKind
    customer: str
    claim: str
    effect: str
    invoices: tuple[str, ...]
    step: str | None
    message_id: str
    mailed_at: datetime
    addresses: tuple[str, ...] = ()
    mailed_to: tuple[str, ...] = ()
