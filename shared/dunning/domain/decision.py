"""What is to be done for a customer now, and why: pure functions of (case, policy, now)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dunning.domain.calendar import local_date, moved
from dunning.domain.case import Case, Notice
from dunning.domain.invoice import Contact, Invoice
from dunning.domain.planning import timing_in_words
from dunning.domain.policy import Facts, Policy, Step
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
    """The open invoices whose instant has come, most overdue instant first; none while the case is held."""
    if case.profile.is_held:
        return ()
    due = [invoice for invoice in case.invoices.values() if invoice.is_open and invoice.next_at and invoice.next_at <= now]
    return tuple(sorted(due, key=lambda invoice: (invoice.next_at or now, invoice.id))[:MOST_AT_ONCE])


def decide(case: Case, policy_of: PolicyOf, now: datetime) -> tuple[Work, ...]:
    """What to do now, invoice by invoice. Raises Permanent when a condition cannot be evaluated."""
    contact = case.profile.contact
    works = [_notify(key, notice) for key, notice in case.profile.notices.items() if notice.at <= now]
    works += [_thank(invoice, contact, policy_of(invoice)) for invoice in _to_thank(case, now)]
    works += [_decide_step(invoice, contact, policy_of(invoice), now) for invoice in due_invoices(case, now)]
    return tuple(works[:MOST_AT_ONCE])


def _to_thank(case: Case, now: datetime) -> list[Invoice]:
    return [invoice for invoice in case.invoices.values() if invoice.thanks_at and invoice.thanks_at <= now]


def _notify(key: str, notice: Notice) -> Work:
    effect = Effect(f"notice:{key}", Channel.TEAM, "notice", "notice", None, notice.invoices, NOTIFIED_TEAM, notice.reason)
    return Work(key, Verdict.NOTIFY, None, notice.reason, (effect,))


def _thank(invoice: Invoice, contact: Contact, policy: Policy) -> Work:
    if not policy.on_paid_email or not contact.email:
        return Work(invoice.id, Verdict.THANK, None, "nobody to thank")
    effect = Effect(f"thanks:{invoice.id}", Channel.EMAIL, "thank_you", policy.on_paid_email, None, (invoice.id,), contact.email)
    return Work(invoice.id, Verdict.THANK, None, "thank you for the payment", (effect,))


def _decide_step(invoice: Invoice, contact: Contact, policy: Policy, now: datetime) -> Work:
    step = next((step for step in policy.steps if step.id == invoice.next_step), None)
    if step is None:
        return Work(invoice.id, Verdict.REPLAN, invoice.next_step, "the policy no longer has this step")
    if not may_run(step, contact, policy, now):
        return _move(invoice, step, contact, policy, now)
    if step.condition and not step.condition(facts(invoice, contact, policy, now)):
        return Work(invoice.id, Verdict.SKIP, step.id, f"condition not met: {step.condition_text}")
    return Work(invoice.id, Verdict.RUN, step.id, timing_in_words(step), _effects(invoice, step, contact))


def _move(invoice: Invoice, step: Step, contact: Contact, policy: Policy, now: datetime) -> Work:
    later = moved(now, window_for(step, contact, policy), customer_zone(contact, policy), own_time(step))
    return Work(invoice.id, Verdict.MOVE, step.id, "outside the hours in which it may be sent", move_to=later)


def _effects(invoice: Invoice, step: Step, contact: Contact) -> tuple[Effect, ...]:
    """Mail first, then SMS, then our own people."""
    found: list[Effect] = []
    about = (invoice.id,)
    channels = channels_of(step, contact)
    if step.email and contact.email and "email" in channels:
        found.append(Effect(f"email:{step.id}:{invoice.id}", Channel.EMAIL, "reminder", step.email, step.id, about, contact.email))
    if step.sms and contact.phone and "sms" in channels:
        found.append(Effect(f"sms:{step.id}:{invoice.id}", Channel.SMS, "reminder", step.sms, step.id, about, contact.phone))
    if step.escalate:
        found.append(Effect(f"team:{step.id}:{invoice.id}", Channel.TEAM, "escalation", "escalation", step.id, about, step.escalate))
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
