"""A mail that bounced for ever: the address is dead, and the step goes out once more another way, if there is one."""

from collections.abc import Callable, Sequence
from datetime import datetime

from dunning.domain.case import Case
from dunning.domain.effects import is_repetition, rows_of
from dunning.domain.evolving import replace
from dunning.domain.invoice import Contact, Invoice, Repeat
from dunning.domain.policy import Policy
from dunning.domain.recipients import recipients_of, templates_of


def with_dead_addresses(case: Case, addresses: Sequence[str]) -> Case:
    """The case with these addresses marked, whatever their case."""
    known = case.profile.dead_addresses
    fresh = [address.lower() for address in addresses if address.lower() not in known]
    return case.with_profile(replace(case.profile, dead_addresses=(*known, *fresh))) if fresh else case


def is_reached_by(contact: Contact, addresses: Sequence[str]) -> bool:
    """Whether one of these is still an address at which the customer, or whoever gets copies, is written to."""
    settings = contact.settings
    used = [contact.email, settings.owner, *(person.email for person in settings.people)] if settings else [contact.email]
    return not {address.lower() for address in addresses}.isdisjoint(one.lower() for one in used if one)


MAILS_REMEMBERED = 50
"""As many of a customer's mails as it is remembered of that they bounced; the profile must not grow for ever."""


def with_bounced_mail(case: Case, message_id: str) -> Case:
    """The case that remembers that this mail bounced, by SES's id."""
    known = case.profile.bounced_mails
    if message_id in known:
        return case
    return case.with_profile(replace(case.profile, bounced_mails=(*known, message_id)[-MAILS_REMEMBERED:]))


def sent_again(case: Case, effect: str, policy_of: Callable[[Invoice], Policy], now: datetime) -> tuple[Case, tuple[str, ...]]:
    """The case with the steps of a bounced mail (by its effect's key) due once more, and their invoices.

    Not where nothing is left to send it by, where an SMS of the same step went out beside the mail, or where it was sent again before.
    """
    found: list[str] = []
    for row in rows_of(effect):
        channel, *named = row.split(":", 2)
        if channel != "email" or is_repetition(row):
            continue
        step_id, invoice_id = named
        invoice = case.invoices.get(invoice_id)
        if invoice is None or not invoice.is_open or (invoice.repeat and invoice.repeat.step == step_id):
            continue
        if _has_another_way(case, step_id, policy_of(invoice)):
            case = case.with_invoice(replace(invoice, repeat=Repeat(step_id, now)))
            found.append(invoice_id)
    return case, tuple(found)


def has_a_way(case: Case) -> bool:
    """Whether the customer can be reached at all."""
    return bool(case.profile.reach.email or case.profile.reach.phone)


def _has_another_way(case: Case, step_id: str, policy: Policy) -> bool:
    step = policy.step(step_id)
    if step is None:
        return False
    reach = case.profile.reach
    if recipients_of(step, reach):
        return True
    return not step.sms and bool(templates_of(step, reach))
