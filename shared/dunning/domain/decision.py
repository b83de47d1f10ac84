"""What is to be done for a customer now, and why: pure functions of (case, policy, now)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from dunning.domain.approval import as_far_as_approved, declined_in_words, waits_for_approval
from dunning.domain.assignment import tags_of
from dunning.domain.balances import Balances, balance_for, balances_of, is_enough_alone
from dunning.domain.calendar import at_local, is_open, local_date, window_of
from dunning.domain.case import Case, Mark, Notice, Profile
from dunning.domain.charging import fees_to_charge, in_words, is_proposal, riders
from dunning.domain.consolidation import MOST_IN_ONE_MESSAGE, PolicyOf, consolidated, gathered, joins, spaced, within_one_message
from dunning.domain.effects import Channel, Effect, begun_steps, has_begun, marks_of, repetition_of, row_key, rows_of
from dunning.domain.evolving import replace
from dunning.domain.fee_records import Fee
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Contact, Invoice
from dunning.domain.joint_approval import asked_together, is_withdrawn
from dunning.domain.moving import moved_to_workday
from dunning.domain.netting import COVERED
from dunning.domain.part_payments import STARTS_AGAIN
from dunning.domain.planning import as_it_stands, notices_to_tell, thanks_wait, timing_of, waiting_for_answers
from dunning.domain.policy import Facts, Policy, Scope, Step
from dunning.domain.recipients import templates_of
from dunning.domain.step_effects import as_reached, effects_gone_out, effects_of, repeated_effects
from dunning.domain.timing import (
    BELOW_MINIMUM,
    calendar_of,
    customer_zone,
    days_overdue,
    has_passed,
    is_outrun,
    may_run,
    not_chased_because,
    own_time,
    steps_behind,
    window_for,
)
from dunning.domain.works import OUTRUN, Verdict, Work

MOST_AT_ONCE = 20
"""Invoices worked off under one claim: their transaction stays far below DynamoDB's 100 items; the rest follows at once."""

MOST_FEES_AT_ONCE = 3
"""Fees written under one claim, for each takes several requests to the source."""

_ANOTHER_WAY = "sent again another way, for the first mail bounced"

NOTIFIED_TEAM = "collections"
"""Who is told of what a person must look at."""


def due_invoices(
    case: Case, now: datetime, policy_of: PolicyOf | None = None, besides: Collection[str] = frozenset()
) -> tuple[Invoice, ...]:
    """The open invoices whose instant has come, most overdue instant first; of what is held only those whose step has begun.

    With `policy_of`, also those whose message is due later today and joins one that is due now (`scope: customer`). `besides`: none
    of these.
    """
    due = [invoice for invoice in case.invoices.values() if invoice.is_open and (is_repeat_due(invoice, now) or _is_step_due(invoice, now))]
    due = [invoice for invoice in due if invoice.id not in besides]
    due = [invoice for invoice in due if not _is_held(case, invoice) or invoice.next_step in begun_steps(case.profile, invoice.id)]
    due = sorted(due, key=lambda invoice: (invoice.next_at or now, invoice.id))
    if policy_of is None or not any(policy_of(invoice).scope is Scope.CUSTOMER for invoice in due):
        return tuple(due[:MOST_AT_ONCE])
    riders = () if case.profile.is_held else [one for one in joins(case, due, policy_of, now) if one.id not in besides]
    return within_one_message((*due, *sorted(riders, key=lambda invoice: (invoice.next_at or now, invoice.id))))


def to_ask_about(
    case: Case, now: datetime, policy_of: PolicyOf | None = None, besides: Collection[str] = frozenset()
) -> tuple[Invoice, ...]:
    """What a decision taken now rests on: what is due, what a fee waits to be charged on, and the open fees that ride with these.

    And what waits for a person's answer, once a day; and what an abandoned claim gave thanks for, though nobody has put its payment
    down yet: it may be held meanwhile.
    """
    case = as_it_stands(case, policy_of, now)
    found = [*due_invoices(case, now, policy_of, besides), *(invoice for invoice, _ in fees_to_charge(case)[:MOST_FEES_AT_ONCE])]
    found += [invoice for invoice in case.invoices.values() if invoice.is_open and _thanks_begun(case, invoice)]
    if case.profile.look_at is not None and case.profile.look_at <= now:
        found += waiting_for_answers(case)[:MOST_IN_ONE_MESSAGE]
    found += [fee for invoice in found for fee in riders(case, invoice.id)]
    return tuple({invoice.id: invoice for invoice in found}.values())


