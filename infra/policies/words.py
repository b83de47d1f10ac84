"""A policy in words: each step with when, what, to whom, and on what condition; then the rules around them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from dunning.domain.approval import charges
from dunning.domain.calendar import window_of
from dunning.domain.fees import Amounts
from dunning.domain.money import Money
from dunning.domain.planning import timing_in_words
from dunning.domain.policy import (
    ALL_DAY,
    BusinessDays,
    CatchUp,
    Days,
    OnPartialPayment,
    PartialPaymentRule,
    Policy,
    PromiseRules,
    Scope,
    Span,
    Step,
    Window,
)
from dunning.domain.timing import own_time


@dataclass(frozen=True, slots=True)
class StepInWords:
    """One step as a person reads it."""

    position: int
    id: str
    when: str
    what: str


def steps_in_words(policy: Policy) -> tuple[StepInWords, ...]:
    """The plan, in order."""
    return tuple(StepInWords(position, step.id, _when(step), _what(step)) for position, step in enumerate(policy.steps, 1))


def rules_in_words(policy: Policy) -> tuple[tuple[str, str], ...]:
    """What holds for the whole plan, as (what it is about, what it says)."""
    return tuple(_rules(policy))


def _rules(policy: Policy) -> Iterator[tuple[str, str]]:
    if policy.applies_to:
        yield "for invoices", f"with {policy.applies_to.condition_text} (priority {policy.applies_to.priority})"
    yield "time zone", f"the customer's own; {policy.timezone} where it is not known"
    yield "hours", ", ".join(f"{_CHANNELS[channel]} {_hours(channel, policy)}" for channel in ("email", "sms"))
    code = getattr(policy.calendar, "code", None)
    yield "days", f"not on weekends and public holidays of {code}" if code else "every day, weekends and holidays too"
    yield "message", "one about all that a customer owes and falls due" if policy.scope is Scope.CUSTOMER else "one for each invoice"
    if policy.min_gap:
        yield "pause", f"at least {span_in_words(policy.min_gap)} between reminders to a customer"
    if policy.max_messages:
        yield "at most", f"{policy.max_messages.count} reminders in {span_in_words(policy.max_messages.per)}"
    yield "small sums", _minimum(policy)
    yield from _large_sums(policy)
    yield "missed steps", "one after the other" if policy.catch_up is CatchUp.NEXT else "only the latest message of them"
    if policy.first_contacts_per_day:
        yield "first contacts", f"at most {policy.first_contacts_per_day} a day, the largest sums first"
    yield "a part paid", _part_paid(policy)
    if policy.on_reply:
        until = f"for {span_in_words(policy.on_reply.hold)}" if policy.on_reply.hold else "until a person has handled it"
        yield "an answer", f"reminders wait {until}" + (f"; told to {policy.on_reply.notify}" if policy.on_reply.notify else "")
    yield "a promise", _promise(policy.promise or PromiseRules())
    yield "after payment", f'mail "{policy.on_paid_email}"' if policy.on_paid_email else "nothing is sent"


def _large_sums(policy: Policy) -> Iterator[tuple[str, str]]:
    """Each limit once, with the steps that it is for where it is not for all that could wait."""
    waiting = [step for step in policy.steps if step.is_message or charges(step)]
    limits = list(dict.fromkeys(_amounts(step.approve_above) for step in waiting if step.approve_above))
    for limit in limits:
        ids = [step.id for step in waiting if step.approve_above and _amounts(step.approve_above) == limit]
        yield "large sums", f"{'every step' if len(ids) == len(waiting) else ', '.join(ids)} waits for a person above {limit}"


def _amounts(amounts: Amounts) -> str:
    named = [f"{currency} {Money(minor, currency).as_decimal():,}" for currency, minor in sorted(amounts.by_currency.items())]
    others = f"{amounts.default:,} in {'other currencies' if named else 'any currency'}" if amounts.default is not None else None
    return ", ".join([*named, *([others] if others else [])])


def _part_paid(policy: Policy) -> str:
    match policy.on_partial_payment:
        case OnPartialPayment(rule=PartialPaymentRule.RESTART):
            return "the plan starts again"
        case OnPartialPayment(rule=PartialPaymentRule.HOLD, hold=hold) if hold:
            return f"reminders wait {span_in_words(hold)}"
        case _:
            return "the plan goes on"


def _promise(rules: PromiseRules) -> str:
    grace = f", broken {span_in_words(rules.grace)} after its date" if rules.grace != Days(0) else ""
    return f"at most {rules.max_days} days ahead and {_times(rules.max_count)} for an invoice{grace}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


_CHANNELS = {"email": "mail", "sms": "SMS"}


def span_in_words(span: Span) -> str:
    """`2 days`, `1 working day`, `36 h`."""
    match span:
        case Days(count=count):
            return f"{count} day{'' if count == 1 else 's'}"
        case BusinessDays(count=count):
            return f"{count} working day{'' if count == 1 else 's'}"
        case timedelta():
            minutes = span // timedelta(minutes=1)
            return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def window_in_words(window: Window) -> str:
    """`08:00-18:00`, or `at any hour`."""
    if window == ALL_DAY:
        return "at any hour"
    return "-".join(f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in (window.start, window.end))


def _hours(channel: str, policy: Policy) -> str:
    return window_in_words(window_of((channel,), policy.send_window))


def _when(step: Step) -> str:
    time = own_time(step)
    return timing_in_words(step) + (f", at {time:%H:%M}" if time else "")


def _what(step: Step) -> str:
    parts: list[str] = []
    if step.email:
        to = " and ".join(step.email_to) or "the customer"
        parts.append(f'mail "{step.email}" to {to}' + (f", copy to {', '.join(step.email_cc)}" if step.email_cc else ""))
    if step.sms:
        parts.append(f'SMS "{step.sms}" to the customer')
    if step.escalate:
        parts.append(
            f"handed to the team {step.escalate}" + (f" if {step.escalate_condition_text}" if step.escalate_condition_text else "")
        )
    if step.late_fee:
        parts.append(f"late fee ({step.late_fee.basis.value}, {_MODES[step.late_fee.mode.value]})")
    return "; ".join(parts) + (f" – only if {step.condition_text}" if step.condition_text else "")


_MODES = {"propose": "a person accepts it first", "apply": "charged at once"}


def _minimum(policy: Policy) -> str:
    named = [f"{currency} {Money(minor, currency).as_decimal()}" for currency, minor in sorted(policy.minimum_balance.items())]
    others = f"{policy.default_minimum} in {'other currencies' if named else 'any currency'}"
    return f"no reminder below {', '.join([*named, others])}"
