"""What is to be done for a customer now, and why: pure functions of (case, policy, now)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dunning.domain.calendar import is_open, local_date, moved, window_of
from dunning.domain.case import BEGUN, Case, EffectState, Notice
from dunning.domain.invoice import Contact, Invoice
from dunning.domain.planning import thanks_wait, timing_in_words, without_moot_tasks
from dunning.domain.policy import BeforeDue, Facts, Policy, Step
from dunning.domain.timing import channels_of, customer_zone, effective_due_date, may_run, own_time, steps_behind, window_for

PolicyOf = Callable[[Invoice], Policy]

MOST_AT_ONCE = 20
"""Invoices worked off under one claim: their transaction stays far below DynamoDB's 100 items; the rest follows at once."""


NOTIFIED_TEAM = "collections"
"""Who is told of what a person must look at."""


class Channel(StrEnum):
    """Where an effect goes."""

    EMAIL = "email"
    SMS = "sms"
    TEAM = "team"


@dataclass(frozen=True, slots=True)
class Effect:
    """One message to send. `key` names it within the customer for ever: the same key is never sent twice knowingly."""

    key: str
    channel: Channel
    kind: str
    template: str
    step: str | None
    invoices: tuple[str, ...]
    to: str
    reason: str | None = None


class Verdict(StrEnum):
    """What becomes of a due step."""

    RUN = "run"
    SKIP = "skip"
    MOVE = "move"
    REPLAN = "replan"
    THANK = "thank"
    NOTIFY = "notify"


@dataclass(frozen=True, slots=True)
class Work:
    """The decision about one invoice (or, for a notice, its key): the verdict, its reason in words, and the effects of a run."""

    invoice: str
    verdict: Verdict
    step: str | None
    reason: str
    effects: tuple[Effect, ...] = ()
    move_to: datetime | None = None


def due_invoices(case: Case, now: datetime) -> tuple[Invoice, ...]:
    """The open invoices whose instant has come, most overdue instant first; of a held case only those whose step has begun."""
    due = [invoice for invoice in case.invoices.values() if invoice.is_open and invoice.next_at and invoice.next_at <= now]
    if case.profile.is_held:
        due = [invoice for invoice in due if invoice.next_step in _begun_steps(case, invoice)]
    return tuple(sorted(due, key=lambda invoice: (invoice.next_at or now, invoice.id))[:MOST_AT_ONCE])


def decide(case: Case, policy_of: PolicyOf, now: datetime) -> tuple[Work, ...]:
    """What to do now, invoice by invoice. Raises Permanent when a condition cannot be evaluated."""
    case = without_moot_tasks(case)
    contact = case.profile.contact
    due = due_invoices(case, now)
    begun = {invoice.id: step for invoice in case.invoices.values() if (step := _unfinished_step(case, invoice, policy_of(invoice)))}
    works = [
        _finish_step(case, case.invoices[name], step, policy_of(case.invoices[name]), now, is_due=case.invoices[name] in due)
        for name, step in begun.items()
    ]
    works += [_notify(key, notice) for key, notice in case.profile.notices.items() if notice.at <= now]
    works += [_thank(case, invoice, contact, policy_of(invoice), now) for invoice in _to_thank(case, now)]
    works += [_decide_step(case, invoice, policy_of(invoice), now) for invoice in due if invoice.id not in begun]
    return tuple(works[:MOST_AT_ONCE])


def has_gone_out(work: Work, marks: Mapping[str, EffectState]) -> bool:
    """Whether carrying this work out sends nothing that has not gone out before: there is only something to put down."""
    return bool(work.effects) and all(marks.get(effect.key) in BEGUN for effect in work.effects)


def _to_thank(case: Case, now: datetime) -> list[Invoice]:
    due = [invoice for invoice in case.invoices.values() if invoice.thanks_at and invoice.thanks_at <= now]
    if thanks_wait(case.profile):
        due = [invoice for invoice in due if _marks(case).get(_thanks_key(invoice)) in BEGUN]
    return sorted(due, key=lambda invoice: (invoice.thanks_at or now, invoice.id))


def _marks(case: Case) -> Mapping[str, EffectState]:
    """What this claim, or those it took over from, has already begun to send."""
    return case.profile.claim.effects if case.profile.claim else {}


def _begun_steps(case: Case, invoice: Invoice) -> set[str]:
    """The steps of this invoice of which something has gone out under the claim, or may have."""
    begun = (key.split(":", 2) for key, state in _marks(case).items() if state in BEGUN)
    return {parts[1] for parts in begun if parts[0] in tuple(Channel) and parts[2:] == [invoice.id]}


def _unfinished_step(case: Case, invoice: Invoice, policy: Policy) -> Step | None:
    """The step that was begun and never settled; a report that comes late marks one that lies behind already."""
    begun = _begun_steps(case, invoice)
    return next((step for step in policy.steps[steps_behind(invoice, policy) :] if step.id in begun), None)


