"""A forecast, or a difference, as JSON. The shape is described in docs/simulate.md and kept: fields are added, never renamed."""

from datetime import datetime
from zoneinfo import ZoneInfo

from dunning.domain.money import Money
from infra.forecast.difference import Changed, Difference, Occasion
from infra.forecast.shapes import Decision, Forecast, Item, Message, Owed

Row = dict[str, object]


def forecast_row(forecast: Forecast) -> Row:
    """All of it; money in integer minor units, instants RFC 3339 in UTC, absent values null."""
    return {
        "policies": list(forecast.policies),
        "start": _utc(forecast.start),
        "end": _utc(forecast.end),
        "totals": _totals(forecast),
        "messages": [_message(message) for message in forecast.messages],
        "decisions": [_decision(decision) for decision in forecast.decisions],
        "invoices": [_owed(owed) for owed in forecast.invoices],
    }


def difference_row(difference: Difference) -> Row:
    """What changes from the first policy to the second."""
    return {
        "policies": {"first": list(difference.first.policies), "second": list(difference.second.policies)},
        "start": _utc(difference.first.start),
        "end": _utc(difference.first.end),
        "totals": {"first": _totals(difference.first), "second": _totals(difference.second)},
        "steps": [
            {"step": total.step, "channel": total.channel, "first": total.before, "second": total.after} for total in difference.totals
        ],
        "endings": [{"ending": ending.value, "first": before, "second": after} for ending, before, after in difference.endings],
        "unchanged": len(difference.first.invoices) - len(difference.changed),
        "changed": [_changed(one) for one in difference.changed],
    }


def _totals(forecast: Forecast) -> Row:
    return {
        "invoices": len(forecast.invoices),
        "customers": len({owed.customer for owed in forecast.invoices}),
        "messages": len(forecast.messages),
        "by_step": [{"step": step, "channel": channel, "messages": count} for (step, channel), count in forecast.by_step.items()],
    }


def _message(message: Message) -> Row:
    return {
        "at": _utc(message.at),
        "local": _local(message.at, message.timezone),
        "timezone": message.timezone,
        "customer": message.customer,
        "name": message.name,
        "channel": message.channel,
        "kind": message.kind,
        "template": message.template,
        "step": message.step,
        "to": message.to,
        "invoices": [_item(item) for item in message.items],
        "totals": [_money(money) for money in message.totals],
        "reason": message.reason,
    }


def _item(item: Item) -> Row:
    return {"number": item.number, "step": item.step, **_money(item.money)}


def _money(money: Money) -> Row:
    return {"currency": money.currency, "amount_due": money.minor}


def _decision(decision: Decision) -> Row:
    return {
        "at": _utc(decision.at),
        "local": _local(decision.at, decision.timezone),
        "timezone": decision.timezone,
        "customer": decision.customer,
        "name": decision.name,
        "type": decision.type,
        "step": decision.step,
        "invoices": list(decision.numbers),
        "reason": decision.reason,
        "later": _utc(decision.later) if decision.later else None,
    }


def _owed(owed: Owed) -> Row:
    return {
        "customer": owed.customer,
        "name": owed.name,
        "number": owed.number,
        **_money(owed.money),
        "due_date": owed.due_date.isoformat() if owed.due_date else None,
        "policy": owed.policy,
        "ending": owed.ending.value,
        "reason": owed.reason,
        "level": owed.level,
        "reminders_sent": owed.reminders,
        "last_step": owed.last_step,
        "next_step": owed.next_step,
        "next_at": _utc(owed.next_at) if owed.next_at else None,
    }


def _changed(one: Changed) -> Row:
    return {
        "customer": one.invoice.customer,
        "name": one.invoice.name,
        "number": one.invoice.number,
        **_money(one.invoice.money),
        "change": one.change.value,
        "shift_seconds": None if one.shift is None else int(one.shift.total_seconds()),
        "ending": {"first": one.invoice.ending.value, "second": one.other.ending.value},
        "reason": {"first": one.invoice.reason, "second": one.other.reason},
        "first": [_occasion(occasion) for occasion in one.before],
        "second": [_occasion(occasion) for occasion in one.after],
    }


def _occasion(occasion: Occasion) -> Row:
    return {
        "at": _utc(occasion.at),
        "local": _local(occasion.at, occasion.timezone),
        "channel": occasion.channel,
        "kind": occasion.kind,
        "step": occasion.step,
    }


def _utc(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _local(at: datetime, timezone: str) -> str:
    return at.astimezone(ZoneInfo(timezone)).isoformat(timespec="seconds")
