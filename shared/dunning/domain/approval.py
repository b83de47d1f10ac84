"""Steps over an amount wait for a person (`approve_above`): asked once for a step, and again only when more is asked for.

The sum that is asked about, compared and sent is one and the same (`sum_asked`).
"""

import shlex
from collections.abc import Sequence

from dunning.domain.case import Case
from dunning.domain.charging import FeesOwed, fees_owed
from dunning.domain.evolving import replace
from dunning.domain.invoice import Approval, ApprovalState, Contact, Invoice
from dunning.domain.money import Money
from dunning.domain.policy import Policy, Step
from dunning.domain.recipients import templates_of

_MOST_LISTED = 20
_TO_ANSWER = ": dunning approve "


def sum_asked(case: Case, invoice: Invoice, fees: FeesOwed | None = None) -> int:
    """What a message asks for on this invoice's account, in minor units: with its late fees, and less the customer's credit.

    Where the credit was not looked up (`Case.is_net`), as much of it counts as when a person was asked about the step.
    `fees` are the case's, where they are known already.
    """
    owed = fees_owed(case) if fees is None else fees
    known = invoice.approval
    credit = known.credit if known and known.step == invoice.next_step and not case.is_net else 0
    return invoice.amount_due + owed.get((invoice.id, invoice.currency), 0) - credit


def limit_exceeded(asked: int, currency: str, step: Step) -> Money | None:
    """The amount above which this step needs a person's word, when it asks for more; telling our own people never does."""
    if step.approve_above is None or not (step.is_message or step.late_fee):
        return None
    limit = step.approve_above.in_currency(currency)
    return Money(limit, currency) if limit is not None and asked > limit else None


def reaches_customer(step: Step, contact: Contact) -> bool:
    """Whether the step writes to this customer on a channel that is open, or charges a fee."""
    return bool(step.late_fee or templates_of(step, contact))


def answer_for(invoice: Invoice, step: Step, asked: int) -> Approval | None:
    """What was asked or said about this step. A question, or a yes, about less than is asked for now does not count; a no does."""
    known = invoice.approval
    if known is None or known.step != step.id:
        return None
    return known if asked <= known.amount or known.state is ApprovalState.DECLINED else None


def waits_for_approval(invoice: Invoice) -> bool:
    """Whether a person was asked about the next step and has not answered."""
    return is_about(invoice.approval, invoice.next_step, ApprovalState.ASKED)


def is_about(known: Approval | None, step: str | None, *states: ApprovalState) -> bool:
    """Whether this was asked, or said, of that step and stands so."""
    return known is not None and known.step == step and known.state in states


def is_needed(case: Case, invoice: Invoice, policy: Policy, fees: FeesOwed | None = None) -> bool:
    """Whether what was asked about the next step must still be answered: not when less is asked for by now, when the policy has
    changed, when nobody can be written to any more, or when so much more is asked for that it must be asked anew.
    """
    step = next((step for step in policy.steps if step.id == invoice.next_step), None)
    if step is None:
        return False
    if not reaches_customer(step, case.profile.reach):
        return False
    asked = sum_asked(case, invoice, fees)
    together = invoice.approval is not None and invoice.approval.together  # whether that is moot, all of them must tell
    limited = limit_exceeded(asked, invoice.currency, step) or (together and step.approve_above is not None)
    return bool(limited and answer_for(invoice, step, asked))


def without_moot_question(case: Case, invoice: Invoice, policy: Policy) -> Invoice:
    """The invoice without a question that need not be answered, or must be asked anew; `case` holds its late fees."""
    if not waits_for_approval(invoice) or is_needed(case, invoice, policy):
        return invoice
    return replace(invoice, approval=None)


def question(customer: str, invoice: Invoice, step: Step, asked: int, limit: Money) -> str:
    """What the team is asked; `asked` is in minor units."""
    command = f"{shlex.quote(customer)} {shlex.quote(invoice.id)}"
    fees = asked - invoice.amount_due
    with_fees = f", {in_words(Money(fees, invoice.currency))} of it late fees" if fees else ""
    return (
        f'step "{step.id}" about invoice {invoice.number} waits for your approval: '
        f"{in_words(Money(asked, invoice.currency))} is owed{with_fees}, "
        f"and steps over {in_words(limit)} wait for a person{_TO_ANSWER}{command}, or dunning decline {command}"
    )


def joint_question(customer: str, numbers: Sequence[str], of: int, total: Money, limit: Money) -> str:
    """What the team is asked about the invoices with these numbers, of so many that come to a total together."""
    listed = ", ".join(numbers[:_MOST_LISTED]) + (f" and {len(numbers) - _MOST_LISTED} more" if len(numbers) > _MOST_LISTED else "")
    command = shlex.quote(customer)
    about, together = (counted(of), "together") if len(numbers) == of else (f"{len(numbers)} of {counted(of)}", "all together")
    return (
        f"one message about {about} ({listed}) waits for your approval: {together} {in_words(total)} are owed, "
        f"and steps over {in_words(limit)} wait for a person{_TO_ANSWER}{command}, or dunning decline {command}"
    )


def commands(customer: str) -> tuple[str, str]:
    """What answers all that is asked about a customer (full id): yes, and no."""
    return f"dunning approve {shlex.quote(customer)}", f"dunning decline {shlex.quote(customer)}"


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