def _finish_step(case: Case, invoice: Invoice, step: Step, policy: Policy, now: datetime, *, is_due: bool) -> Work:
    """A step that has begun is finished, whatever would be decided anew: put off, its mail would go out twice.

    What has not begun and may not go out now, for the hour, a hold, or because the invoice is paid or due later, is left away.
    """
    contact, marks = case.profile.contact, _marks(case)
    zone = customer_zone(contact, policy)

    def goes_out(effect: Effect) -> bool:
        if marks.get(effect.key) in BEGUN:
            return True
        if not is_due or effect.channel is Channel.TEAM:
            return is_due
        return not case.profile.is_held and is_open(now, window_of((effect.channel.value,), policy.send_window), zone)

    effects = _effects(invoice, step, contact)
    kept = tuple(effect for effect in effects if goes_out(effect))
    away = ", ".join(effect.channel.value for effect in effects if effect not in kept)
    return Work(invoice.id, Verdict.RUN, step.id, timing_in_words(step) + (f"; {away} left away" if away else ""), kept)


def _notify(key: str, notice: Notice) -> Work:
    effect = Effect(f"notice:{key}", Channel.TEAM, "notice", "notice", None, notice.invoices, NOTIFIED_TEAM, notice.reason)
    return Work(key, Verdict.NOTIFY, None, notice.reason, (effect,))


def _thank(case: Case, invoice: Invoice, contact: Contact, policy: Policy, now: datetime) -> Work:
    if not policy.on_paid_email or not contact.email:
        return Work(invoice.id, Verdict.THANK, None, "nobody to thank")
    effect = Effect(_thanks_key(invoice), Channel.EMAIL, "thank_you", policy.on_paid_email, None, (invoice.id,), contact.email)
    later = moved(now, window_of((Channel.EMAIL.value,), policy.send_window), customer_zone(contact, policy))
    if later > now and _marks(case).get(effect.key) not in BEGUN:
        return Work(invoice.id, Verdict.MOVE, None, "outside the hours in which it may be sent", move_to=later)
    return Work(invoice.id, Verdict.THANK, None, "thank you for the payment", (effect,))


def _decide_step(case: Case, invoice: Invoice, policy: Policy, now: datetime) -> Work:
    step, contact = _step_of(invoice, policy), case.profile.contact
    if step is None:
        return _dropped(invoice)
    if isinstance(step.at, BeforeDue) and days_overdue(invoice, contact, policy, now) > 0:
        return Work(invoice.id, Verdict.SKIP, step.id, "its day had passed")
    if not may_run(step, contact, policy, now):
        return _move(invoice, step, contact, policy, now)
    if step.condition and not step.condition(facts(invoice, contact, policy, now)):
        return Work(invoice.id, Verdict.SKIP, step.id, f"condition not met: {step.condition_text}")
    return Work(invoice.id, Verdict.RUN, step.id, timing_in_words(step), _effects(invoice, step, contact))


def _step_of(invoice: Invoice, policy: Policy) -> Step | None:
    return next((step for step in policy.steps if step.id == invoice.next_step), None)


def _dropped(invoice: Invoice) -> Work:
    return Work(invoice.id, Verdict.REPLAN, invoice.next_step, "the policy no longer has this step")


def _move(invoice: Invoice, step: Step, contact: Contact, policy: Policy, now: datetime) -> Work:
    later = moved(now, window_for(step, contact, policy), customer_zone(contact, policy), own_time(step))
    return Work(invoice.id, Verdict.MOVE, step.id, "outside the hours in which it may be sent", move_to=later)


def _key(channel: Channel, step: str | None, invoice: Invoice) -> str:
    return f"{channel.value}:{step}:{invoice.id}"


def _thanks_key(invoice: Invoice) -> str:
    return f"thanks:{invoice.id}"


def _effects(invoice: Invoice, step: Step, contact: Contact) -> tuple[Effect, ...]:
    """Mail first, then SMS, then our own people."""
    found: list[Effect] = []
    about = (invoice.id,)
    channels = channels_of(step, contact)
    if step.email and contact.email and "email" in channels:
        found.append(Effect(_key(Channel.EMAIL, step.id, invoice), Channel.EMAIL, "reminder", step.email, step.id, about, contact.email))
    if step.sms and contact.phone and "sms" in channels:
        found.append(Effect(_key(Channel.SMS, step.id, invoice), Channel.SMS, "reminder", step.sms, step.id, about, contact.phone))
    if step.escalate:
        found.append(Effect(_key(Channel.TEAM, step.id, invoice), Channel.TEAM, "escalation", "escalation", step.id, about, step.escalate))
    return tuple(found)


def days_overdue(invoice: Invoice, contact: Contact, policy: Policy, now: datetime) -> int:
    """Whole local days since the due date; negative before it, 0 without one."""
    zone = customer_zone(contact, policy)
    due = effective_due_date(invoice, policy)
    return (local_date(now, zone) - due).days if due else 0


def facts(invoice: Invoice, contact: Contact, policy: Policy, now: datetime) -> Facts:
    """What a condition may ask. `amount_due` is in major units (Decimal)."""
    return {
        "amount_due": invoice.money_due.as_decimal(),
        "currency": invoice.currency,
        "days_overdue": days_overdue(invoice, contact, policy, now),
        "level": invoice.level,
        "reminders_sent": invoice.reminders_sent,
        "replied": False,
        "opened": False,
        "promise_broken": False,
        "country": contact.country or "",
        "tags": (),
        "source": invoice.source,
        "is_business": False,
    }
