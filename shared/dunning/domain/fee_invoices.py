"""A late fee's own invoice, and the copies of it that a bookkeeper makes: those are owed by themselves, and reminded of like any other.

A copy comes with the note, the lines or the metadata by which the fee's invoice is known, so it says that it is the fee, too. Of several
the oldest is the one that was written for the fee.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case
from dunning.domain.charging import applied, in_words, parent_of, with_left_over_task
from dunning.domain.evolving import replace
from dunning.domain.invoice import Invoice, Snapshot
from dunning.domain.policy import Policy


def is_still_fee(case: Case, known: Invoice, told: Snapshot) -> bool:
    """Whether an invoice that was taken for a late fee is one, by what its source says now.

    Fees are born as such. One whose parent is known stays one, even renumbered; a mistaken one is mended by the source's word,
    and a copy by the older one.
    """
    if known.fee_id is None or not (told.fee_id or known.fee_for in case.invoices):
        return False
    return not any(_age(other) < _age(known) for other in _same_fee(case, known))


def copies_of(case: Case, fee: Invoice) -> tuple[Invoice, ...]:
    """What was taken for this fee before it was known: as the invoices of their own that they are."""
    return tuple(replace(other, fee_id=None, fee_for=None) for other in _same_fee(case, fee) if _age(fee) < _age(other))


def is_written_for(parent: Invoice | None, told: Snapshot) -> bool:
    """Whether this is the very invoice by which the fee of another stands."""
    return parent is not None and any(fee.invoice == told.invoice_id for fee in parent.fees)


def with_first_of_fee(case: Case, fee: Invoice, policy_of: Callable[[Invoice], Policy], now: datetime, actor: str) -> tuple[Case, Activity]:
    """A late fee's own invoice, whoever brings it: its parent's fee is charged from now on, be its writer long dead."""
    found = parent_of(fee, case, policy_of)
    if found is None:
        reason = "a late fee of an invoice that is not known here"
        return case.with_invoice(fee), Activity(now, ActivityType.ENROLLED, reason, (fee.id,), None, actor)
    parent, step = found
    fee = replace(fee, fee_for=parent.id)
    after = applied(parent, step, fee, now)
    case = with_left_over_task(case.with_invoice(fee).with_invoice(after), parent.id, now)
    charged = after.fee_of(step)
    reason = f"{in_words(charged, fee.currency) if charged else 'late fee'}, as invoice {fee.number} on {parent.number}"
    return case, Activity(now, ActivityType.FEE_APPLIED, reason, (parent.id, fee.id), step, actor)


def _same_fee(case: Case, fee: Invoice) -> tuple[Invoice, ...]:
    return tuple(other for other in case.invoices.values() if other.fee_id == fee.fee_id and other.id != fee.id)


def _age(invoice: Invoice) -> tuple[datetime, int, str]:
    return (invoice.issued_at or datetime.max.replace(tzinfo=UTC), len(invoice.id), invoice.id)
