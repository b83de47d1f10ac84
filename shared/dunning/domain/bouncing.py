"""A mail that bounced for ever: the address is dead, and the step goes out once more another way, if there is one."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dunning.domain.case import Case
from dunning.domain.consolidation import PolicyOf
from dunning.domain.effects import Channel, has_begun, is_repetition, marks_of, row_key, rows_of, step_in
from dunning.domain.evolving import replace
from dunning.domain.invoice import Contact, Invoice, Repeat
from dunning.domain.policy import Policy, Step
from dunning.domain.recipients import recipients_of, templates_of, texts_beside


def with_dead_addresses(case: Case, addresses: Sequence[str]) -> Case:
    """The case with these addresses marked, whatever their case."""
    known = case.profile.dead_addresses
    fresh = [address.lower() for address in addresses if address.lower() not in known]
    return case.with_profile(replace(case.profile, dead_addresses=(*known, *fresh))) if fresh else case


def is_reached_by(case: Case, effect: str, addresses: Sequence[str], policy_of: PolicyOf) -> bool:
    """Whether one of these is still an address of the customer's, or one that the steps of this mail are sent to."""
    contact = case.profile.contact
    used = {contact.email, *(person.email for person in (contact.settings.people if contact.settings else ()))}
    for row, invoice in _owed_rows(case, effect):
        used.update(_all_recipients(policy_of(invoice).step(step_in(row)), contact))
    return not _small(addresses).isdisjoint(_small(one for one in used if one))


MAILS_REMEMBERED = 50
"""As many of a customer's mails as it is remembered of that they bounced; the profile must not grow for ever."""


def with_bounced_mail(case: Case, message_id: str) -> Case:
    """The case that remembers that this mail bounced, by SES's id."""
    known = case.profile.bounced_mails
    if message_id in known:
        return case
    return case.with_profile(replace(case.profile, bounced_mails=(*known, message_id)[-MAILS_REMEMBERED:]))


MOST_SENT_AGAIN = 90
"""Invoices of one mail whose steps become due once more in one transaction, of which DynamoDB takes 100 items."""


@dataclass(frozen=True, slots=True)
class SentAgain:
    """A case after a mail bounced: of which invoices (bare ids) its step is due once more, and in words what becomes of the message.

    `is_part`: there are more than one transaction takes. Those before are left alone the next time, for a step goes once more only once.
    """

    case: Case
    invoices: tuple[str, ...]
    outcome: str
    is_part: bool = False


def sent_again(
    case: Case, effect: str, addresses: Sequence[str], policy_of: PolicyOf, now: datetime, mailed_to: Sequence[str] = ()
) -> SentAgain:
    """The case with the steps of a mail (by its effect's key; for `mailed_to`, where that is known) that bounced at these addresses
    due once more.

    Not where nothing is left to send it by, where somebody else got it or an SMS of the same step went out beside it, where a later
    step went out since, or where it was sent again before.
    """
    found, outcomes = list[str](), list[str]()
    for row, invoice in _owed_rows(case, effect):
        step_id, policy = step_in(row), policy_of(invoice)
        reason = _why_not_again(case, invoice, row, addresses, policy, mailed_to)
        if reason is None and len(found) == MOST_SENT_AGAIN:
            return SentAgain(case, tuple(found), _in_words(outcomes), is_part=True)
        if reason is None:
            case = case.with_invoice(replace(invoice, repeat=Repeat(step_id, now)))
            found.append(invoice.id)
        instead = f", in place of {invoice.repeat.step}" if invoice.repeat and invoice.repeat.at else ""
        outcomes.append(reason or f"it is sent again another way{instead}")
    return SentAgain(case, tuple(found), _in_words(outcomes))


def has_a_way(case: Case) -> bool:
    """Whether the customer can be reached at all."""
    return bool(case.profile.reach.email or case.profile.reach.phone)


def goes_on(case: Case, effect: str, policy_of: PolicyOf) -> bool:
    """Whether the customer can be reached by the step of a bounced mail, by one that follows it, or by one about another invoice: a
    number is no way where the plan sends no text messages."""
    rows = _owed_rows(case, effect)
    left = [step for row, invoice in rows for step in _from(policy_of(invoice), step_in(row))]
    others = [one for one in case.invoices.values() if one.is_open and one.next_step and one.id not in {owed.id for _, owed in rows}]
    left += [step for one in others for step in _from(policy_of(one), one.next_step or "")]
    return has_a_way(case) and (not rows or any(templates_of(step, case.profile.reach) for step in left))


