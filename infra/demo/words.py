"""How the report and the table say things: money, days, decisions, endings. UTC throughout."""

from datetime import datetime

from dunning.domain.charging import NO_LATE_FEE
from dunning.domain.money import Money, minor_digits
from infra.demo.ledger import Entry, Outcome
from infra.demo.shapes import Activity, Message
from infra.samples.book import What
from infra.samples.story import Fact

CHANNELS = {"email": "Mail", "sms": "SMS", "team": "Team notice"}

OUTCOMES = {
    Outcome.COLLECTED: "Paid after a reminder",
    Outcome.PAID: "Paid without a reminder",
    Outcome.OPEN: "Open",
    Outcome.HELD: "On hold",
    Outcome.ESCALATED: "With collections",
    Outcome.WITHDRAWN: "Voided or written off",
}

_DECISIONS = {
    "enrolled": "Put on the plan",
    "updated": "Details updated",
    "sent": "Sent",
    "suppressed": "Not sent",
    "skipped": "Step skipped",
    "held": "Paused",
    "released": "Resumed",
    "escalated": "Handed to collections",
    "paid": "Paid in full",
    "partly_paid": "Partly paid",
    "closed": "Closed",
    "reopened": "Open again",
    "retried": "Tried again later",
    "undelivered": "Could not be delivered",
    "replied": "The customer replied",
    "fee_proposed": "Late fee proposed",
    "fee_accepted": "Late fee accepted",
    "fee_declined": "Late fee waived",
    "fee_applied": "Late fee charged",
    "plan_ended": "Plan at its end",
}

_WATCHED = {
    "charge_automatically": "Stripe charges this one by itself",
    "no_due_date": "it has no due date",
    "rides_with_parent": "a late fee: it is told of with the invoice it was charged on",
    "below_minimum_balance": "it is below the smallest balance worth a reminder",
}

_REASONS = _WATCHED | {
    "void": "voided at its source",
    "uncollectible": "marked uncollectible at its source",
    "deleted": "deleted at its source",
    "due_date": "a new due date; the plan is timed anew",
    "settled by credit, without a payment to give thanks for": "settled by credit, without a payment",
    "contact: email": "mail goes to the new address from now on",
}

_ENDED = {"void": "Voided", "uncollectible": "Written off", "deleted": "Deleted"}


def money(amount: Money) -> str:
    """`GBP 4,860.00`: the code, grouped digits, as many decimals as the currency has."""
    return f"{amount.currency} {figure(amount)}"


def figure(amount: Money) -> str:
    """`4,860.00`"""
    return f"{amount.as_decimal():,.{minor_digits(amount.currency)}f}"


def day(at: datetime) -> str:
    """`Mon 9 Mar`"""
    return f"{at:%a} {at.day} {at:%b}"


def moment(at: datetime) -> str:
    """`Mon 9 Mar, 09:00`"""
    return f"{day(at)}, {at:%H:%M}"


def long_day(at: datetime) -> str:
    """`9 March 2026`"""
    return f"{at.day} {at:%B} {at.year}"


def ending(entry: Entry) -> str:
    """What became of an invoice, in a few words."""
    match entry.outcome:
        case Outcome.COLLECTED if entry.escalated_at is not None:
            return "Paid after escalation"
        case Outcome.COLLECTED:
            first = entry.closed_at
            heard = sum(first is not None and messages[0].sent_at < first for messages in entry.reminders)
            return f"Paid after reminder {heard}"
        case Outcome.WITHDRAWN:
            return _ENDED.get(entry.invoice.status, "Closed")
        case Outcome.HELD:
            return f"On hold: {', '.join(entry.invoice.holds)}"
        case Outcome.OPEN if not entry.reminders:
            return "Open, not reminded"
        case outcome:
            return OUTCOMES[outcome]


def decision(activity: Activity, messages: tuple[Message, ...] = ()) -> str:
    """What was decided; what went out at that instant says what `sent` means."""
    if activity.reason in _WATCHED:
        return "Only watched, not reminded"
    if activity.is_last_check:
        return "Reminder not sent"
    if _is_no_fee(activity):
        return "No late fee"
    if activity.type != "sent":
        return _DECISIONS.get(activity.type, activity.type.replace("_", " ").capitalize())
    sent = [message for message in messages if message.sent_at == activity.at]
    if any(message.kind == "thank_you" for message in sent):
        return "Thank-you sent"
    channels = dict.fromkeys(CHANNELS[message.channel] for message in sent if message.channel != "team")
    return f"Reminder sent by {' and '.join(_lower(channel) for channel in channels)}" if channels else "Reminder sent"


def _is_no_fee(activity: Activity) -> bool:
    """Whether a step had no late fee, which is no message that was not sent."""
    return activity.type == "suppressed" and (activity.reason or "").startswith(NO_LATE_FEE)


def because(activity: Activity) -> str | None:
    """The reason of a decision as a person says it; what we have no better words for stays as it was logged."""
    if activity.reason is None:
        return None
    reason = activity.reason.removeprefix(NO_LATE_FEE) if _is_no_fee(activity) else _REASONS.get(activity.reason, activity.reason)
    return f"the last check before sending asked Stripe: {reason}" if activity.is_last_check else reason


def happening(fact: Fact, entry: Entry) -> str:
    """What happened outside of the system."""
    amount = money(Money(fact.amount, entry.invoice.currency))
    match fact.what:
        case What.ISSUED:
            return f"Invoice issued for {money(entry.owed)}"
        case What.PAID:
            return f"Customer pays {amount}"
        case What.PAID_UNHEARD:
            return f"Customer pays {amount}; the webhook never arrives"
        case What.PART_PAID:
            return f"Customer pays {amount}, a part"
        case What.VOIDED:
            return "Invoice voided in Stripe"
        case What.UNCOLLECTIBLE:
            return "Invoice marked uncollectible in Stripe"
        case What.DISPUTED:
            return f"Customer's bank disputes the payment of {amount}"
        case What.DISPUTE_WON:
            return f"Dispute over {amount} closed, won"
        case What.DUE_MOVED:
            return "A later due date is agreed in Stripe"
        case What.CHARGE_FAILED:
            return "Automatic charge fails; Stripe will try again"
        case What.CONTACT_CHANGED:
            return "Customer's mail address changes in Stripe"


def _lower(channel: str) -> str:
    return channel if channel.isupper() else channel.lower()
