"""One message per customer (DESIGN §7, `scope: customer`), and the gaps between messages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dunning.domain.approval import waits_for_approval
from dunning.domain.calendar import at_local, local_date
from dunning.domain.case import BEGUN, Case, EffectState
from dunning.domain.effects import Channel, Effect, joint_key, marks_of
from dunning.domain.evolving import replace
from dunning.domain.invoice import Invoice
from dunning.domain.moving import moved_to_workday
from dunning.domain.policy import Policy, Scope, Span
from dunning.domain.spans import end_of_span
from dunning.domain.timing import customer_zone, own_time, window_for
from dunning.domain.works import Verdict, Work

PolicyOf = Callable[[Invoice], Policy]

MOST_IN_ONE_MESSAGE = 100
"""Rows of one message: what identifies it must fit into SES's 50 tags of 256 characters."""


@dataclass(frozen=True, slots=True)
class _Row:
    invoice: Invoice
    work: Work
    policy: Policy

    @property
    def position(self) -> int:
        return self.policy.position(self.work.step)


def joins(case: Case, due: Sequence[Invoice], policy_of: PolicyOf, now: datetime) -> tuple[Invoice, ...]:
    """The invoices whose message is due later today and that ride along with one that is due now."""
    policies = {policy.name for invoice in due if (policy := policy_of(invoice)).scope is Scope.CUSTOMER and _writes(invoice, policy)}
    if not policies:
        return ()
    known = {invoice.id for invoice in due}
    found = []
    for invoice in case.invoices.values():
        policy = policy_of(invoice)
        if invoice.id in known or policy.name not in policies or not invoice.is_open or invoice.is_held or invoice.next_at is None:
            continue
        zone = customer_zone(case.profile.reach, policy)
        if waits_for_approval(invoice):
            continue
        if _writes(invoice, policy) and local_date(invoice.next_at, zone) == local_date(now, zone):
            found.append(invoice)
    return tuple(found)


def _writes(invoice: Invoice, policy: Policy) -> bool:
    return any(step.id == invoice.next_step and step.is_message for step in policy.steps)


def spaced(works: Sequence[Work], case: Case, policy_of: PolicyOf, now: datetime) -> tuple[Work, ...]:
    """The works, with reminders moved that would come too soon after the last or be one too many (`min_gap`, `max_messages`).

    Of several messages that would go out at once the first goes and the others keep the gap to it, unless they become one.
    """
    found: list[Work] = []
    reminded = list(case.profile.reminded_at)
    if any(work.begun and _has_message(work) for work in works):
        reminded.append(now)  # it went out under an abandoned claim, and is put down as of now
    sent_now: set[str] = set()
    for work in works:
        invoice = case.invoices.get(work.invoice)
        if invoice is None or work.verdict is not Verdict.RUN or work.begun or not _has_message(work):
            found.append(work)
            continue
        policy = policy_of(invoice)
        joined = policy.scope is Scope.CUSTOMER and policy.name in sent_now
        pause = None if joined else max(pauses(reminded, policy, case), key=lambda one: one.until, default=None)
        if pause is not None and pause.until > now:
            found.append(_moved(work, invoice, case, policy, pause))
            continue
        if not joined:
            reminded.append(now)
        sent_now.add(policy.name)
        found.append(work)
    return tuple(found)


def _has_message(work: Work) -> bool:
    return any(effect.kind == "reminder" for effect in work.effects)


@dataclass(frozen=True, slots=True)
class Pause:
    """Until when (UTC) a customer hears nothing, and why."""

    until: datetime
    reason: str


def pauses(reminded: Sequence[datetime], policy: Policy, case: Case) -> tuple[Pause, ...]:
    """What the last reminders (UTC) ask of the next one; what is over is there, too."""
    found: list[Pause] = []
    if reminded:
        found.append(Pause(_after(max(reminded), policy.min_gap, policy, case), "too soon after the message before"))
    limit = policy.max_messages
    if limit and len(reminded) >= limit.count:
        until = _after(sorted(reminded)[-limit.count], limit.per, policy, case)
        found.append(Pause(until, f"the policy's limit of {limit.count} reminders in a span is reached"))
    return tuple(found)


def _after(at: datetime, span: Span, policy: Policy, case: Case) -> datetime:
    """The first instant a span after another: days compare local dates, hours elapse."""
    return end_of_span(at, span, customer_zone(case.profile.contact, policy), policy.calendar)


def _moved(work: Work, invoice: Invoice, case: Case, policy: Policy, pause: Pause) -> Work:
    """To the step's own time of day on the first day that is free, as DESIGN's rule of moving has it."""
    contact = case.profile.reach
    step = next(step for step in policy.steps if step.id == work.step)
    zone, time_of_day = customer_zone(contact, policy), own_time(step)
    at = pause.until
    if time_of_day:
        at = max(at, at_local(local_date(pause.until, zone), time_of_day, zone))
    later = moved_to_workday(at, window_for(step, contact, policy), zone, policy.calendar, time_of_day)
    return Work(invoice.id, Verdict.MOVE, work.step, pause.reason, move_to=later)


def consolidated(works: Sequence[Work], case: Case, policy_of: PolicyOf) -> tuple[Work, ...]:
    """The works, with the messages to one customer under one policy and to one address made one.

    What has gone out before, or may have, stays as it is; what an abandoned claim left to send goes out together, too.
    """
    marks = marks_of(case.profile)
    rows = [
        _Row(case.invoices[work.invoice], work, policy)
        for work in works
        if work.verdict in (Verdict.RUN, Verdict.REPEAT) and work.invoice in case.invoices
        if (policy := policy_of(case.invoices[work.invoice])).scope is Scope.CUSTOMER
    ]
    if len(rows) < 2:
        return tuple(works)
    joint: dict[tuple[str, str], Effect] = {}
    for channel in (Channel.EMAIL, Channel.SMS):
        for group in _groups(rows, channel, marks):
            message = _joint(group, channel)
            joint.update({(row.work.invoice, channel.value): message for row in group})
    return tuple(
        replace(work, effects=tuple(joint.get((work.invoice, effect.channel.value), effect) for effect in work.effects)) for work in works
    )


def _groups(rows: Sequence[_Row], channel: Channel, marks: Mapping[str, EffectState]) -> list[list[_Row]]:
    found: dict[tuple[str, ...], list[_Row]] = {}
    for row in rows:
        for effect in row.work.effects:
            if effect.channel is channel and effect.kind == "reminder" and marks.get(effect.key) not in BEGUN:
                found.setdefault((row.policy.name, effect.to, *effect.more_to, "cc", *effect.cc), []).append(row)
    return [group for group in found.values() if len(group) > 1]


def _joint(group: Sequence[_Row], channel: Channel) -> Effect:
    """The highest stage gives template and sender; rows go by stage, then by what is longest due."""
    ordered = sorted(group, key=lambda row: (-row.position, row.invoice.due_date or row.invoice.stamp.date(), row.invoice.id))
    top = next(effect for effect in ordered[0].work.effects if effect.channel is channel)
    rows = [(row.work.step or "", row.invoice.id) for row in ordered]
    mails = [effect for row in ordered for effect in row.work.effects if effect.channel is channel]
    attach = tuple(dict.fromkeys(invoice for effect in mails for invoice in effect.attach))
    return replace(top, key=joint_key(channel, rows), invoices=tuple(invoice for _, invoice in rows), attach=attach)
