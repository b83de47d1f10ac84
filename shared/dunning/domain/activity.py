"""The append-only record: every decision, to send or not to send, with its reason."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ActivityType(StrEnum):
    """The closed list of what can happen to a case."""

    ENROLLED = "enrolled"
    UPDATED = "updated"
    SENT = "sent"
    SUPPRESSED = "suppressed"
    SKIPPED = "skipped"
    HELD = "held"
    RELEASED = "released"
    ESCALATED = "escalated"
    NOTIFIED = "notified"
    PAID = "paid"
    PARTLY_PAID = "partly_paid"
    CLOSED = "closed"
    REOPENED = "reopened"
    RETRIED = "retried"
    UNDELIVERED = "undelivered"
    REPLIED = "replied"
    OPENED = "opened"
    CLICKED = "clicked"
    FEE_PROPOSED = "fee_proposed"
    FEE_ACCEPTED = "fee_accepted"
    FEE_DECLINED = "fee_declined"
    FEE_APPLIED = "fee_applied"
    PLAN_ENDED = "plan_ended"
    APPROVED = "approved"
    DECLINED = "declined"
    OPTED_OUT = "opted_out"
    OPTED_IN = "opted_in"


@dataclass(frozen=True, slots=True)
class Activity:
    """One decision about one customer. `invoices` are the source's bare ids; `actor` is who decided."""

    at: datetime
    type: ActivityType
    reason: str | None = None
    invoices: tuple[str, ...] = ()
    step: str | None = None
    actor: str | None = None
    channel: str | None = None
    claim: str | None = None
