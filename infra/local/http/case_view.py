"""A case as the control interface shows it (DESIGN §8)."""

from collections.abc import Sequence

from dunning.domain.activity import Activity
from dunning.domain.case import Case, Claim, Profile
from dunning.domain.invoice import Invoice

Row = dict[str, object]


def case_row(case: Case, activities: Sequence[Activity]) -> Row:
    """The whole case: profile, invoices by due date, activities oldest first."""
    invoices = sorted(case.invoices.values(), key=lambda invoice: (str(invoice.due_date), invoice.number, invoice.id))
    return {
        "profile": _profile_row(case.profile),
        "invoices": [_invoice_row(invoice, case.profile) for invoice in invoices],
        "activities": [_activity_row(activity) for activity in activities],
    }


def case_summary(case: Case) -> Row:
    """A case in one line: who it is, how many invoices, what comes next."""
    profile, invoices = case.profile, case.invoices.values()
    holds = dict.fromkeys(hold for invoice in invoices for hold in _holds_on(invoice, profile))
    instants = [invoice.next_at for invoice in invoices if invoice.next_at]
    return {
        "customer": profile.customer,
        "name": profile.contact.name,
        "holds": list(holds),
        "invoices": len(case.invoices),
        "open": sum(invoice.is_open for invoice in invoices),
        "next_at": None if holds else min(instants, default=None),
    }


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
        "holds": [kind.value for kind in profile.holds],
        "held_since": {kind.value: since for kind, since in profile.holds.items()},
        "disputes": [
            {"id": dispute.id, "invoice": dispute.invoice, "is_open": dispute.is_open, "at": dispute.stamp}
            for dispute in profile.disputes.values()
        ],
        "due_at": profile.due_at,
        "due_since": profile.due_since,
        "claim": _claim_row(profile.claim) if profile.claim else None,
        "retries": profile.retries,
    }


def _claim_row(claim: Claim) -> Row:
    effects = {effect: state.value for effect, state in claim.effects.items()}
    return {"id": claim.id, "until": claim.until, "origin": claim.origin, "attempt": claim.attempt, "effects": effects}


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
        "holds": _holds_on(invoice, profile),
        "policy": invoice.policy,
        "last_step": invoice.last_step,
        "reminders_sent": invoice.reminders_sent,
        "payment_url": invoice.payment_url,
    }


def _holds_on(invoice: Invoice, profile: Profile) -> list[str]:
    """The case's holds and the invoice's own, each kind once."""
    disputed = any(dispute.is_open and dispute.invoice in (None, invoice.id) for dispute in profile.disputes.values())
    own = ["dispute"] if disputed else []
    return list(dict.fromkeys([kind.value for kind in profile.holds] + own))


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
