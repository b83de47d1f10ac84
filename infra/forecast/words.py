"""How the table and the page say things. Times are the customer's own."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dunning.domain.charging import NO_LATE_FEE
from infra.demo.words import money
from infra.forecast.shapes import Decision, Ending, Item, Message

ENDINGS = {
    Ending.PAID: "Paid",
    Ending.ESCALATED: "With the team",
    Ending.PLAN_ENDED: "Plan at its end",
    Ending.ON_PLAN: "On plan",
    Ending.WATCHED: "Only watched",
    Ending.HELD: "On hold, or waiting for approval",
    Ending.NOT_YET_ISSUED: "Not yet issued",
}

CHANNELS = {"email": "mail", "sms": "SMS", "team": "team notice"}
QUIET = ("enrolled", "escalated", "paid", "closed")
"""Decisions that a table of what goes out need not repeat."""

_WATCHED = {
    "charge_automatically": "charged automatically",
    "no_due_date": "no due date",
    "below_minimum_balance": "below the smallest sum worth a reminder",
    "nothing_due": "nothing is owed",
    "first_contacts_per_day": "no place was left among the day's first contacts",
}
_TYPES = {
    "fee_proposed": "late fee proposed at",
    "fee_applied": "late fee charged at",
    "moved": "put off",
    "suppressed": "not sent",
    "skipped": "skipped",
    "plan_ended": "plan ended, unpaid",
    "held": "on hold",
}


def reason(text: str | None) -> str:
    """A reason as a person says it."""
    return _WATCHED.get(text or "", text or "")


def local(at: datetime, timezone: str) -> datetime:
    """The customer's wall clock."""
    return at.astimezone(ZoneInfo(timezone))


def when(at: datetime, timezone: str) -> str:
    """`Mon 9 Mar 2026 09:00`, there."""
    there = local(at, timezone)
    return f"{there:%a} {there.day} {there:%b %Y %H:%M}"


def numbers(items: Sequence[Item]) -> str:
    """The invoices of a message, the first few by number."""
    named = [item.number for item in items[:4]]
    return ", ".join(named) + (f" and {len(items) - 4} more" if len(items) > 4 else "")


def amounts(message: Message) -> str:
    """What is owed, each currency for itself."""
    return " + ".join(money(total) for total in message.totals)


def what(message: Message) -> str:
    """`mail second`, `team notice escalate`."""
    channel = CHANNELS.get(message.channel, message.channel)
    about = message.step or message.kind.replace("_", " ")
    return channel if channel.endswith(about) else f"{channel} {about}"


def decided(decision: Decision) -> str:
    """`put off second`"""
    if _is_no_fee(decision):
        return NO_LATE_FEE.partition(":")[0]
    return f"{_TYPES.get(decision.type, decision.type.replace('_', ' '))} {decision.step or ''}".strip()


def why(decision: Decision) -> str:
    """Its reason."""
    return reason((decision.reason or "").removeprefix(NO_LATE_FEE) if _is_no_fee(decision) else decision.reason)


def _is_no_fee(decision: Decision) -> bool:
    return decision.type == "suppressed" and (decision.reason or "").startswith(NO_LATE_FEE)


def shift(span: timedelta | None) -> str:
    """`2 days later`, `3 h earlier`."""
    if not span:
        return ""
    hours = abs(span) // timedelta(hours=1)
    length = (
        f"{hours // 24} day{'' if hours // 24 == 1 else 's'}"
        if hours >= 24
        else f"{hours} h"
        if hours
        else f"{abs(span) // timedelta(minutes=1)} min"
    )
    return f"{length} {'later' if span > timedelta() else 'earlier'}"
