"""A policy as the YAML it would be read from."""

from datetime import timedelta

from dunning.domain.fees import LateFee
from dunning.domain.policy import (
    AfterDue,
    AfterPrevious,
    BeforeDue,
    BusinessDays,
    Days,
    PartialPaymentRule,
    Policy,
    Span,
    Step,
    Timing,
    Window,
)


def as_yaml(policy: Policy) -> str:
    """What `PUT /_local/policies` takes; of the language only what the simulator's shapes use."""
    lines = [f"name: {policy.name}", f"timezone: {policy.timezone}", f'minimum_balance: {{default: "{policy.default_minimum}"}}']
    lines += [f"scope: {policy.scope.value}", f"catch_up: {policy.catch_up.value}"]
    if isinstance(policy.min_gap, timedelta) and policy.min_gap:
        lines.append(f"min_gap: {int(policy.min_gap.total_seconds() // 3600)}h")
    if policy.send_window:
        spans = ", ".join(f'{channel}: "{_hours(window)}"' for channel, window in policy.send_window.items())
        lines.append(f"send_window: {{{spans}}}")
    if policy.on_paid_email:
        lines.append(f"on_paid: {{email: {policy.on_paid_email}}}")
    if policy.on_reply and policy.on_reply.hold is not None:
        lines.append(f"on_reply: {{hold: {_span(policy.on_reply.hold)}, notify: {policy.on_reply.notify}}}")
    if policy.on_partial_payment.rule is PartialPaymentRule.RESTART:
        lines.append("on_partial_payment: restart")
    if policy.on_partial_payment.hold is not None:
        lines.append(f"on_partial_payment: {{hold: {_span(policy.on_partial_payment.hold)}}}")
    if rules := policy.promise:
        lines.append(f"promise: {{max_days: {rules.max_days}, max_count: {rules.max_count}, grace: {_span(rules.grace)}}}")
    return "\n".join([*lines, "steps:", *(line for step in policy.steps for line in _step(step))]) + "\n"


def _step(step: Step) -> list[str]:
    lines = [f"  - id: {step.id}", f"    at: {{{_timing(step.at)}}}"]
    lines += [f'    if: "{step.condition_text}"'] if step.condition_text else []
    lines += [f"    email: {step.email}"] if step.email else []
    lines += [f"    sms: {step.sms}"] if step.sms else []
    lines += [f"    escalate: {{team: {step.escalate}}}"] if step.escalate else []
    lines += [f"    late_fee: {{{_fee(step.late_fee)}}}"] if step.late_fee else []
    return lines


def _timing(timing: Timing) -> str:
    match timing:
        case AfterPrevious(delay=timedelta() as delay):
            return f"after_previous: {int(delay.total_seconds() // 60)}m"
        case BeforeDue(days=days, time=time):
            return f'before_due: {days}d, time: "{time:%H:%M}"'
        case AfterDue(days=days, time=time):
            return f'after_due: {days}d, time: "{time:%H:%M}"'
        case _:
            raise ValueError(f"no shape has a timing like {timing}")


def _fee(terms: LateFee) -> str:
    fixed = f'fixed: "{terms.fixed.default}", ' if terms.fixed else ""
    percent = f'percent: "{terms.percent}", ' if terms.percent else ""
    return f"{fixed}{percent}basis: {terms.basis.value}, mode: {terms.mode.value}"


def _span(span: Span) -> str:
    match span:
        case Days(count=count):
            return f"{count}d"
        case BusinessDays(count=count):
            return f"{count}bd"
        case timedelta():
            return f"{int(span.total_seconds() // 3600)}h"


def _hours(window: Window) -> str:
    return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (window.start, window.end))