def decide(
    case: Case,
    policy_of: PolicyOf,
    now: datetime,
    allowed: Callable[[Work], bool] = lambda _: True,
    besides: Collection[str] = frozenset(),
) -> tuple[Work, ...]:
    """What to do now, invoice by invoice; `allowed` keeps out what must wait, and what is due of `besides` takes nobody's room.

    Raises Permanent when a condition cannot be evaluated.
    """
    case = as_it_stands(case, policy_of, now)
    contact = case.profile.reach
    due = due_invoices(case, now, policy_of, besides)
    begun = _unfinished_steps(case, policy_of)
    works = [
        _finish_step(case, case.invoices[name], step, policy_of(case.invoices[name]), now, is_due=case.invoices[name] in due)
        for name, step in begun.items()
    ]
    notices = sorted(notices_to_tell(case.profile).items(), key=lambda one: (one[1].at, one[0]))
    works += [_notify(key, notice) for key, notice in notices if notice.at <= now]
    works += [_thank(case, invoice, contact, policy_of(invoice), now) for invoice in _to_thank(case, now)]
    again = _to_send_again(case, due, now)
    settled_first = begun.keys() | again.keys()
    works += [_repeat(case, case.invoices[name], policy_of(case.invoices[name]), channels, now) for name, channels in again.items()]
    all_enough = all(is_enough_alone(invoice, policy_of(invoice)) for invoice in due)
    owed = {} if all_enough else balances_of(case, policy_of, undisputed=True)
    works += [_decide_step(case, invoice, policy_of(invoice), now, owed) for invoice in due if invoice.id not in settled_first]
    works += [_charge(invoice, fee) for invoice, fee in fees_to_charge(case)[:MOST_FEES_AT_ONCE]]
    joint = {invoice.id for invoice in due if policy_of(invoice).scope is Scope.CUSTOMER}
    works = _at_once([work for work in works if allowed(work)], joint, marks_of(case.profile))
    together = gathered(spaced(works, case, policy_of, now), case, policy_of, now)
    return consolidated(asked_together(together, case, policy_of, now), case, policy_of)


def _at_once(works: Sequence[Work], joint: Collection[str], marks: Mapping[str, Mark]) -> list[Work]:
    """The first `MOST_AT_ONCE`. Beyond that stay the rows that may share one message (`joint`), lest one is left for a second
    message, and what has gone out before: put off, it would be forgotten with its claim, and go out twice.
    """
    found, room = list[Work](), MOST_AT_ONCE
    for work in works:
        stays = work.begun or has_gone_out(work, marks) or (work.step is not None and work.invoice in joint)
        if stays or room > 0:
            found.append(work)
        room -= not stays
    return found


def texts_now(invoice: Invoice, policy: Policy, contact: Contact) -> bool:
    """Whether the invoice's next step, or the one that is to be repeated, would be said by text message."""
    wanted = {invoice.next_step, invoice.repeat.step if invoice.repeat and invoice.repeat.at else None}
    return any(step.id in wanted and "sms" in templates_of(step, contact) for step in policy.steps)


def has_gone_out(work: Work, marks: Mapping[str, Mark]) -> bool:
    """Whether carrying this work out sends nothing that has not gone out before: there is only something to put down."""
    return bool(work.effects) and all(has_begun(marks, row) for effect in work.effects for row in rows_of(effect.key))


def _is_step_due(invoice: Invoice, now: datetime) -> bool:
    if invoice.restarts_at is not None:
        return invoice.restarts_at <= now
    return invoice.next_at is not None and invoice.next_at <= now and not waits_for_approval(invoice)


def is_repeat_due(invoice: Invoice, now: datetime) -> bool:
    """Whether a step that bounced is to be sent another way now."""
    return invoice.repeat is not None and invoice.repeat.at is not None and invoice.repeat.at <= now


def _is_held(case: Case, invoice: Invoice) -> bool:
    return case.profile.is_held or invoice.is_held


def _to_thank(case: Case, now: datetime) -> list[Invoice]:
    """Whose hour has come; and what has gone out already, to be put down whatever the hour."""
    waits = thanks_wait(case.profile)
    due = [
        invoice
        for invoice in case.invoices.values()
        if invoice.thanks_at and (_thanks_begun(case, invoice) or (invoice.thanks_at <= now and not waits))
    ]
    return sorted(due, key=lambda invoice: (invoice.thanks_at or now, invoice.id))


