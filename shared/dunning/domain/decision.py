"""What is to be done for a customer now, and why: pure functions of (case, policy, now)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dunning.domain.calendar import is_open, local_date, moved, window_of
from dunning.domain.case import Case, EffectState, Notice
from dunning.domain.invoice import Contact, Invoice
from dunning.domain.planning import thanks_wait, timing_in_words
from dunning.domain.policy import BeforeDue, Facts, Policy, Step
from dunning.domain.timing import channels_of, customer_zone, effective_due_date, may_run, own_time, window_for

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
        due = [invoice for invoice in due if _has_begun(case, invoice)]
    return tuple(sorted(due, key=lambda invoice: (invoice.next_at or now, invoice.id))[:MOST_AT_ONCE])


def decide(case: Case, policy_of: PolicyOf, now: datetime) -> tuple[Work, ...]:
    """What to do now, invoice by invoice. Raises Permanent when a condition cannot be evaluated."""
    contact = case.profile.contact
    works = [_notify(key, notice) for key, notice in case.profile.notices.items() if notice.at <= now]
    works += [_thank(case, invoice, contact, policy_of(invoice), now) for invoice in _to_thank(case, now)]
    for invoice in due_invoices(case, now):
        goes_on = _finish_step if _has_begun(case, invoice) else _decide_step
        works.append(goes_on(case, invoice, policy_of(invoice), now))
    return tuple(works[:MOST_AT_ONCE])


def _to_thank(case: Case, now: datetime) -> list[Invoice]:
    if thanks_wait(case.profile):
        return []
    due = [invoice for invoice in case.invoices.values() if invoice.thanks_at and invoice.thanks_at <= now]
    return sorted(due, key=lambda invoice: (invoice.thanks_at or now, invoice.id))


def _marks(case: Case) -> Mapping[str, EffectState]:
    """What this claim, or those it took over from, has already begun to send."""
    return case.profile.claim.effects if case.profile.claim else {}


def _has_begun(case: Case, invoice: Invoice) -> bool:
    """Whether something of the invoice's step has already gone out, under a claim that never settled it."""
    return any(_key(channel, invoice.next_step, invoice) in _marks(case) for channel in Channel)


def _finish_step(case: Case, invoice: Invoice, policy: Policy, now: datetime) -> Work:
    """A step that has begun is finished, whatever would be decided anew: put off, its mail would go out twice.

    What has not begun and may not go out now, for the hour or a hold, is left away.
    """
    step = _step_of(invoice, policy)
    if step is None:
        return _dropped(invoice)
    contact, marks = case.profile.contact, _marks(case)
    zone = customer_zone(contact, policy)

    def goes_out(effect: Effect) -> bool:
        if effect.key in marks or effect.channel is Channel.TEAM:
            return True
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
    effect = Effect(f"thanks:{invoice.id}", Channel.EMAIL, "thank_you", policy.on_paid_email, None, (invoice.id,), contact.email)
    later = moved(now, window_of((Channel.EMAIL.value,), policy.send_window), customer_zone(contact, policy))
    if later > now and effect.key not in _marks(case):
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