def _owed_rows(case: Case, effect: str) -> list[tuple[str, Invoice]]:
    """The rows of a mail's effect about what is still owed, each with its invoice."""
    rows = [(row, case.invoices.get(row.split(":", 2)[-1])) for row in rows_of(effect) if row.startswith("email:")]
    return [(row, invoice) for row, invoice in rows if invoice is not None and invoice.is_open]


def _why_not_again(
    case: Case, invoice: Invoice, row: str, addresses: Sequence[str], policy: Policy, mailed_to: Sequence[str]
) -> str | None:
    """Why a step is not sent again; None where it is."""
    step, reach = policy.step(step_in(row)), case.profile.reach
    if is_repetition(row) or (invoice.repeat and invoice.repeat.step == step_in(row)):
        return "a step is sent again only once"
    if step is None:
        return "the policy no longer has this step"
    if _is_overtaken(invoice, step, policy, reach):
        return "a later step takes its place"
    if _got_it_otherwise(case, step, addresses, mailed_to):
        return "other addresses got it"
    if recipients_of(step, reach):
        return None
    if _was_texted(case, invoice, step):
        return "the text message of the same step says it"
    return None if templates_of(step, reach) else "this step cannot be sent another way"


def _was_texted(case: Case, invoice: Invoice, step: Step) -> bool:
    """Whether the step's text message went out beside its mail, or may have, or still will; by what it says, where nobody put it down."""
    marks = marks_of(case.profile)
    if invoice.sent_step == step.id and invoice.texted_step is not None:
        return invoice.texted_step == step.id
    return has_begun(marks, row_key(Channel.SMS, step.id, invoice.id)) or texts_beside(step, case.profile.reach)


def _got_it_otherwise(case: Case, step: Step, addresses: Sequence[str], mailed_to: Sequence[str]) -> bool:
    """Whether the mail went to others, too, whose address is alive: by its own header, else by whom the step is sent to now; not known
    where that has been replaced since."""
    contact, gone = case.profile.contact, {*_small(addresses), *case.profile.dead_addresses}
    if mailed_to:
        return not _small(mailed_to) <= gone
    mail = recipients_of(step, contact)
    is_known = not _small(addresses).isdisjoint(_small(_all_recipients(step, contact)))
    return mail is not None and is_known and not _small(mail.to) <= gone


def _is_overtaken(invoice: Invoice, step: Step, policy: Policy, reach: Contact) -> bool:
    """Whether a later step went out since, or is to be sent again itself: the newest is all that the customer needs."""
    position, last = policy.position(step.id), policy.step(invoice.last_step)
    if invoice.repeat and policy.position(invoice.repeat.step) > position:
        return True
    if invoice.sent_step is not None and policy.position(invoice.sent_step) > position:
        return bool(templates_of(policy.steps[policy.position(invoice.sent_step) - 1], reach))
    went_out = invoice.anchor_at is not None and invoice.anchor_at == invoice.last_reminder_at
    return last is not None and policy.position(last.id) > position and went_out and bool(templates_of(last, reach))


def _all_recipients(step: Step | None, contact: Contact) -> tuple[str, ...]:
    mail = recipients_of(step, contact) if step else None
    return (*mail.to, *mail.cc) if mail else ()


def _small(addresses: Iterable[str]) -> set[str]:
    return {address.lower() for address in addresses}


def _from(policy: Policy, step_id: str) -> tuple[Step, ...]:
    return policy.steps[max(policy.position(step_id) - 1, 0) :]


def _in_words(outcomes: Sequence[str]) -> str:
    """What became of the rows of one mail, with their numbers where they differ."""
    kinds = Counter(outcomes)
    if len(kinds) > 1:
        return "; ".join(f"of {count} of {len(outcomes)} invoices: {outcome}" for outcome, count in kinds.items())
    return outcomes[0] if outcomes else "nothing of what it was about is owed any more"