def _unfinished_steps(case: Case, policy_of: PolicyOf) -> dict[str, Step]:
    """By invoice; most claims are fresh and have begun nothing."""
    if not marks_of(case.profile):
        return {}
    return {invoice.id: step for invoice in case.invoices.values() if (step := _unfinished_step(case, invoice, policy_of(invoice)))}


def _unfinished_step(case: Case, invoice: Invoice, policy: Policy) -> Step | None:
    """The step that was begun and never settled; a report that comes late marks one that lies behind already."""
    begun = begun_steps(case.profile, invoice.id)
    return next((step for step in policy.steps[steps_behind(invoice, policy) :] if step.id in begun), None)


def _finish_step(case: Case, invoice: Invoice, step: Step, policy: Policy, now: datetime, *, is_due: bool) -> Work:
    """A step that has begun is finished, whatever would be decided anew: put off, its mail would go out twice.

    What has not begun and may not go out now, for the hour, a hold, or because the invoice is paid, due later, or its plan starts
    again, is left away. So is a channel that would stand in for the one that it went out by: the customer has had this message.
    """
    contact, marks = case.profile.reach, marks_of(case.profile)
    zone = customer_zone(contact, policy)

    def goes_out(effect: Effect) -> bool:
        if has_begun(marks, effect.key):
            return True
        if not is_due or invoice.restarts_at is not None or effect.channel is Channel.TEAM:
            return is_due and invoice.restarts_at is None
        return not _is_held(case, invoice) and is_open(now, window_of((effect.channel.value,), policy.send_window), zone)

    told = has_begun(marks, row_key(Channel.TEAM, step.id, invoice.id))
    escalates = told or _escalates(invoice, step, case.profile, policy, now)
    effects = effects_of(invoice, step, contact, escalates=escalates)
    begun = {channel for channel in (Channel.EMAIL, Channel.SMS) if has_begun(marks, row_key(channel, step.id, invoice.id))}
    if begun - {effect.channel for effect in effects}:
        reachable = {Channel.TEAM, *(effect.channel for effect in effects)}
        as_it_was = effects_of(invoice, step, as_reached(case.profile.contact, begun), escalates=escalates)
        is_meant = begun <= {effect.channel for effect in as_it_was}  # else the policy has changed the step meanwhile
        effects = tuple(
            effect
            for effect in as_it_was
            if effect.channel in begun or (effect.channel in reachable and (is_meant or effect.channel is Channel.TEAM))
        )
    unapproved = told and not begun and step.approve_above is not None  # a message would have gone before the team was told
    kept = tuple(one for one in effects if goes_out(one) and (not unapproved or one.channel is Channel.TEAM))
    away = ", ".join(effect.channel.value for effect in effects if effect not in kept)
    reason = timing_of(step, invoice, policy) + (f"; {away} left away" if away else "")
    return Work(invoice.id, Verdict.RUN, step.id, reason, kept, begun=True, unapproved=unapproved)


def _notify(key: str, notice: Notice) -> Work:
    template, team = "fee_proposal" if is_proposal(key) else "notice", notice.team or NOTIFIED_TEAM
    effect = Effect(f"notice:{key}", Channel.TEAM, "notice", template, None, notice.invoices, team, notice.reason, quote=notice.text)
    return Work(key, Verdict.NOTIFY, None, notice.reason, (effect,))


def _charge(invoice: Invoice, fee: Fee) -> Work:
    if invoice.amount_due <= 0:
        return Work(invoice.id, Verdict.LAPSE, fee.step, "no late fee: what was owed is covered by now")
    effect = Effect(f"charge:{fee.step}:{invoice.id}", Channel.FEE, "fee", "fee", fee.step, (invoice.id,), invoice.customer)
    return Work(invoice.id, Verdict.CHARGE, fee.step, f"late fee of {in_words(fee, invoice.currency)}", (effect,))


def _thank(case: Case, invoice: Invoice, contact: Contact, policy: Policy, now: datetime) -> Work:
    to = contact.email or (as_reached(case.profile.contact, {Channel.EMAIL}).email if _thanks_begun(case, invoice) else None)
    if not policy.on_paid_email or not to:
        return Work(invoice.id, Verdict.THANK, None, "nobody to thank")
    effect = Effect(_thanks_key(invoice), Channel.EMAIL, "thank_you", policy.on_paid_email, None, (invoice.id,), to)
    window, zone = window_of((Channel.EMAIL.value,), policy.send_window), customer_zone(contact, policy)
    later = moved_to_workday(now, window, zone, policy.calendar)
    if later > now and not has_begun(marks_of(case.profile), effect.key):
        return Work(invoice.id, Verdict.MOVE, None, "outside the hours in which it may be sent", move_to=later)
    return Work(invoice.id, Verdict.THANK, None, "thank you for the payment", (effect,))


