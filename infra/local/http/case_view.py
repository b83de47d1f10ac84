"""A case as the control interface shows it (DESIGN §8)."""

from collections.abc import Callable, Sequence
from datetime import datetime

from dunning.content.policy_book import PolicyBook
from dunning.domain.activity import Activity
from dunning.domain.approval import waits_for_approval
from dunning.domain.case import Case, Claim, Profile
from dunning.domain.holds import HoldKind, Holds
from dunning.domain.invoice import Invoice
from dunning.domain.joint_approval import with_questions_reckoned

Row = dict[str, object]


def case_row(case: Case, activities: Sequence[Activity]) -> Row:
    """The whole case: profile, invoices by due date, activities oldest first."""
    invoices = sorted(case.invoices.values(), key=lambda invoice: (str(invoice.due_date), invoice.number, invoice.id))
    return {
        "profile": _profile_row(case.profile),
        "invoices": [_invoice_row(invoice, case.profile) for invoice in invoices],
        "activities": [_activity_row(activity) for activity in activities],
    }


def as_it_stands(case: Case, policies: Callable[[], PolicyBook], now: datetime) -> Case:
    """The case without the questions that nobody need answer any more, though they are still put down. Policies are read if it asks any."""
    if not any(invoice.is_open and waits_for_approval(invoice) for invoice in case.invoices.values()):
        return case
    book = policies()
    return with_questions_reckoned(case, lambda invoice: book.named(invoice.policy), now)


def case_summary(case: Case) -> Row:
    """A case in one line: who it is, how many invoices, what comes next."""
    profile, invoices, holds = case.profile, case.invoices.values(), list(_holds(case.profile))
    instants = [invoice.next_at for invoice in invoices if invoice.next_at]
    return {
        "customer": profile.customer,
        "name": profile.contact.name,
        "holds": holds,
        "invoices": len(case.invoices),
        "open": sum(invoice.is_open for invoice in invoices),
        "next_at": None if holds else min(instants, default=None),
    }


def unreadable_summary(customer: str) -> Row:
    """The line of a case that cannot be read: nothing goes out, and the case itself says why."""
    return {"customer": customer, "name": None, "holds": ["unreadable"], "invoices": 0, "open": 0, "next_at": None}


def _profile_row(profile: Profile) -> Row:
    contact = profile.contact
    return {
        "customer": profile.customer,
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "country": contact.country,
        "locale": contact.locale,
        "timezone": contact.timezone,
        "holds": list(_holds(profile)),
        "held_since": _holds(profile),
        "opted_out": dict(profile.opted_out),
        "undeliverable_addresses": list(profile.dead_addresses),
        "hold_details": _hold_rows(profile.holds),
        "disputes": [
            {"id": dispute.id, "invoice": dispute.invoice, "is_open": dispute.is_open, "at": dispute.stamp}
            for dispute in profile.disputes.values()
        ],
        "notices": [{"reason": notice.reason, "at": notice.at, "invoices": list(notice.invoices)} for notice in profile.notices.values()],
        "due_at": profile.due_at,
        "due_since": profile.due_since,
        "claim": _claim_row(profile.claim) if profile.claim else None,
        "retries": profile.retries,
    }


def _holds(profile: Profile) -> dict[str, datetime]:
    """Why nothing goes out, and since when. A dispute at the source is a chargeback: it holds the whole case."""
    disputed = [dispute.stamp for dispute in profile.disputes.values() if dispute.is_open]
    # The oldest last: a park and a person's hold are told as one, which began with the first of them.
    held = {_told(kind): hold.since for kind, hold in sorted(profile.holds.items(), key=lambda one: one[1].since, reverse=True)}
    if profile.not_chased_since:
        held["do_not_chase"] = profile.not_chased_since
    return held | ({HoldKind.DISPUTE.value: min(disputed)} if disputed else {})


def _told(kind: HoldKind) -> str:
    """A park is told as the operator's: until a person has mended what no retry could."""
    return (HoldKind.OPERATOR if kind is HoldKind.PARKED else kind).value


def _hold_rows(holds: Holds) -> list[Row]:
    return [{"kind": kind.value, "since": hold.since, "until": hold.until, "reason": hold.reason} for kind, hold in holds.items()]


def _promise_row(invoice: Invoice) -> Row | None:
    promise = invoice.promise
    return {"until": promise.until, "amount": promise.amount, "currency": invoice.currency} if promise else None


def _claim_row(claim: Claim) -> Row:
    effects = {effect: mark.state.value for effect, mark in claim.effects.items()}
    return {"id": claim.id, "until": claim.until, "origin": claim.origin, "attempt": claim.attempt, "effects": effects}


def _approval(invoice: Invoice) -> tuple[str, ...]:
    return ("approval",) if waits_for_approval(invoice) else ()


def _invoice_row(invoice: Invoice, profile: Profile) -> Row:
    return {
        "id": invoice.id,
        "source": invoice.source,
        "number": invoice.number,
        "status": invoice.status.value,
        "currency": invoice.currency,
        "total": invoice.total,
        "amount_due": invoice.amount_due,
        "due_date": invoice.due_date,
        "level": invoice.level,
        "next_step": invoice.next_step,
        "next_at": invoice.next_at,
        "holds": list(dict.fromkeys([*map(_told, invoice.holds), *_holds(profile), *_approval(invoice)])),
        "hold_details": _hold_rows(invoice.holds),
        "promise": _promise_row(invoice),
        "promise_broken": invoice.promise_broken,
        "policy": invoice.policy,
        "last_step": invoice.last_step,
        "reminders_sent": invoice.reminders_sent,
        "escalated": invoice.escalated,
        "suppressed_for": invoice.suppressed_for,
        "payment_url": invoice.payment_url,
    }


def _activity_row(activity: Activity) -> Row:
    return {
        "at": activity.at,
        "type": activity.type.value,
        "reason": activity.reason,
        "invoices": list(activity.invoices),
        "step": activity.step,
        "actor": activity.actor,
        "channel": activity.channel,
    }
