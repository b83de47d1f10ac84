"""An invoice that another customer owes from now on, two customers having been merged for one: what goes with it, and what stays.

Of the invoice is how far its plan has run, what was said of it, what holds it, and its late fees: all of that goes along. Of the
customer are the addresses, replies, holds and chargebacks of the whole case: those stay.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.assignment import is_begun
from dunning.domain.bounds import with_notice
from dunning.domain.case import Case, Profile
from dunning.domain.charging import is_proposal
from dunning.domain.evolving import replace
from dunning.domain.fee_records import FeeState
from dunning.domain.holds import HoldKind, without
from dunning.domain.invoice import ApprovalState, Invoice, Status
from dunning.domain.planning import task_key
from dunning.domain.settlement import MOST_REMEMBERED

LOOKS_AGAIN_AFTER = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Left:
    """The case that an invoice has left, and what to log there."""

    case: Case
    activities: tuple[Activity, ...]


def is_being_worked_on(case: Case, invoice_id: str, now: datetime) -> bool:
    """Whether a message about this invoice may be on its way that nobody has put down yet: it could not go along."""
    claim, due_at = case.profile.claim, case.profile.due_at
    if claim is None:
        return False
    return claim.until > now or (due_at is not None and (claim.attempt > 0 or is_begun(case.profile, invoice_id)))


def goes_along(known: Invoice | None) -> bool:
    """Whether there is anything to go with an invoice: one that was settled is done with where it was."""
    return known is not None and (known.is_open or known.status is Status.DELETED)


def joined(case: Case, old: Case, invoice_id: str) -> Case:
    """The case that an invoice joins, before its source's word about it is taken in.

    A question that nobody has answered ends, and so does an answer about one message that others shared; the plan's next instant is to
    be computed anew, for another customer's calendar.
    """
    known, there = old.invoices[invoice_id], case.invoices.get(invoice_id)
    approval = known.approval
    is_answered = approval is not None and approval.state in (ApprovalState.APPROVED, ApprovalState.DECLINED) and not approval.together
    moved = replace(
        known,
        customer=case.profile.customer,
        status=Status.OPEN if known.status is Status.DELETED else known.status,
        next_at=None,
        approval=approval if is_answered else None,
        holds=without(known.holds, HoldKind.PARKED),  # it could be read, or nobody would know whose it is
        version=there.version if there else 0,
    )
    profile = _reminded(case.profile, known.last_reminder_at)
    for key, notice in old.profile.notices.items():
        if notice.invoices == (invoice_id,) and (is_proposal(key) or key == task_key(invoice_id)):
            profile = with_notice(profile, key, notice)
    return case.with_profile(profile).with_invoice(moved)


def left(case: Case, invoice_id: str, to: str, now: datetime, actor: str) -> Left:
    """The case that an invoice leaves. Nothing of it is over, so the log says only where (a customer's id) it went."""
    known = case.invoices[invoice_id]
    gone = replace(
        known,
        status=Status.DELETED,
        stamp=now,
        next_step=None,
        next_at=None,
        suppressed_for=None,
        approval=None,
        repeat=None,
        restarts_at=None,
        thanks_at=None,
        holds={},
        promise=None,
        fees=tuple(fee for fee in known.fees if fee.state is FeeState.APPLIED),
    )
    kind = ActivityType.CLOSED if known.is_open else ActivityType.UPDATED
    said = f"it is owed by {to} now, with all that was done about it"
    return Left(case.with_invoice(gone), (Activity(now, kind, said, (invoice_id,), None, actor),))


def _reminded(profile: Profile, at: datetime | None) -> Profile:
    """The customer had this reminder, too, as far as gaps and limits go; an answer that waits stays one."""
    if at is None or at in profile.reminded_at or (profile.replied_at is not None and at >= profile.replied_at):
        return profile
    return replace(profile, reminded_at=tuple(sorted((*profile.reminded_at, at)))[-MOST_REMEMBERED:])
