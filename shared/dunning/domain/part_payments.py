"""What a partial payment does to an invoice's plan (`on_partial_payment`): continue, restart, or wait a while. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.calendar import local_date
from dunning.domain.case import Case, Mark
from dunning.domain.effects import marks_by_row
from dunning.domain.evolving import replace
from dunning.domain.holding import with_hold
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Invoice
from dunning.domain.policy import AfterDue, PartialPaymentRule, Policy
from dunning.domain.spans import end_of_span
from dunning.domain.timing import customer_zone

STARTS_AGAIN = "the plan starts again"

_SENT_WITHIN = timedelta(minutes=20)
"""So long after a claim began, by which a reminder is dated, its last message may have been taken."""


@dataclass(frozen=True, slots=True)
class PartlyPaid:
    """The invoice afterwards, what that means in words ("" for nothing), and what to log beside the payment itself."""

    invoice: Invoice
    words: str = ""
    activities: tuple[Activity, ...] = ()


def is_credit(known: Invoice, seen: Invoice) -> bool:
    """Whether credit notes alone took off what is owed less now than was known before; where the source does not say, it was paid."""
    if known.credited is None or seen.credited is None:
        return False
    return seen.credited - known.credited >= known.amount_due - seen.amount_due > 0


def after_part_payment(
    invoice: Invoice, contact: Contact, policy: Policy, now: datetime, actor: str, *, on_its_way: bool = False
) -> PartlyPaid:
    """Apply the policy's rule to an invoice of which a part was just paid. `restart` alone ever sets a stage back.

    Where a step is being run, or may have gone out and is not put down (`on_its_way`), the plan starts again behind that: the same
    step of the plan that starts would be taken for it.
    """
    zone = customer_zone(contact, policy)
    rule, span = policy.on_partial_payment.rule, policy.on_partial_payment.hold
    if rule is PartialPaymentRule.RESTART:
        if invoice.escalated:
            return PartlyPaid(invoice, "; the plan is not started again: our own people have taken over")
        if on_its_way:
            return PartlyPaid(replace(invoice, restarts_at=now), f"; {STARTS_AGAIN} once what is on its way is put down")
        again, is_later = _restarted(invoice, contact, policy, now)
        return PartlyPaid(again, f"; {STARTS_AGAIN}, counted from {'tomorrow' if is_later else 'today'}")
    if rule is PartialPaymentRule.HOLD and span is not None:
        hold = Hold(now, end_of_span(now, span, zone, policy.calendar), "a part was paid")
        held, logged = with_hold(invoice, HoldKind.PARTIAL_PAYMENT, hold, actor)
        return PartlyPaid(held, "; the plan waits", logged)
    return PartlyPaid(invoice)


def started_again(invoice: Invoice, contact: Contact, policy: Policy, now: datetime, actor: str) -> tuple[Invoice, tuple[Activity, ...]]:
    """The invoice with its plan started again, where that waited until all before was put down; not where it was handed over.

    One that is closed here is kept as it is: it may be another customer's by now, where its plan goes on.
    """
    if invoice.restarts_at is None or not invoice.is_open:
        return invoice, ()
    if invoice.escalated:
        return replace(invoice, restarts_at=None), ()
    again, _ = _restarted(invoice, contact, policy, invoice.restarts_at)
    said = f"{STARTS_AGAIN}, counted from {again.counts_from:%Y-%m-%d}"
    return again, (Activity(now, ActivityType.UPDATED, said, (invoice.id,), None, actor),)


def without_marks_of_before(case: Case) -> Case:
    """The case without what its claim knows of messages of a plan that has started again since: they are put down, and a report of
    SES that comes behind that says nothing of the same step of the plan that runs."""
    claim = case.profile.claim
    if claim is None or not any(invoice.restarted_after for invoice in case.invoices.values()):
        return case
    marks = marks_by_row(claim.effects)
    kept = {row: mark for row, mark in marks.items() if not _is_of_before(case.invoices.get(row.split(":", 2)[-1]), mark)}
    if len(kept) == len(marks):
        return case
    return case.with_profile(replace(case.profile, claim=replace(claim, effects=kept)))


def _is_of_before(invoice: Invoice | None, mark: Mark) -> bool:
    if invoice is None or invoice.restarted_after is None or mark.at is None:
        return False
    return mark.at <= invoice.restarted_after + _SENT_WITHIN


def _restarted(invoice: Invoice, contact: Contact, policy: Policy, paid_at: datetime) -> tuple[Invoice, bool]:
    """Back before the first step. The day of the payment takes the place of the due date, or the first reminder would follow at once;
    the day after it where a reminder went out on that very day, and the plan has one for the due date itself. Whether that is so."""
    zone = customer_zone(contact, policy)
    day, last = local_date(paid_at, zone), invoice.last_reminder_at
    reminds_at_once = any(isinstance(step.at, AfterDue) and step.at.days == 0 for step in policy.steps)
    is_later = reminds_at_once and last is not None and local_date(last, zone) >= day
    again = replace(
        invoice,
        level=0,
        last_step=None,
        anchor_at=None,
        next_step=None,
        next_at=None,
        counts_from=day + timedelta(days=is_later),
        restarts_at=None,
        restarted_after=last,
        approval=None,
        repeat=None,
    )
    return again, is_later
