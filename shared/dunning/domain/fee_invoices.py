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
from dunning.domain.fee_records import FeeState
from dunning.domain.invoice import Invoice, Snapshot, Status
from dunning.domain.policy import Policy

Linked = tuple[Case, tuple[Activity, ...]]
"""The case afterwards, and what to log; nothing to log when nothing changed."""


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
    return with_fee_on(case.with_invoice(fee), fee, *found, now, actor)


def with_fee_on(case: Case, fee: Invoice, parent: Invoice, step: str, now: datetime, actor: str) -> tuple[Case, Activity]:
    """The case in which this invoice is the fee of the parent's step, charged from now on. One that is owed by itself stays so."""
    after = applied(parent, step, fee, now)
    own = replace(fee, fee_for=parent.id) if fee.is_fee else fee
    case = with_left_over_task(case.with_invoice(own).with_invoice(after), parent.id, now)
    charged = after.fee_of(step)
    reason = f"{in_words(charged, fee.currency) if charged else 'late fee'}, as invoice {fee.number} on {parent.number}"
    return case, Activity(now, ActivityType.FEE_APPLIED, reason, (parent.id, fee.id), step, actor)


def with_fees_linked(case: Case, told: str, policy_of: Callable[[Invoice], Policy], now: datetime, actor: str) -> Linked:
    """Words come in any order: a fee's invoice (bare id) that was told of finds what it is on, and an invoice the fees that wait for it.

    Nothing where all is linked, or nothing waits.
    """
    named, activities = case.invoices.get(told), list[Activity]()
    if named is None:
        return case, ()
    for fee in [named] if named.is_fee else _fees_waiting(case):
        found = parent_of(fee, case if named.is_fee else Case(case.profile, {told: case.invoices[told]}), policy_of)
        if found is not None and not _is_linked(case, fee):
            case, logged = with_fee_on(case, fee, *found, now, actor)
            activities.append(logged)
    return case, tuple(activities)


def with_fee_found(case: Case, parent_id: str, step: str, fee_invoice: str, now: datetime, actor: str) -> Linked:
    """The source was asked for an accepted fee, and it stands there as this invoice: it is charged, whatever the case took that for."""
    parent, own = case.invoices.get(parent_id), case.invoices.get(fee_invoice)
    fee = parent.fee_of(step) if parent else None
    if parent is None or own is None or fee is None or fee.state is not FeeState.ACCEPTED:
        return case, ()
    case, logged = with_fee_on(case, own, parent, step, now, actor)
    return case, (logged,)


def _fees_waiting(case: Case) -> list[Invoice]:
    return [each for each in case.invoices.values() if each.is_fee and not _is_linked(case, each)]


def _is_linked(case: Case, fee: Invoice) -> bool:
    """Whether what it is on knows of it; what is deleted, and what is only a copy, need not be known."""
    parent = case.invoices.get(fee.fee_for or "")
    is_known = parent is not None and any(each.invoice == fee.id and each.state is FeeState.APPLIED for each in parent.fees)
    return is_known or fee.status is Status.DELETED or any(_age(other) < _age(fee) for other in _same_fee(case, fee))


def _same_fee(case: Case, fee: Invoice) -> tuple[Invoice, ...]:
    return tuple(other for other in case.invoices.values() if other.fee_id == fee.fee_id and other.id != fee.id)


def _age(invoice: Invoice) -> tuple[datetime, int, str]:
    return (invoice.issued_at or datetime.max.replace(tzinfo=UTC), len(invoice.id), invoice.id)
