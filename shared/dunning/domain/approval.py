"""Steps over an amount wait for a person (`approve_above`): asked once for a step, and again only when more is asked for.

The sum that is asked about, compared and sent is one and the same (`sum_asked`).
"""

import shlex
from collections.abc import Sequence

from dunning.domain.case import Case
from dunning.domain.charging import FeesOwed, fees_owed
from dunning.domain.effects import Channel
from dunning.domain.evolving import replace
from dunning.domain.fees import FeeMode
from dunning.domain.invoice import Approval, ApprovalState, Contact, Invoice
from dunning.domain.money import Money
from dunning.domain.policy import Policy, Step
from dunning.domain.recipients import templates_of
from dunning.domain.works import Verdict, Work

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
    if step.approve_above is None or not (step.is_message or charges(step)):
        return None
    limit = step.approve_above.in_currency(currency)
    return Money(limit, currency) if limit is not None and asked > limit else None


def reaches_customer(step: Step, contact: Contact) -> bool:
    """Whether the step writes to this customer on a channel that is open, or charges a fee."""
    return charges(step) or bool(templates_of(step, contact))


def charges(step: Step) -> bool:
    """Whether the step charges a late fee at once; one that is proposed is a question itself."""
    return step.late_fee is not None and step.late_fee.mode is FeeMode.APPLY


def answer_for(invoice: Invoice, step: Step, asked: int) -> Approval | None:
    """What was asked or said about this step. A question, or a yes, about less than is asked for now does not count; a no does."""
    known = invoice.approval
    if known is None or known.step != step.id:
        return None
    return known if asked <= known.amount or known.state is ApprovalState.DECLINED else None


def declined_in_words(invoice: Invoice, step: Step) -> str:
    """What is said of a step that a person declined, whatever is owed by now; "" for any other."""
    known = invoice.approval
    if known is None or not is_about(known, step.id, ApprovalState.DECLINED):
        return ""
    return "declined by a person" + (f": {known.reason}" if known.reason else "")


def as_far_as_approved(run: Work, case: Case, invoice: Invoice, step: Step) -> Work:
    """A step's run, or the question that must be answered first. One that hands over asks nothing: where a person would have to be
    asked, or has declined, our own team is told at once, and the customer gets nothing.
    """
    asked = sum_asked(case, invoice) if step.approve_above else 0
    limit, answer = limit_exceeded(asked, invoice.currency, step), answer_for(invoice, step, asked)
    if declined := declined_in_words(invoice, step):
        return told_to_team_only(run, declined)
    if limit is None or (answer and answer.state is ApprovalState.APPROVED) or not reaches_customer(step, case.profile.reach):
        return run
    if hands_over(run):
        return told_to_team_only(run, needs_approval(Money(asked, invoice.currency)))
    return Work(invoice.id, Verdict.ASK, step.id, question(case.profile.customer, invoice, step, asked, limit))


def hands_over(run: Work) -> bool:
    """Whether our own team is told."""
    return any(effect.channel is Channel.TEAM for effect in run.effects)


def told_to_team_only(run: Work, why: str) -> Work:
    """The run of a step that hands over, without what would go to the customer."""
    reason = f"nothing was sent to the customer with this step: {why}"
    kept = tuple(replace(effect, reason=reason) for effect in run.effects if effect.channel is Channel.TEAM)
    return replace(run, effects=kept, reason=f"{run.reason}; {reason}", unapproved=True)


def waits_for_approval(invoice: Invoice) -> bool:
    """Whether a person was asked about the next step and has not answered."""
    return is_about(invoice.approval, invoice.next_step, ApprovalState.ASKED)


def is_about(known: Approval | None, step: str | None, *states: ApprovalState) -> bool:
    """Whether this was asked, or said, of that step and stands so."""
    return known is not None and known.step == step and known.state in states


def is_needed(case: Case, invoice: Invoice, policy: Policy, fees: FeesOwed | None = None) -> bool:
    """Whether what was asked about the next step must still be answered: not when less is asked for by now, when the policy has
    changed, when nobody can be written to any more, when it hands over, which waits for nobody, or when so much more is asked for
    that it must be asked anew.
    """
    step = policy.step(invoice.next_step)
    if step is None:
        return False
    always_hands_over = step.escalate is not None and step.escalate_condition is None
    if always_hands_over or not reaches_customer(step, case.profile.reach):
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


def as_approved(step: Step, work: Work, *, declined: bool) -> Step:
    """The step as it ran: a fee that nobody has approved is proposed where it would have been charged, and none where it was declined."""
    if not work.unapproved or step.late_fee is None:
        return step
    return replace(step, late_fee=None if declined else replace(step.late_fee, mode=FeeMode.PROPOSE))


def needs_approval(money: Money) -> str:
    """As in "12,000.00 EUR needs a person's approval"."""
    return f"{in_words(money)} needs a person's approval"


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
