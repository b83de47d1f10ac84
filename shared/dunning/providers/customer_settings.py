"""What a company writes into a provider's record of a customer for us, in one form for all providers: a name and a value.

| name | value |
|---|---|
| `dunning` | `do_not_chase`: no reminders |
| `dunning_prefers` | `email` or `sms` |
| `dunning_owner` | whom the customer belongs to, as `Jane Doe <jane@example.com>` or the bare address |
| `dunning_contact_<role>` | somebody at the customer's, by role, in the same form: `dunning_contact_manager` |

Stripe: the customer's metadata. QuickBooks: lines `name: value` in the customer's Notes. Xero: contact groups called `name: value`,
because its contacts have no notes that the API shows. What is not understood is left aside: it may be meant for somebody else.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parseaddr

from dunning.domain.customer_settings import CustomerSettings, Person

_CONTACT = re.compile(r"dunning_contact_([a-z][a-z0-9_]{0,31})")
_LINE = re.compile(r"\s*(dunning[a-z0-9_]*)\s*[:=]\s*(\S.*?)\s*", re.IGNORECASE)
_CHANNELS = frozenset({"email", "sms"})


def settings_in(values: Mapping[str, str], people: Iterable[Person] = ()) -> CustomerSettings:
    """The settings in names and values; `people` are those that the provider itself knows, whom a name of ours replaces by role."""
    owner_name, owner = _person(values.get("dunning_owner", ""))
    prefers = values.get("dunning_prefers", "").strip().lower()
    ours = tuple(_people(values))
    replaced = {person.role for person in ours}
    return CustomerSettings(
        do_not_chase="do_not_chase" in re.sub(r"[\s-]+", "_", values.get("dunning", "").strip().lower()),
        prefers=prefers if prefers in _CHANNELS else None,
        owner=owner,
        owner_name=owner_name if owner else None,
        people=(*(person for person in people if person.role not in replaced), *ours),
    )


def lines_in(texts: Iterable[str]) -> dict[str, str]:
    """Names and values in lines such as `dunning: do_not_chase`; the first of a name counts."""
    found: dict[str, str] = {}
    for text in texts:
        for line in text.splitlines():
            match = _LINE.fullmatch(line)
            if match:
                found.setdefault(match[1].lower(), match[2])
    return found


def _people(values: Mapping[str, str]) -> Iterator[Person]:
    for key, value in values.items():
        role = _CONTACT.fullmatch(key)
        name, address = _person(value)
        if role and address:
            yield Person(role[1], address, name)


def _person(written: str) -> tuple[str | None, str | None]:
    name, address = parseaddr(written)
    return name or None, address if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", address) else None
