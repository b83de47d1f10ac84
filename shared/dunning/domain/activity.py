"""The append-only record: every decision, to send or not to send, with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter


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


def joined(activities: Sequence[Activity]) -> tuple[Activity, ...]:
    """What is said of several invoices in the same words, said once of all of them."""
    found: dict[Activity, list[str]] = {}
    for activity in activities:
        found.setdefault(replace(activity, invoices=()), []).extend(activity.invoices)
    return tuple(replace(activity, invoices=tuple(dict.fromkeys(invoices))) for activity, invoices in found.items())


def with_skips_joined(activities: Sequence[Activity]) -> tuple[Activity, ...]:
    """The same, with a step that several invoices pass over said once: else a transaction, which holds a hundred items, might overflow.

    It comes behind what else happened to them, and before the end of their plans.
    """
    skips = [activity for activity in activities if activity.type is ActivityType.SKIPPED]
    fewer = _in_order(joined(skips), skips)
    if len(fewer) == len(skips):
        return tuple(activities)
    others = [activity for activity in activities if activity.type is not ActivityType.SKIPPED]
    before = [activity for activity in others if activity.type is not ActivityType.PLAN_ENDED]
    return (*before, *fewer, *(activity for activity in others if activity.type is ActivityType.PLAN_ENDED))


def _in_order(fewer: Sequence[Activity], skips: Sequence[Activity]) -> tuple[Activity, ...]:
    """Each invoice's own order is kept; where two plans gainsay each other, nothing is said together."""
    sorter = TopologicalSorter[Activity](dict.fromkeys(fewer, ()))
    by_words = {replace(one, invoices=()): one for one in fewer}
    last: dict[str, Activity] = {}
    for skip in skips:
        one = by_words[replace(skip, invoices=())]
        for invoice in skip.invoices:
            if last.get(invoice, one) is not one:
                sorter.add(one, last[invoice])
            last[invoice] = one
    try:
        return tuple(sorter.static_order())
    except CycleError:
        return tuple(skips)
