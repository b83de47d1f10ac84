"""A person approves or declines a step that waits because of its amount."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.approval import in_words, waits_for_approval
from dunning.domain.case import Case
from dunning.domain.errors import Rejected, Retryable
from dunning.domain.invoice import ApprovalState, Invoice
from dunning.domain.money import Money
from dunning.domain.recording import Recorded
from dunning.workflow.record_snapshot import RecordSnapshot

OPERATOR = "operator"

_MOST_AT_ONCE = 80
"""Invoices answered in one transaction, which holds a hundred items."""


@dataclass(frozen=True, slots=True)
class AnswerApproval:
    """Approved, the step runs by the rule of moving, after the last check of the balance; declined, it is skipped and the plan goes on.

    The same answer twice changes nothing. Raises Retryable.
    """

    record: RecordSnapshot

    def __call__(self, customer: str, invoice: str | None, *, approved: bool, reason: str | None = None) -> str:
        """`invoice` is the bare id or the number; None: all of the customer's that wait. Answers "recorded", or that nothing waits.

        Raises Rejected for an unknown customer or invoice, and for a number that two invoices have; Retryable, which says what was
        answered before it: the same again answers the rest.
        """
        waits: list[Invoice] = []

        def change(case: Case, now: datetime) -> Recorded:
            known = [_found(case, invoice)] if invoice is not None else _all_of(case)
            waits[:] = [one for one in known if one.next_at is not None and waits_for_approval(one)]
            return self._answered(case, waits[:_MOST_AT_ONCE], now, approved=approved, reason=reason)

        answered, left = 0, 0
        while True:
            try:
                self.record.change(customer, change)
            except Retryable as exc:
                if not answered:
                    raise
                raise Retryable(f"{answered} invoices are answered, {left} still wait ({exc})") from exc
            answered, left = answered + min(len(waits), _MOST_AT_ONCE), len(waits) - _MOST_AT_ONCE
            if left <= 0:
                return "recorded" if answered else "nothing waits for approval there"

    def _answered(self, case: Case, waiting: Sequence[Invoice], now: datetime, *, approved: bool, reason: str | None) -> Recorded:
        state, kind = (ApprovalState.APPROVED, ActivityType.APPROVED) if approved else (ApprovalState.DECLINED, ActivityType.DECLINED)
        answered: dict[tuple[str, str], dict[str, int]] = {}
        for invoice in waiting:
            asked = invoice.approval
            if asked is None or invoice.next_at is None:
                continue
            after = replace(invoice, approval=replace(asked, state=state, reason=reason), next_at=max(invoice.next_at, now))
            case = case.with_invoice(after)
            answered.setdefault((asked.step, invoice.currency), {})[invoice.id] = asked.amount
        said = tuple(
            Activity(now, kind, _in_words(Money(sum(amounts.values()), currency), reason), tuple(amounts), step, OPERATOR)
            for (step, currency), amounts in answered.items()
        )
        return Recorded(case, said)


def _in_words(amount: Money, reason: str | None) -> str:
    return f"up to {in_words(amount)}" + (f": {reason}" if reason else "")


def _all_of(case: Case) -> list[Invoice]:
    if not case.invoices:
        raise Rejected(f"no customer {case.profile.customer!r} is known; write the full id, as stripe:cus_123")
    return list(case.invoices.values())


def _found(case: Case, wanted: str) -> Invoice:
    known = case.invoices.get(wanted)
    numbered = [invoice for invoice in case.invoices.values() if invoice.number == wanted]
    if known is None and len(numbered) == 1:
        return numbered[0]
    if known is None:
        why = f"{len(numbered)} invoices have the number {wanted}: give the id" if numbered else f"no invoice {wanted!r}"
        raise Rejected(f"customer {case.profile.customer!r}: {why}")
    return known
