"""The columns of an invoice file that tell of the customer: one row of a customer is enough, and its rows must not disagree."""

from collections.abc import Iterable, Mapping
from email.utils import parseaddr

from dunning.domain.customer_settings import CustomerSettings, Person, SettingsNamed
from dunning.domain.invoice import Contact
from infra.invoice_cells import CONTACT, YES, people_of, tags_of

_REACHING = ("customer_name", "email", "phone", "country", "language", "timezone")
_FIELDS = ("name", "email", "phone", "country", "locale", "timezone")
"""Those of a contact, in the order of the columns that tell of them."""

_SETTINGS = {"do_not_chase": ("do_not_chase",), "prefers": ("prefers",), "owner": ("owner", "owner_name")}


def is_of_customer(column: str) -> bool:
    """Whether a column tells of the customer, not of the invoice."""
    return column in (*_REACHING, "customer_tags", "is_business", *_SETTINGS) or column.startswith(CONTACT)


def compared(column: str, value: str) -> object:
    """What two rows of a customer must agree in: of tags, which ones there are, in whatever order."""
    return frozenset(tags_of(value)) if column == "customer_tags" else value


def settings_named(columns: Iterable[str]) -> SettingsNamed:
    """Of which settings a file with these columns speaks."""
    there = tuple(columns)
    fields = frozenset(name for column, names in _SETTINGS.items() if column in there for name in names)
    return SettingsNamed(fields, frozenset(column.removeprefix(CONTACT) for column in there if column.startswith(CONTACT)))


def columns_changed(before: Contact, after: Contact) -> tuple[str, ...]:
    """The columns that would tell of what differs."""
    fields = dict(zip(_REACHING, _FIELDS, strict=True)) | {"customer_tags": "tags", "is_business": "is_business"}
    found = [column for column, name in fields.items() if getattr(before, name) != getattr(after, name)]
    known, told = before.settings or CustomerSettings(), after.settings or CustomerSettings()
    found += [column for column, names in _SETTINGS.items() if any(getattr(known, name) != getattr(told, name) for name in names)]
    roles = dict.fromkeys(person.role for person in (*known.people, *told.people))
    return (*found, *(f"{CONTACT}{role}" for role in roles if _in_role(known, role) != _in_role(told, role)))


def _in_role(settings: CustomerSettings, role: str) -> list[Person]:
    return [person for person in settings.people if person.role == role]


def contact_in(told: Mapping[str, str], columns: Iterable[str]) -> Contact:
    """The customer by what its rows tell, by column. Where a column of tags or settings is there and all its cells are empty,
    there are none (any more); where it is not there, nothing is said of them.
    """
    there = tuple(columns)
    name, email, phone, country, locale, timezone = (told.get(column) for column in _REACHING)
    owner_name, owner = parseaddr(told.get("owner", ""))
    settings = CustomerSettings(
        do_not_chase=told.get("do_not_chase") == YES,
        prefers=told.get("prefers"),
        owner=owner or None,
        owner_name=owner_name or None,
        people=tuple(
            person
            for column in there
            if column.startswith(CONTACT)
            for person in people_of(column.removeprefix(CONTACT), told.get(column, ""))
        ),
    )
    return Contact(
        name,
        email,
        phone,
        country,
        locale,
        timezone,
        tags=tags_of(told.get("customer_tags", "")) if "customer_tags" in there else None,
        is_business=told["is_business"] == YES if "is_business" in told else None,
        settings=settings if settings_named(there) else None,
    )
