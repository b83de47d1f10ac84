"""One message about many invoices may ask for more than any of them: under `scope: customer` its total waits for a person, too.

Counted are the rows that would go out now under one policy in one currency, whose step has an `approve_above`, and which no person has
approved; the lowest limit of their steps counts. Approved once, a row does not count again as long as no more is owed on it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from dunning.domain.approval import answer_for, joint_question, waits_for_approval
from dunning.domain.case import Case
from dunning.domain.consolidation import PolicyOf
from dunning.domain.evolving import replace
from dunning.domain.invoice import ApprovalState, Invoice
from dunning.domain.money import Money
from dunning.domain.policy import Policy, Scope
from dunning.domain.works import Verdict, Work

MOST_WITHDRAWN = 20
"""Invoices whose question one word may withdraw: they are written in one transaction; the rest follows with the next word."""

_Row = tuple[Invoice, int]


def asked_together(works: Sequence[Work], case: Case, policy_of: PolicyOf) -> tuple[Work, ...]:
    """The works, with a message whose total in a currency exceeds the limit turned into one question about these rows."""
    groups: dict[tuple[str, str], list[_Row]] = {}
    for work in works:
        invoice = case.invoices.get(work.invoice)
        if invoice is None or work.verdict is not Verdict.RUN or work.begun or not any(one.kind == "reminder" for one in work.effects):
            continue
        policy = policy_of(invoice)
        limit = _limit(invoice, policy, work.step)
        if policy.scope is Scope.CUSTOMER and limit is not None and not _is_approved(invoice, policy, work.step):
            groups.setdefault((policy.name, invoice.currency), []).append((invoice, limit))
    asked: dict[str, Work] = {}
    for (_, currency), rows in groups.items():
        if len(rows) > 1 and _is_too_much(rows):
            names = tuple(invoice.id for invoice, _ in rows)
            lowest = Money(min(limit for _, limit in rows), currency)
            numbers = [invoice.number for invoice, _ in rows]
            text = joint_question(case.profile.customer, numbers, Money(_total(rows), currency), lowest)
            asked |= {name: Work(name, Verdict.ASK, None, text, together=names) for name in names}
    return tuple(replace(asked[work.invoice], step=work.step) if _is_asked(work, asked) else work for work in works)


def without_moot_joint_questions(case: Case, policy_of: PolicyOf, now: datetime) -> Case:
    """The case with the rows of such a question released, where all together no more exceed the limit, or the policy sets none now."""
    groups: dict[tuple[str, str], list[_Row]] = {}
    moot: list[Invoice] = []
    for invoice in case.invoices.values():
        if invoice.approval and invoice.approval.together and invoice.is_open and waits_for_approval(invoice):
            policy = policy_of(invoice)
            limit = _limit(invoice, policy, invoice.next_step)
            if limit is None or policy.scope is not Scope.CUSTOMER:
                moot.append(invoice)
            else:
                groups.setdefault((policy.name, invoice.currency), []).append((invoice, limit))
    # A question about more than one transaction holds is put down part by part: what is due and not asked about yet counts, too.
    for invoice in case.invoices.values() if groups else ():
        policy = policy_of(invoice)
        rows = groups.get((policy.name, invoice.currency))
        is_due = invoice.is_open and not invoice.is_held and invoice.next_at is not None and invoice.next_at <= now
        limit = _limit(invoice, policy, invoice.next_step)
        if (
            rows
            and is_due
            and limit is not None
            and not waits_for_approval(invoice)
            and not _is_approved(invoice, policy, invoice.next_step)
        ):
            rows.append((invoice, limit))
    small = [invoice for rows in groups.values() if not _is_too_much(rows) for invoice, _ in rows]
    moot += [invoice for invoice in small if waits_for_approval(invoice)]
    for invoice in moot[:MOST_WITHDRAWN]:
        case = case.with_invoice(replace(invoice, approval=None))
    return case


def _limit(invoice: Invoice, policy: Policy, step_id: str | None) -> int | None:
    step = next((step for step in policy.steps if step.id == step_id), None)
    return step.approve_above.in_currency(invoice.currency) if step and step.approve_above else None


def _is_approved(invoice: Invoice, policy: Policy, step_id: str | None) -> bool:
    answer = next((answer_for(invoice, step) for step in policy.steps if step.id == step_id), None)
    return answer is not None and answer.state is ApprovalState.APPROVED


def _is_asked(work: Work, asked: Iterable[str]) -> bool:
    return work.verdict is Verdict.RUN and not work.begun and work.invoice in asked


def _is_too_much(rows: Sequence[_Row]) -> bool:
    return _total(rows) > min(limit for _, limit in rows)


def _total(rows: Sequence[_Row]) -> int:
    return sum(invoice.amount_due for invoice, _ in rows)
