"""A person approves or declines a step that waits because of its amount."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.approval import in_words, waits_for_approval
from dunning.domain.case import Case
from dunning.domain.errors import Rejected, Retryable
from dunning.domain.invoice import ApprovalState, Invoice
from dunning.domain.joint_approval import is_withdrawn, with_questions_reckoned
from dunning.domain.money import Money
from dunning.domain.policy import Policy
from dunning.domain.recording import Recorded
from dunning.workflow.record_snapshot import RecordSnapshot

OPERATOR = "operator"

_MOST_AT_ONCE = 40
"""Invoices answered in one transaction, which holds a hundred items: each costs one, and one more if its step or currency is its own."""

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class AnswerApproval:
    """Approved, the step runs by the rule of moving, after the last check of the balance; declined, it is skipped and the plan goes on.

    The same answer twice changes nothing. Raises Retryable.
    """

    record: RecordSnapshot

    def __call__(self, customer: str, invoice: str | None, *, approved: bool, reason: str | None = None) -> str:
        """`invoice` is the bare id or the number; None: all of the customer's that wait. Answers "recorded", with the numbers of the
        others that need no answer any more, for without it they are within the limit; or that nothing waits.

        Raises Rejected for an unknown customer or invoice, and for a number that two invoices have; Retryable, which says what was
        answered before it: the same again answers the rest.
        """
        waits: list[Invoice] = []
        freed: tuple[str, ...] = ()

        def change(case: Case, now: datetime) -> Recorded:
            nonlocal freed
            known = [_found(case, invoice)] if invoice is not None else _all_of(case)
            waits[:] = [one for one in known if one.next_at is not None and waits_for_approval(one)]
            recorded = self._answered(case, waits[:_MOST_AT_ONCE], now, approved=approved, reason=reason)
            freed = self._freed(case, recorded.case, now)
            return recorded

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
                return _recorded(freed) if answered else "nothing waits for approval there"

    def _freed(self, before: Case, after: Case, now: datetime) -> tuple[str, ...]:
        """The numbers of those that were asked about and, after an answer about others, need none."""

        def policy_of(invoice: Invoice) -> Policy:
            return self.record.policies.named(invoice.policy)

        asked, left = with_questions_reckoned(before, policy_of, now), with_questions_reckoned(after, policy_of, now)
        return tuple(one.number for one in left.invoices.values() if is_withdrawn(one) and waits_for_approval(asked.invoices[one.id]))

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


def _recorded(freed: Sequence[str]) -> str:
    if not freed:
        return "recorded"
    more = f" and {len(freed) - _MOST_NAMED} more" if len(freed) > _MOST_NAMED else ""
    named = f"{', '.join(freed[:_MOST_NAMED])}{more}"
    return f"recorded; what else was asked about with it is within the limit now and goes out without approval: {named}"


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
