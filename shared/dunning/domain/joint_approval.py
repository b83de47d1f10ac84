"""One message about many invoices may ask for more than any of them: what it asks for in all waits for a person, too.

Counted are the invoices that would share a message: under one policy, in one currency, to the same people, whose step is due by
today and has an `approve_above`, and which no person has approved or declined; each with its late fees, for the message asks for
them. The lowest limit of the steps counts. What waits for an answer already counts with what falls due, and so does what has no
room in this message. Without `scope: customer` each invoice is counted by itself.

Whether a question still stands is never stored: it is reckoned anew from the case as it is, whatever changed it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from dunning.domain.approval import (
    answer_for,
    hands_over,
    is_about,
    is_needed,
    joint_question,
    needs_approval,
    sum_asked,
    told_to_team_only,
)
from dunning.domain.calendar import local_date
from dunning.domain.case import Case
from dunning.domain.charging import fees_owed
from dunning.domain.consolidation import MOST_IN_ONE_MESSAGE, PolicyOf
from dunning.domain.evolving import replace
from dunning.domain.invoice import ApprovalState, Contact, Invoice
from dunning.domain.money import Money
from dunning.domain.netting import gross_of
from dunning.domain.policy import Policy, Scope, Step
from dunning.domain.recipients import recipients_of, templates_of
from dunning.domain.timing import customer_zone, has_passed
from dunning.domain.works import Verdict, Work

_OF_THE_PLAN = frozenset({Verdict.RUN, Verdict.ASK, Verdict.SKIP, Verdict.MOVE, Verdict.SUPPRESS, Verdict.REPLAN})

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """An invoice, what a message asks for on its account, and above which total (both in minor units) a person is asked."""

    invoice: Invoice
    amount: int
    limit: int


def asked_together(works: Sequence[Work], case: Case, policy_of: PolicyOf, now: datetime) -> tuple[Work, ...]:
    """The works, with a message whose total in a currency exceeds the limit turned into one question about these rows."""
    decided = {work.invoice: work for work in works if work.verdict in _OF_THE_PLAN and not work.again}
    if not any(_is_to_ask(work) for work in decided.values()):
        return tuple(works)
    changed: dict[str, Work] = {}
    for (_, currency, *_), known in _groups(case, policy_of, now).items():
        rows = [row for row in known if row.invoice.id not in decided or _is_to_ask(decided[row.invoice.id])]
        if _is_too_much(rows):  # what hands over does so now, without its part of the message
            handed = [row.invoice.id for row in rows if row.invoice.id in decided and hands_over(decided[row.invoice.id])]
            why = needs_approval(Money(_total(rows), currency))
            changed |= {name: told_to_team_only(decided[name], why) for name in handed}
            rows = [row for row in rows if row.invoice.id not in handed]
        new = [row for row in rows if row.invoice.id in decided]
        alone = len(rows) == 1 and any(decided[row.invoice.id].verdict is Verdict.ASK for row in new)
        if not new or alone or not _is_too_much(rows):
            continue
        ordered = [*new, *(row for row in rows if row.invoice.id not in decided)]
        lowest = Money(min(row.limit for row in rows), currency)
        waiting = [row.invoice for row in ordered if row.invoice.id in decided or _was_asked(row.invoice)]
        # What one message does not hold is asked about in parts, each of which names its own.
        about = waiting if len(waiting) <= MOST_IN_ONE_MESSAGE else [row.invoice for row in new]
        numbers, names = [invoice.number for invoice in about], tuple(invoice.id for invoice in about)
        text = joint_question(case.profile.customer, numbers, len(rows), Money(_total(rows), currency), lowest)
        steps = {row.invoice.id: decided[row.invoice.id].step for row in new}
        changed |= {name: Work(name, Verdict.ASK, step, text, together=names) for name, step in steps.items()}
    return tuple(changed.get(work.invoice, work) if work is decided.get(work.invoice) else work for work in works)


def with_questions_reckoned(case: Case, policy_of: PolicyOf, now: datetime) -> Case:
    """The case as it is to be decided: a question is withdrawn where nobody need answer it any more, or it must be asked anew.

    So it is after a payment, a fee, or credit; once the day of a step before the due date is over; with a new wording of the policy;
    and for a message about several after an answer, a hold or a new date of one of the others. Never stored.
    """
    asked = [invoice for invoice in case.invoices.values() if invoice.is_open and _was_asked(invoice)]
    if not asked:
        return case
    standing = _standing(case, asked, policy_of, now)
    if case.is_net:
        # Credit only ends questions here: one that ended without it must not stand again, or nobody would look at it any more.
        gross = gross_of(case)
        standing &= _standing(gross, [gross.invoices[invoice.id] for invoice in asked], policy_of, now)
    changed: dict[str, Invoice] = {}
    for invoice in asked:
        state = ApprovalState.ASKED if invoice.id in standing else ApprovalState.WITHDRAWN
        if invoice.approval and invoice.approval.state is not state:
            changed[invoice.id] = replace(invoice, approval=replace(invoice.approval, state=state))
    return replace(case, invoices={**case.invoices, **changed}) if changed else case


def _standing(case: Case, asked: Sequence[Invoice], policy_of: PolicyOf, now: datetime) -> set[str]:
    """Of the invoices that a person was asked about those that still wait for the answer."""
    fees = fees_owed(case)
    needed = [
        invoice
        for invoice in asked
        if is_needed(case, invoice, policy := policy_of(invoice), fees) and not _is_past(case, invoice, policy, now)
    ]
    alone = {invoice.id for invoice in needed if invoice.approval and not invoice.approval.together}
    if len(alone) == len(needed):
        return alone
    large = [rows for rows in _groups(case, policy_of, now).values() if _is_too_much(rows)]
    return alone | ({row.invoice.id for rows in large for row in rows} & {invoice.id for invoice in needed})


def _is_past(case: Case, invoice: Invoice, policy: Policy, now: datetime) -> bool:
    step = policy.step(invoice.next_step)
    return step is not None and has_passed(step, invoice, case.profile.reach, policy, now)


def is_withdrawn(invoice: Invoice) -> bool:
    """Whether its next step waited for an answer, and need not any more."""
    return is_about(invoice.approval, invoice.next_step, ApprovalState.WITHDRAWN)


def _was_asked(invoice: Invoice) -> bool:
    return is_about(invoice.approval, invoice.next_step, ApprovalState.ASKED, ApprovalState.WITHDRAWN)


def _is_to_ask(work: Work) -> bool:
    """Whether this work would go out now, or is a question about the invoice alone."""
    return work.verdict in (Verdict.RUN, Verdict.ASK) and not work.begun and not work.unapproved


def _groups(case: Case, policy_of: PolicyOf, now: datetime) -> dict[_Key, list[_Row]]:
    found: dict[_Key, list[_Row]] = {}
    for key, row in _rows(case, policy_of, now):
        found.setdefault(key, []).append(row)
    return found


def _rows(case: Case, policy_of: PolicyOf, now: datetime) -> Iterator[tuple[_Key, _Row]]:
    contact, fees = case.profile.reach, fees_owed(case)
    for invoice in case.invoices.values():
        if not invoice.is_open or invoice.is_held or invoice.next_at is None:
            continue
        policy = policy_of(invoice)
        step = policy.step(invoice.next_step)
        limit = step.approve_above.in_currency(invoice.currency) if step and step.approve_above else None
        if step is None or limit is None or not _is_due_by_today(invoice.next_at, contact, policy, now):
            continue
        amount = sum_asked(case, invoice, fees)
        if _is_answered(invoice, step, amount):
            continue
        to = _recipients(step, contact)
        if to:
            alone = () if policy.scope is Scope.CUSTOMER else (invoice.id,)
            yield (policy.name, invoice.currency, *to, "about", *alone), _Row(invoice, amount, limit)


def _is_due_by_today(at: datetime, contact: Contact, policy: Policy, now: datetime) -> bool:
    """What is due later today rides along with what goes out now."""
    if at <= now:
        return True
    zone = customer_zone(contact, policy)
    return local_date(at, zone) == local_date(now, zone)


def _recipients(step: Step, contact: Contact) -> tuple[str, ...]:
    """Who gets the step's message, as messages are made one by it; what goes by mail and SMS counts with its mail."""
    templates, mail = templates_of(step, contact), recipients_of(step, contact)
    if "email" in templates and mail:
        return (*mail.to, "cc", *mail.cc)
    return ("sms", contact.phone) if "sms" in templates and contact.phone else ()


def _is_answered(invoice: Invoice, step: Step, asked: int) -> bool:
    answer = answer_for(invoice, step, asked)
    return answer is not None and answer.state in (ApprovalState.APPROVED, ApprovalState.DECLINED)


def _is_too_much(rows: Sequence[_Row]) -> bool:
    return _total(rows) > min((row.limit for row in rows), default=0)


def _total(rows: Sequence[_Row]) -> int:
    return sum(row.amount for row in rows)
