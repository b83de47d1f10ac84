"""Who gets a step's message, and by which channel: roles, preferences, opt-outs, and what stands in for a channel that is closed."""

from collections.abc import Iterable
from dataclasses import dataclass

from dunning.domain.customer_settings import Person
from dunning.domain.invoice import Contact
from dunning.domain.policy import Step

OWNER = "owner"
EMAIL, SMS = "email", "sms"


@dataclass(frozen=True, slots=True)
class Recipients:
    """Addresses of one mail, none of them twice; `sender` is the name of the one who signs, None for the company alone."""

    to: tuple[str, ...]
    cc: tuple[str, ...] = ()
    sender: str | None = None


def recipients_of(step: Step, contact: Contact) -> Recipients | None:
    """To the roles that the step names, as far as somebody has them, else to the customer's own address; None without any.

    "owner" is the one of us the customer belongs to; a role that nobody has is left out, and so is an owner nobody named.
    """
    to = _main_recipients(step, contact)
    if not to:
        return None
    people = contact.settings.people if contact.settings else ()
    if not step.email_cc:
        return Recipients(to, (), _sender(step, contact))
    owner = contact.settings.owner if contact.settings else None
    named = [owner or "" if name == OWNER else name for name in step.email_cc]
    cc = [address for name in named for address in ([name] if "@" in name else _addresses((name,), people))]
    return Recipients(to, _once(cc, to), _sender(step, contact))


def templates_of(step: Step, contact: Contact) -> dict[str, str]:
    """The channels on which this step writes to this customer, each with its template.

    Mail and SMS as the step says; only the preferred one for a customer who prefers one; and when every channel of the step is
    closed (an opt-out, an address that does not exist) the other one, with the template of the same name.
    """
    wanted = {channel: template for channel, template in ((EMAIL, step.email), (SMS, step.sms)) if template}
    can = {EMAIL: bool(_main_recipients(step, contact)), SMS: contact.phone is not None}
    instead = {EMAIL: step.email_instead, SMS: step.sms_instead}
    preferred = contact.settings.prefers if contact.settings else None
    if wanted and preferred and can[preferred]:
        template = wanted.get(preferred) or instead[preferred]
        if template:
            return {preferred: template}
    found = {channel: template for channel, template in wanted.items() if can[channel]}
    if found or not contact.closed & wanted.keys():
        return found
    return {channel: template for channel, template in instead.items() if template and can[channel]}


def texts_beside(step: Step, contact: Contact) -> bool:
    """Whether a text message of the step's own goes out beside its mail."""
    preferred = contact.settings.prefers if contact.settings else None
    return bool(step.sms and contact.phone) and preferred != EMAIL


def why_unreachable(contact: Contact) -> str:
    """Why a step could write to nobody on any of its channels."""
    if contact.closed:
        return f"no_channel: {' and '.join(sorted(contact.closed))} closed to us, by the customer's wish or because mail bounced"
    if contact.phone:
        return "no_address: the customer has a phone but no mail address, and this step is mail only"
    if contact.email:
        return "no_address: the customer has a mail address but no phone, and this step is SMS only"
    return "no_address: the customer has neither a mail address nor a phone"


def _main_recipients(step: Step, contact: Contact) -> tuple[str, ...]:
    people = contact.settings.people if contact.settings and step.email_to else ()
    named = _once(_addresses(step.email_to, people)) if people else ()
    return named or ((contact.email,) if contact.email else ())


def _sender(step: Step, contact: Contact) -> str | None:
    if step.sender == OWNER:
        return contact.settings.owner_name if contact.settings else None
    return step.sender


def _addresses(roles: Iterable[str], people: Iterable[Person]) -> list[str]:
    everybody = tuple(people)
    return [person.email for role in roles for person in everybody if person.role == role]


def _once(addresses: Iterable[str], besides: tuple[str, ...] = ()) -> tuple[str, ...]:
    found: dict[str, str] = {}
    known = {address.lower() for address in besides}
    for address in addresses:
        if address.lower() not in known:
            found.setdefault(address.lower(), address)
    return tuple(found.values())