def _decide_step(case: Case, invoice: Invoice, policy: Policy, now: datetime, owed: Balances) -> Work:
    step, contact = policy.step(invoice.next_step), case.profile.reach
    if invoice.restarts_at is not None:
        return Work(invoice.id, Verdict.REPLAN, invoice.next_step, f"a part was paid: {STARTS_AGAIN}")
    if step is None:
        return _dropped(invoice)
    if invoice.plan_revision != policy.revision:
        return Work(invoice.id, Verdict.REPLAN, invoice.next_step, "the policy has changed")
    if _was_late(case, contact, policy, now) and is_outrun(invoice, step, contact, policy, now):
        return Work(invoice.id, Verdict.REPLAN, step.id, OUTRUN)
    if has_passed(step, invoice, contact, policy, now):
        unanswered = ", and nobody had answered whether it may run" if is_withdrawn(invoice) else ""
        return Work(invoice.id, Verdict.SKIP, step.id, f"its day had passed{unanswered}")
    escalates, declined = _escalates(invoice, step, case.profile, policy, now), declined_in_words(invoice, step)
    if declined and not escalates:
        return Work(invoice.id, Verdict.SKIP, step.id, declined)
    if not may_run(step, contact, policy, now) or _is_free_early(invoice, step, contact, policy, now):
        return _move(invoice, step, contact, policy, now)
    silent = not_chased_because(invoice, policy, balance_for(invoice, policy, owed))
    if silent and (invoice.id in case.covered or (silent == BELOW_MINIMUM and (step.is_message or step.late_fee))):
        if silent == BELOW_MINIMUM and not _may_count_again(case):
            return Work(invoice.id, Verdict.REPLAN, step.id, "all together has become too small")
        return put_off_a_day(invoice, step, contact, policy, now, COVERED if invoice.id in case.covered else silent)
    if step.condition and not step.condition(facts(invoice, case.profile, policy, now)):
        return Work(invoice.id, Verdict.SKIP, step.id, f"condition not met: {step.condition_text}")
    stays = f"not handed over: {step.escalate_condition_text}" if step.escalate and not escalates else ""
    if stays and not step.is_message and step.late_fee is None:
        return Work(invoice.id, Verdict.SKIP, step.id, stays)
    reason = timing_of(step, invoice, policy) + (f"; {stays}" if stays else "")
    run = Work(invoice.id, Verdict.RUN, step.id, reason, effects_of(invoice, step, contact, escalates=escalates))
    return as_far_as_approved(run, case, invoice, step)


def _may_count_again(case: Case) -> bool:
    """Whether amounts are left out of the balance for a while only, credit's or disputed ones, so that it is worth another look."""
    return bool(case.covered) or any(HoldKind.DISPUTE in invoice.holds for invoice in case.invoices.values())


def _was_late(case: Case, contact: Contact, policy: Policy, now: datetime) -> bool:
    """Whether the timer has waited for us since a day before: what a hold kept back waits only since its release."""
    since, zone = case.profile.due_since, customer_zone(contact, policy)
    return since is not None and local_date(since, zone) < local_date(now, zone)


def put_off_a_day(invoice: Invoice, step: Step, contact: Contact, policy: Policy, now: datetime, reason: str) -> Work:
    """To the step's own time of day on the next day on which it may run; `reason` is logged once."""
    zone, time_of_day = customer_zone(contact, policy), own_time(step)
    tomorrow = at_local(local_date(now, zone) + timedelta(days=1), time_of_day or time.min, zone)
    later = moved_to_workday(tomorrow, window_for(step, contact, policy), zone, calendar_of(step, policy), time_of_day)
    return Work(invoice.id, Verdict.SUPPRESS, step.id, reason, move_to=later)


def _escalates(invoice: Invoice, step: Step, profile: Profile, policy: Policy, now: datetime) -> bool:
    """Whether the step hands the invoice to a team now."""
    condition = step.escalate_condition
    return step.escalate is not None and (condition is None or condition(facts(invoice, profile, policy, now)))


