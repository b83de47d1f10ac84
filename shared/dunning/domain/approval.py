"""Steps over an amount wait for a person (`approve_above`): asked once for a step, and again only when more is owed."""

import shlex
from collections.abc import Sequence

from dunning.domain.evolving import replace
from dunning.domain.invoice import Approval, ApprovalState, Invoice
from dunning.domain.money import Money
from dunning.domain.policy import Policy, Step

_MOST_LISTED = 20
_TO_ANSWER = ": dunning approve "


def limit_exceeded(invoice: Invoice, step: Step) -> Money | None:
    """The amount above which this step needs a person's word, when the invoice is over it; telling our own people never does."""
    if step.approve_above is None or not (step.is_message or step.late_fee):
        return None
    limit = step.approve_above.in_currency(invoice.currency)
    return Money(limit, invoice.currency) if limit is not None and invoice.amount_due > limit else None


def answer_for(invoice: Invoice, step: Step) -> Approval | None:
    """What was asked or said about this step; a word about less than is owed now does not count."""
    known = invoice.approval
    return known if known and known.step == step.id and invoice.amount_due <= known.amount else None


def waits_for_approval(invoice: Invoice) -> bool:
    """Whether a person was asked about the next step and has not answered."""
    return is_about(invoice.approval, invoice.next_step, ApprovalState.ASKED)


def is_about(known: Approval | None, step: str | None, *states: ApprovalState) -> bool:
    """Whether this was asked, or said, of that step and stands so."""
    return known is not None and known.step == step and known.state in states


def without_moot_question(invoice: Invoice, policy: Policy) -> Invoice:
    """The invoice without a question that need not be answered (less is owed, the policy changed), or must be asked anew."""
    if not waits_for_approval(invoice):
        return invoice
    step = next((step for step in policy.steps if step.id == invoice.next_step), None)
    together = invoice.approval is not None and invoice.approval.together  # whether that is moot, all of them must tell
    limited = step and (limit_exceeded(invoice, step) or (together and step.approve_above is not None))
    if step and limited and answer_for(invoice, step):
        return invoice
    return replace(invoice, approval=None)


def question(customer: str, invoice: Invoice, step: Step, limit: Money) -> str:
    """What the team is asked."""
    command = f"{shlex.quote(customer)} {shlex.quote(invoice.id)}"
    return (
        f'step "{step.id}" about invoice {invoice.number} waits for your approval: {in_words(invoice.money_due)} is owed, '
        f"and steps over {in_words(limit)} wait for a person{_TO_ANSWER}{command}, or dunning decline {command}"
    )


def joint_question(customer: str, numbers: Sequence[str], total: Money, limit: Money) -> str:
    """What the team is asked about one message for several invoices, or for one with its late fees."""
    listed = ", ".join(numbers[:_MOST_LISTED]) + (f" and {len(numbers) - _MOST_LISTED} more" if len(numbers) > _MOST_LISTED else "")
    command = shlex.quote(customer)
    return (
        f"one message about {counted(len(numbers))} ({listed}) waits for your approval: together {in_words(total)} are owed, "
        f"and steps over {in_words(limit)} wait for a person{_TO_ANSWER}{command}, or dunning decline {command}"
    )


def counted(invoices: int) -> str:
    """As in "1 invoice"."""
    return "1 invoice" if invoices == 1 else f"{invoices} invoices"


def is_question(reason: str) -> bool:
    """Whether what the team was told is a question of these."""
    return _TO_ANSWER in reason


def without_commands(question: str) -> str:
    """A question for those who cannot answer it, as in a forecast, whose invoices have no ids yet."""
    return question.partition(_TO_ANSWER)[0]


def in_words(money: Money) -> str:
    """As in "12,000.00 EUR"."""
    return f"{money.as_decimal():,} {money.currency}"
