"""A person accepts or declines a late fee that a policy proposed."""

from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case
from dunning.domain.charging import WRITTEN_BY, in_words
from dunning.domain.errors import Rejected
from dunning.domain.fee_records import Fee, FeeState
from dunning.domain.invoice import Invoice
from dunning.domain.recording import Recorded
from dunning.workflow.record_snapshot import RecordSnapshot


@dataclass(frozen=True, slots=True)
class AnswerFee:
    """What is accepted is charged as soon as nothing holds the case. The same answer again changes nothing."""

    record: RecordSnapshot

    def __call__(self, customer: str, invoice: str, step: str | None, *, accept: bool, actor: str) -> str:
        """Answers what became of it: "recorded", or "nothing new". `invoice` is its bare id or its number.

        `step` None: the one fee that waits. Raises Rejected when there is no such fee or it was answered otherwise, Retryable.
        """

        def change(case: Case, now: datetime) -> Recorded:
            found = _invoice(case, invoice)
            fee = _waiting(found, step)
            if fee.state is not FeeState.PROPOSED:
                _same_answer(found, fee, accept=accept)
                return Recorded(case)
            if accept and found.source not in WRITTEN_BY:
                raise Rejected(f"fees on invoices of the source {found.source} are not written by us: add it there, and decline it here")
            state, kind = (FeeState.ACCEPTED, ActivityType.FEE_ACCEPTED) if accept else (FeeState.DECLINED, ActivityType.FEE_DECLINED)
            answered = found.with_fee(replace(fee, state=state, at=now))
            log = Activity(now, kind, in_words(fee, found.currency), (found.id,), fee.step, actor)
            return Recorded(case.with_invoice(answered), (log,))

        return self.record.change(customer, change)


def _invoice(case: Case, wanted: str) -> Invoice:
    found = [invoice for invoice in case.invoices.values() if wanted == invoice.id]
    found = found or [invoice for invoice in case.invoices.values() if wanted == invoice.number]
    if len(found) == 1:
        return found[0]
    if found:
        raise Rejected(f"{case.profile.customer} has {len(found)} invoices with the number {wanted!r}: give the id")
    raise Rejected(f"{case.profile.customer} has no invoice {wanted!r} here")


def _waiting(invoice: Invoice, step: str | None) -> Fee:
    if step is not None:
        fee = invoice.fee_of(step)
        if fee is None:
            known = ", ".join(known.step for known in invoice.fees) or "none"
            raise Rejected(f'invoice {invoice.number} has no late fee of step "{step}" (there are: {known})')
        return fee
    waiting = [fee for fee in invoice.fees if fee.state is FeeState.PROPOSED] or list(invoice.fees)
    if not waiting:
        raise Rejected(f"no late fee was proposed on invoice {invoice.number}")
    if len(waiting) > 1:
        raise Rejected(f"invoice {invoice.number} has fees of several steps: name one of {', '.join(fee.step for fee in waiting)}")
    return waiting[0]


def _same_answer(invoice: Invoice, fee: Fee, *, accept: bool) -> None:
    accepted = fee.state in (FeeState.ACCEPTED, FeeState.APPLIED)
    if fee.state is FeeState.LAPSED or accepted is not accept:
        raise Rejected(f'the late fee of step "{fee.step}" on invoice {invoice.number} is {fee.state.value} already')
