"""A person approves or declines a step that waits because of its amount."""

from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.approval import in_words, waits_for_approval
from dunning.domain.case import Case
from dunning.domain.errors import Rejected
from dunning.domain.invoice import ApprovalState, Invoice
from dunning.domain.money import Money
from dunning.domain.recording import Recorded
from dunning.workflow.record_snapshot import RecordSnapshot

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class AnswerApproval:
    """Approved, the step runs by the rule of moving, after the last check of the balance; declined, it is skipped and the plan goes on.

    The same answer twice changes nothing. Raises Retryable.
    """

    record: RecordSnapshot

    def __call__(self, customer: str, invoice: str, *, approved: bool, reason: str | None = None) -> str:
        """`invoice` is the bare id or the number. Answers "recorded", or that nothing waits.

        Raises Rejected for an unknown customer or invoice, and for a number that two invoices have.
        """
        waits: list[bool] = []

        def change(case: Case, now: datetime) -> Recorded:
            known = _found(case, invoice)
            waits[:] = [waits_for_approval(known)]
            return self._answered(case, known, now, approved=approved, reason=reason) if waits[0] else Recorded(case)

        outcome = self.record.change(customer, change)
        return outcome if waits == [True] else "nothing waits for approval there"

    def _answered(self, case: Case, invoice: Invoice, now: datetime, *, approved: bool, reason: str | None) -> Recorded:
        asked = invoice.approval
        if asked is None or invoice.next_at is None:
            return Recorded(case)
        state, kind = (ApprovalState.APPROVED, ActivityType.APPROVED) if approved else (ApprovalState.DECLINED, ActivityType.DECLINED)
        after = replace(invoice, approval=replace(asked, state=state, reason=reason), next_at=max(invoice.next_at, now))
        amount = in_words(Money(asked.amount, invoice.currency))
        said = Activity(now, kind, f"up to {amount}" + (f": {reason}" if reason else ""), (invoice.id,), asked.step, OPERATOR)
        return Recorded(case.with_invoice(after), (said,))


def _found(case: Case, wanted: str) -> Invoice:
    known = case.invoices.get(wanted)
    numbered = [invoice for invoice in case.invoices.values() if invoice.number == wanted]
    if known is None and len(numbered) == 1:
        return numbered[0]
    if known is None:
        why = f"{len(numbered)} invoices have the number {wanted}: give the id" if numbered else f"no invoice {wanted!r}"
        raise Rejected(f"customer {case.profile.customer!r}: {why}")
    return known
