"""One message per customer (DESIGN §7, `scope: customer`), and the gaps between messages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dunning.domain.approval import waits_for_approval
from dunning.domain.calendar import at_local, local_date
from dunning.domain.case import Case, Mark
from dunning.domain.effects import Channel, Effect, begun_steps, has_begun, joint_key, marks_of
from dunning.domain.evolving import replace
from dunning.domain.invoice import Invoice
from dunning.domain.moving import moved_to_workday
from dunning.domain.policy import Policy, Scope, Span
from dunning.domain.spans import end_of_span
from dunning.domain.timing import customer_zone, may_run, own_time, window_for
from dunning.domain.works import Verdict, Work, ran_at, reminders_in

PolicyOf = Callable[[Invoice], Policy]

WAITS_FOR_OTHERS = "waits for what may go out later today only, so that the customer gets one message"
TOO_SOON = "too soon after the message before"

_A_TIMER_MAY_BE_LATE = timedelta(minutes=15)

MOST_IN_ONE_MESSAGE = 100
"""Rows of one message, where their ids are no longer than usual."""

LONGEST_IDENTITY = 7_500
"""Bytes: what identifies a mail travels in SES's message tags, taken to be 50 of 256 characters as AWS's other tags are, in base64;
each invoice is in it twice, and the customer may take five of them."""

_COMMAS = 2
_COUNT = len("*100,")


@dataclass(frozen=True, slots=True)
class _Row:
    invoice: Invoice
    work: Work
    policy: Policy

    @property
    def position(self) -> int:
        return self.policy.position(self.work.step)


def joins(case: Case, due: Sequence[Invoice], policy_of: PolicyOf, now: datetime) -> tuple[Invoice, ...]:
    """The invoices whose message is due later today and that ride along with one that is due now.

    With what has gone out already, under a claim that never settled it, only what went out with it does: nobody is written to now.
    """
    writing = [invoice for invoice in due if (policy := policy_of(invoice)).scope is Scope.CUSTOMER and _writes(invoice, policy)]
    if not writing:
        return ()
    policies = {policy_of(invoice).name for invoice in writing}
    policies_now = {policy_of(invoice).name for invoice in writing if not _has_begun(case, invoice)}
    known = {invoice.id for invoice in due}
    found = []
    for invoice in case.invoices.values():
        policy = policy_of(invoice)
        allowed = policies if _has_begun(case, invoice) else policies_now
        if invoice.id in known or policy.name not in allowed or not invoice.is_open or invoice.is_held or invoice.next_at is None:
            continue
        zone = customer_zone(case.profile.reach, policy)
        if waits_for_approval(invoice):
            continue
        if _writes(invoice, policy) and local_date(invoice.next_at, zone) == local_date(now, zone):
            found.append(invoice)
    return tuple(found)


def within_one_message(invoices: Sequence[Invoice]) -> tuple[Invoice, ...]:
    """As many of them, from the first on, as one message can name; one at least."""
    is_mixed = len({invoice.next_step for invoice in invoices}) > 1
    room, found = LONGEST_IDENTITY, list[Invoice]()
    for invoice in invoices[:MOST_IN_ONE_MESSAGE]:
        step = len((invoice.next_step or "").encode()) + _COUNT if is_mixed or not found else 0
        room -= 2 * len(invoice.id.encode()) + _COMMAS + step
        if found and room < 0:
            break
        found.append(invoice)
    return tuple(found)


def is_full(invoices: Sequence[Invoice]) -> bool:
    """Whether a message about these could name no other like them."""
    return len(within_one_message((*invoices, *invoices[-1:]))) == len(invoices)


def _has_begun(case: Case, invoice: Invoice) -> bool:
    return invoice.next_step in begun_steps(case.profile, invoice.id)


def _writes(invoice: Invoice, policy: Policy) -> bool:
    return any(step.id == invoice.next_step and step.is_message for step in policy.steps)


def spaced(works: Sequence[Work], case: Case, policy_of: PolicyOf, now: datetime) -> tuple[Work, ...]:
    """The works, with reminders moved that would come too soon after the last or be one too many (`min_gap`, `max_messages`).

    Of several messages that would go out at once the first goes and the others keep the gap to it, unless they become one.
    """
    found: list[Work] = []
    begun, marks = [work for work in works if work.begun], marks_of(case.profile)
    reminded = [*case.profile.reminded_at, *reminders_in(begun, marks, now, sharing(case, policy_of))]
    put_down_now = {(work.invoice, work.step): ran_at(work, marks, now) for work in begun}
    sent_now: set[str] = set()
    for work in works:
        invoice = case.invoices.get(work.invoice)
        if invoice is None or work.verdict not in (Verdict.RUN, Verdict.REPEAT) or work.begun or not _has_message(work):
            found.append(work)
            continue
        policy = policy_of(invoice)
        joined = policy.scope is Scope.CUSTOMER and policy.name in sent_now
        binding = _but_the_bounced(reminded, invoice, put_down_now) if work.verdict is Verdict.REPEAT else reminded
        pause = None if joined else max(pauses(binding, policy, case, policy_of), key=lambda one: one.until, default=None)
        if pause is not None and pause.until > now:
            found.append(_moved(work, invoice, case, policy, pause))
            continue
        if not joined:
            reminded.append(now)
        sent_now.add(policy.name)
        found.append(work)
    return tuple(found)


def sharing(case: Case, policy_of: PolicyOf) -> Callable[[Work], str | None]:
    """Of a work, the policy whose works share their messages; None for one that has messages of its own."""

    def policy_shared_by(work: Work) -> str | None:
        invoice = case.invoices.get(work.invoice)
        policy = policy_of(invoice) if invoice else None
        return policy.name if policy and policy.scope is Scope.CUSTOMER else None

    return policy_shared_by


def _but_the_bounced(reminded: Sequence[datetime], invoice: Invoice, begun: Mapping[tuple[str, str | None], datetime]) -> list[datetime]:
    """What never arrived binds nothing, whether it was put down before or is so only now (`begun`: by invoice and step)."""
    bounced = begun.get((invoice.id, invoice.repeat.step)) if invoice.repeat else None
    return [at for at in reminded if at != (bounced or invoice.last_reminder_at)]


def _has_message(work: Work) -> bool:
    return any(effect.kind == "reminder" for effect in work.effects)


@dataclass(frozen=True, slots=True)
class Pause:
    """Until when (UTC) a customer hears nothing, and why."""

    until: datetime
    reason: str


def pauses(reminded: Sequence[datetime], policy: Policy, case: Case, policy_of: PolicyOf) -> tuple[Pause, ...]:
    """What the last reminders (UTC) ask of the next one; what is over is there, too.

    The gap binds whatever caused the last reminder: of the policies that a customer's open invoices follow, the longest counts.
    """
    found: list[Pause] = []
    if reminded:
        open_ones = [policy_of(invoice) for invoice in case.invoices.values() if invoice.is_open]
        followed = {one.name: one for one in (*open_ones, policy)}
        found.append(Pause(max(_after(max(reminded), one.min_gap, one, case) for one in followed.values()), TOO_SOON))
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
    if work.verdict is Verdict.REPEAT:
        return Work(invoice.id, Verdict.MOVE, work.step, pause.reason, move_to=later, again=True)
    return Work(invoice.id, Verdict.SUPPRESS, work.step, pause.reason, move_to=later)


def gathered(works: Sequence[Work], case: Case, policy_of: PolicyOf, now: datetime) -> tuple[Work, ...]:
    """The works, with reminders that could go out now put off to later today where another of the customer's may go out only then.

    A text message's hours often begin after those of mail. Sent now, the lower stage would have the day's one message, and the
    higher would wait for the gap's end. They meet at the first instant of today at which all may go out; where there is none,
    nobody waits.
    """
    if not any(work.verdict is Verdict.MOVE for work in works):
        return tuple(works)
    waiting: dict[str, datetime] = {}
    reminding = _reminding(works, case, policy_of, now)
    for name in {row.policy.name for row in reminding}:
        rows = [row for row in reminding if row.policy.name == name]
        later = [row.work.move_to for row in rows if row.work.move_to]
        if not later or len(later) == len(rows):
            continue
        meet_at, contact = max(later), case.profile.reach
        steps = [(step, row.policy) for row in rows for step in row.policy.steps if step.id == row.work.step]
        instants = (meet_at, meet_at + _A_TIMER_MAY_BE_LATE)
        if all(may_run(step, contact, policy, at) for step, policy in steps for at in instants):
            waiting |= {row.work.invoice: meet_at for row in rows if row.work.verdict is Verdict.RUN}
    return tuple(_gathering(work, waiting.get(work.invoice)) for work in works)


def _reminding(works: Sequence[Work], case: Case, policy_of: PolicyOf, now: datetime) -> list[_Row]:
    """The message steps among the works that go out now, or are put off for the hour to later on the same day there."""
    found = []
    for work in works:
        invoice = case.invoices.get(work.invoice)
        if invoice is None or work.begun or work.again:
            continue
        policy = policy_of(invoice)
        if policy.scope is not Scope.CUSTOMER:
            continue
        zone = customer_zone(case.profile.reach, policy)
        is_later = work.verdict is Verdict.MOVE and work.move_to is not None and local_date(work.move_to, zone) == local_date(now, zone)
        if (work.verdict is Verdict.RUN and _has_message(work)) or (is_later and _writes(invoice, policy)):
            found.append(_Row(invoice, work, policy))
    return found


def _gathering(work: Work, meet_at: datetime | None) -> Work:
    if meet_at is None or work.verdict is not Verdict.RUN or work.begun:
        return work
    return Work(work.invoice, Verdict.SUPPRESS, work.step, WAITS_FOR_OTHERS, move_to=meet_at)


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
    joint: dict[str, Effect] = {}
    for channel in (Channel.EMAIL, Channel.SMS):
        for group in _groups(rows, channel, marks):
            message = _joint(group, channel)
            joint.update({effect.key: message for row in group for effect in row.work.effects if effect.channel is channel})
    return tuple(replace(work, effects=tuple(joint.get(effect.key, effect) for effect in work.effects)) for work in works)


def _groups(rows: Sequence[_Row], channel: Channel, marks: Mapping[str, Mark]) -> list[list[_Row]]:
    found: dict[tuple[str, ...], list[_Row]] = {}
    for row in rows:
        for effect in row.work.effects:
            if effect.channel is channel and effect.kind == "reminder" and not has_begun(marks, effect.key):
                found.setdefault((row.policy.name, effect.to, *effect.more_to, "cc", *effect.cc), []).append(row)
    return [group for group in found.values() if len(group) > 1]


def _joint(group: Sequence[_Row], channel: Channel) -> Effect:
    """The highest stage gives template and sender; rows go by stage, then by what is longest due."""
    ordered = sorted(group, key=_place_in_message)
    top = next(effect for effect in ordered[0].work.effects if effect.channel is channel)
    rows = [(row.work.step_in_key or "", row.invoice.id) for row in ordered]
    mails = [effect for row in ordered for effect in row.work.effects if effect.channel is channel]
    attach = tuple(dict.fromkeys(invoice for effect in mails for invoice in effect.attach))
    return replace(top, key=joint_key(channel, rows), invoices=tuple(invoice for _, invoice in rows), attach=attach)


def _place_in_message(row: _Row) -> tuple[int, bool, date, str]:
    """What is sent again stands by itself within its stage: the message's key names each kind once."""
    return -row.position, row.work.verdict is Verdict.REPEAT, row.invoice.due_date or row.invoice.stamp.date(), row.invoice.id
