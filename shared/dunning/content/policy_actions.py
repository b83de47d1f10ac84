"""How a step names its mail: by a template alone, or with its recipients and its sender."""

import re
import unicodedata
from dataclasses import dataclass

from dunning.content.policy_values import mail_address
from dunning.content.sections import Section
from dunning.content.suggestions import did_you_mean
from dunning.domain.errors import Rejected

_EXAMPLE = "{template: second_notice, cc: owner, sender: owner}"
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,31}")
_NOT_IN_A_NAME = frozenset('<>@",;:\\')


@dataclass(frozen=True, slots=True)
class EmailForm:
    """A step's mail; all empty when it sends none."""

    template: str | None = None
    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    sender: str | None = None


def read_email(step: Section, known: frozenset[str]) -> EmailForm:
    """The step's mail, in either form; problems are noted."""
    email = step.section("email", _EXAMPLE) if isinstance(step.values.get("email"), dict) else None
    if email is None:
        return EmailForm(template_named(step, "email", known))
    email.only(("template", "to", "cc", "sender"))
    if "template" not in email.values:
        email.refuse("template", f"missing: say what to send, as in {_EXAMPLE}")
    return EmailForm(
        template=template_named(email, "template", known),
        to=email.texts("to", "to: billing", _role) if email.uses("email.to", "to") else (),
        cc=email.texts("cc", "cc: owner", _role_or_address) if email.uses("email.cc", "cc") else (),
        sender=email.read("sender", "sender: owner", _person) if email.uses("email.sender", "sender") else None,
    )


def template_named(section: Section, key: str, known: frozenset[str]) -> str | None:
    """The template that a field names; None when absent or not text."""
    name = section.text(key, f"{key}: second_notice")
    if name is not None and name not in known:
        section.refuse(key, f'no template "{name}"{did_you_mean(name, known)}')
    return name


def _role(text: str) -> str:
    if _ROLE.fullmatch(text) is None:
        raise Rejected(f'"{text}" is not a role of a contact: use small letters, digits and _, as billing')
    return text


def _role_or_address(text: str) -> str:
    return mail_address(text) if "@" in text else _role(text)


def _person(text: str) -> str:
    """ "owner", or a name that is fit for the From line of a mail."""
    plain = not any(char in _NOT_IN_A_NAME or unicodedata.category(char).startswith("C") for char in text)
    if len(text) > 64 or not plain or text != text.strip():
        raise Rejected(f'"{text}" is not a name to sign with: write owner, or a name as "Anna Berger"')
    return text
