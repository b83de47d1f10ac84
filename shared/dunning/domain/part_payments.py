"""What a partial payment does to an invoice's plan (`on_partial_payment`): continue, restart, or wait a while. Pure."""

from dataclasses import dataclass
from datetime import date, datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.calendar import local_date
from dunning.domain.evolving import replace
from dunning.domain.holding import with_hold
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Invoice
from dunning.domain.policy import PartialPaymentRule, Policy
from dunning.domain.spans import end_of_span
from dunning.domain.timing import customer_zone

STARTS_AGAIN = "the plan starts again"


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
            return PartlyPaid(replace(invoice, restarts_at=now), "; the plan starts again once what is on its way is put down")
        return PartlyPaid(_restarted(invoice, now.astimezone(zone).date()), f"; {STARTS_AGAIN}, counted from today")
    if rule is PartialPaymentRule.HOLD and span is not None:
        hold = Hold(now, end_of_span(now, span, zone, policy.calendar), "a part was paid")
        held, logged = with_hold(invoice, HoldKind.PARTIAL_PAYMENT, hold, actor)
        return PartlyPaid(held, "; the plan waits", logged)
    return PartlyPaid(invoice)


def started_again(invoice: Invoice, contact: Contact, policy: Policy, now: datetime, actor: str) -> tuple[Invoice, tuple[Activity, ...]]:
    """The invoice with its plan started again, where that waited until all before was put down; not where it was handed over."""
    if invoice.restarts_at is None:
        return invoice, ()
    if invoice.escalated or not invoice.is_open:
        return replace(invoice, restarts_at=None), ()
    day = local_date(invoice.restarts_at, customer_zone(contact, policy))
    logged = Activity(now, ActivityType.UPDATED, f"{STARTS_AGAIN}, counted from {day.isoformat()}", (invoice.id,), None, actor)
    return _restarted(invoice, day), (logged,)


def _restarted(invoice: Invoice, day: date) -> Invoice:
    """Back before the first step. The day of the payment takes the place of the due date, or the first reminder would follow at once."""
    return replace(
        invoice,
        level=0,
        last_step=None,
        anchor_at=None,
        next_step=None,
        next_at=None,
        counts_from=day,
        restarts_at=None,
        approval=None,
        repeat=None,
    )