def _to_send_again(case: Case, due: Sequence[Invoice], now: datetime) -> dict[str, tuple[Channel, ...]]:
    """The invoices whose step is sent again now, with the channels by which that has begun already: it is put down whatever holds it."""
    marks, are_due = marks_of(case.profile), {invoice.id for invoice in due}
    found: dict[str, tuple[Channel, ...]] = {}
    for invoice in case.invoices.values():
        if invoice.repeat is None or invoice.repeat.at is None:
            continue
        again = repetition_of(invoice.repeat.step)
        begun = tuple(one for one in (Channel.EMAIL, Channel.SMS) if has_begun(marks, row_key(one, again, invoice.id)))
        if begun or (invoice.id in are_due and is_repeat_due(invoice, now) and not _is_held(case, invoice)):
            found[invoice.id] = begun
    return found


def _repeat(case: Case, invoice: Invoice, policy: Policy, begun: Sequence[Channel], now: datetime) -> Work:
    """The step that bounced once more, by what is left; the gap to the last message does not bind what never arrived.

    It is a reminder like any other: none about what was handed over meanwhile, or is covered. What has `begun` is finished.
    """
    contact = case.profile.reach
    if begun and invoice.repeat:
        effects = effects_gone_out(invoice, invoice.repeat.step, begun)
        return Work(invoice.id, Verdict.REPEAT, invoice.repeat.step, _ANOTHER_WAY, effects, begun=True)
    step = next((step for step in policy.steps if invoice.repeat and step.id == invoice.repeat.step), None)
    if step is None:
        return Work(invoice.id, Verdict.REPEAT, None, "the policy no longer has this step")
    if invoice.escalated:
        return Work(invoice.id, Verdict.REPEAT, step.id, "sent again, for it was handed over meanwhile")
    if invoice.id in case.covered and not_chased_because(invoice, policy, invoice.amount_due):
        return Work(invoice.id, Verdict.REPEAT, step.id, f"sent again: {COVERED}")
    if not may_run(step, contact, policy, now):
        return replace(_move(invoice, step, contact, policy, now), again=True)
    return Work(invoice.id, Verdict.REPEAT, step.id, _ANOTHER_WAY, repeated_effects(invoice, step, contact))


def _dropped(invoice: Invoice) -> Work:
    return Work(invoice.id, Verdict.REPLAN, invoice.next_step, "the policy no longer has this step")


def _move(invoice: Invoice, step: Step, contact: Contact, policy: Policy, now: datetime) -> Work:
    window, zone = window_for(step, contact, policy), customer_zone(contact, policy)
    at = _own_instant(step, zone, now) if _is_free_early(invoice, step, contact, policy, now) else now
    later = moved_to_workday(at, window, zone, calendar_of(step, policy), own_time(step))
    return Work(invoice.id, Verdict.MOVE, step.id, "outside the hours in which it may be sent", move_to=later)


def _is_free_early(invoice: Invoice, step: Step, contact: Contact, policy: Policy, now: datetime) -> bool:
    """Whether its question was withdrawn before the step's own hour of the day, as by a sweep in the night: it keeps that hour."""
    at = _own_instant(step, customer_zone(contact, policy), now)
    return is_withdrawn(invoice) and invoice.next_step == step.id and now < at and may_run(step, contact, policy, at)


def _own_instant(step: Step, zone: ZoneInfo, now: datetime) -> datetime:
    """The step's own time of day, today there; now for one that has none."""
    time_of_day = own_time(step)
    return at_local(local_date(now, zone), time_of_day, zone) if time_of_day else now


def _thanks_begun(case: Case, invoice: Invoice) -> bool:
    return has_begun(marks_of(case.profile), _thanks_key(invoice))


def _thanks_key(invoice: Invoice) -> str:
    return f"thanks:{invoice.id}"


def was_opened(invoice: Invoice) -> bool:
    """Whether a mail about the invoice was opened since the last reminder went out."""
    return invoice.opened_at is not None and invoice.last_reminder_at is not None and invoice.opened_at >= invoice.last_reminder_at


def facts(invoice: Invoice, profile: Profile, policy: Policy, now: datetime) -> Facts:
    """What a condition may ask. `amount_due` is in major units (Decimal)."""
    contact = profile.contact
    return {
        "amount_due": invoice.money_due.as_decimal(),
        "currency": invoice.currency,
        "days_overdue": days_overdue(invoice, contact, policy, now),
        "level": invoice.level,
        "reminders_sent": invoice.reminders_sent,
        "replied": profile.has_replied,
        "opened": was_opened(invoice),
        "promise_broken": invoice.promise_broken,
        "country": contact.country or "",
        "tags": tags_of(invoice, contact),
        "source": invoice.source,
        "is_business": bool(contact.is_business),
    }
