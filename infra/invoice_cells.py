"""The cells of an invoice file: what may stand in each column, and what to write instead of what may not."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parseaddr
from enum import Enum
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dunning.domain.bounds import EARLIEST, LATEST
from dunning.domain.customer_settings import Person
from dunning.domain.money import LARGEST, minor_digits, to_minor
from dunning.providers.contact_details import MOST_TAGS, TAG_CHARACTERS, country_code, e164, yes_or_no

Cell = str | int | datetime
Readers = Mapping[str, Callable[[str, Mapping[str, Cell]], Cell]]
"""What reads the cells of a column, by its name; it is given the row's values so far."""

NO_READERS: Readers = {}
_LONGEST = 200
_MOST_PEOPLE = 10
YES, NO = "yes", "no"


class CellError(Exception):
    """What is wrong with a cell, and the remedy."""


class Numbers(Enum):
    """How amounts are written: 1234.50 or 1234,50; never with signs between thousands, for those read two ways.

    `UNSAID`: the file is parted by semicolons, as where commas are decimal, and nobody said how amounts are written.
    """

    DECIMAL_POINT = "point"
    DECIMAL_COMMA = "comma"
    UNSAID = "unsaid"


def money(written: str, currency: str, numbers: Numbers) -> int:
    """Minor units of an amount as written. Raises CellError."""
    mark = "," if numbers is Numbers.DECIMAL_COMMA else "."
    if numbers is Numbers.UNSAID and re.fullmatch(r"\d{1,3}\.\d{3}", written, re.ASCII):
        raise CellError(
            f"{written} reads two ways in a file parted by semicolons, as a thousand or with three decimals;"
            " part the cells by commas if the point is decimal, else write it without the point"
        )
    if not re.fullmatch(rf"\d+({re.escape(mark)}\d+)?", written, re.ASCII):
        raise CellError(_why_no_amount(written, numbers))
    amount = Decimal(written.replace(",", "."))
    if amount >= LARGEST:
        raise CellError(f"{written} is too large to be true")
    try:
        return to_minor(amount, currency)
    except ValueError:
        digits = minor_digits(currency)
        raise CellError(f"{written} has more decimals than {currency} has ({digits}); round it") from None


def _why_no_amount(written: str, numbers: Numbers) -> str:
    if written.startswith("-"):
        return f"{written} is negative; a credit is no invoice: lower amount_due of the invoice it belongs to"
    if numbers is not Numbers.DECIMAL_COMMA and re.fullmatch(r"[\d.]*\d,\d{1,3}", written, re.ASCII):
        return f"{written} has a decimal comma; write 1234.50, or give --decimal-comma if the whole file is written so"
    example = "1234,50" if numbers is Numbers.DECIMAL_COMMA else "1234.50"
    return f"{written!r} is no amount; write {example}, without a currency or signs between thousands"


def _name(text: str, _values: Mapping[str, Cell]) -> str:
    if len(text) > _LONGEST:
        raise CellError(f"longer than {_LONGEST} characters; shorten it")
    if not text.isprintable():
        raise CellError("holds a line break or another sign that cannot be printed; remove it")
    return text


def _customer_id(text: str, values: Mapping[str, Cell]) -> str:
    if ":" in text:
        raise CellError(f"{text!r} holds a colon, which parts the source from the id; write another sign")
    return _name(text, values)


def _invoice_number(text: str, values: Mapping[str, Cell]) -> str:
    if re.search(r"[,*#]", text):
        raise CellError(f"{text!r} holds a comma, an asterisk or a number sign; write a hyphen instead")
    return _name(text, values)


def _email(text: str, _values: Mapping[str, Cell]) -> str:
    if len(text) > 254 or not re.fullmatch(r"[^@\s<>\",;]+@[^@\s<>\",;]+\.[^@\s<>\",;.]+", text):
        raise CellError("is no mail address; write one as anna@example.com")
    return text


def _country(text: str, _values: Mapping[str, Cell]) -> str:
    found = country_code(text)
    if found is None:
        raise CellError(f"{text!r} is no country; write two letters, as GB or DE (ISO 3166-1)")
    return found


def _phone(text: str, values: Mapping[str, Cell]) -> str:
    country = values.get("country")
    found = e164(text, str(country) if country else None)
    if found is None:
        raise CellError("is no telephone number; write it with the country's code, as +44 7700 900123")
    return found


def _language(text: str, _values: Mapping[str, Cell]) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", text):
        raise CellError(f"{text!r} is no language; write one as en, de or pt-BR (BCP 47)")
    return text


def _timezone(text: str, _values: Mapping[str, Cell]) -> str:
    try:
        return ZoneInfo(text).key
    except (KeyError, ValueError, OSError):
        raise CellError(f"{text!r} is no time zone; write one as Europe/London (IANA)") from None


def _currency(text: str, _values: Mapping[str, Cell]) -> str:
    from babel.core import get_global

    if text.upper() not in get_global("all_currencies"):
        raise CellError(f"{text!r} is no currency; write three letters, as EUR (ISO 4217)")
    return text.upper()


def _date(text: str, _values: Mapping[str, Cell]) -> datetime:
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            raise ValueError
        found = datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise CellError(f"{text!r} is no date; write year-month-day, as 2026-03-31") from None
    if not EARLIEST <= found.date() <= LATEST:
        raise CellError(f"{text} is no date of a real invoice, which lies from {EARLIEST} to {LATEST}; write the true one")
    return found


def _url(text: str, _values: Mapping[str, Cell]) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("https", "http") and bool(parts.hostname) and text.isprintable() and " " not in text
    except ValueError:
        good = False
    if not good:
        raise CellError("is no link; write the whole of it, as https://pay.example.com/1234")
    return text


def _amount(text: str, _values: Mapping[str, Cell]) -> str:
    return text  # read with its currency, by `money`


def a_yes_or_no(text: str, _values: Mapping[str, Cell]) -> str:
    """`YES` or `NO`, however it is written. Raises CellError."""
    said = yes_or_no(text)
    if said is None:
        raise CellError(f"{text!r} is neither yes nor no; write one of them")
    return YES if said else NO


def _tags(text: str, _values: Mapping[str, Cell]) -> str:
    tags = tags_of(text)
    too_long = next((tag for tag in tags if len(tag) > TAG_CHARACTERS or not tag.isprintable()), None)
    if too_long is not None:
        raise CellError(f"the tag {too_long!r} is longer than {TAG_CHARACTERS} characters, or cannot be printed; shorten it")
    if len(tags) > MOST_TAGS:
        raise CellError(f"more than {MOST_TAGS} tags; keep those that a policy asks for")
    return ";".join(tags)


def tags_of(text: str) -> tuple[str, ...]:
    """The tags in a cell, parted by semicolons or commas: in small letters, as those of every source, and each once."""
    return tuple(dict.fromkeys(tag for part in re.split("[,;]", text) if (tag := " ".join(part.split()).lower())))


def _channel(text: str, _values: Mapping[str, Cell]) -> str:
    if text.lower() not in ("email", "sms"):
        raise CellError(f"{text!r} is no channel; write email or sms, or leave it empty")
    return text.lower()


def _people(text: str, values: Mapping[str, Cell]) -> str:
    written = [part.strip() for part in text.split(";") if part.strip()]
    if len(written) > _MOST_PEOPLE:
        raise CellError(f"more than {_MOST_PEOPLE} people; a mail goes to fewer")
    for one in written:
        name, address = parseaddr(one)
        try:
            _email(address, values)
            _name(name, values)
        except CellError:
            raise CellError(
                f"{one!r} is no mail address; write anna@example.com or Anna Lee <anna@example.com>, several with ; between"
            ) from None
    return ";".join(written)


def people_of(role: str, text: str) -> tuple[Person, ...]:
    """The people in a cell, parted by semicolons, each as `anna@example.com` or `Anna Lee <anna@example.com>`."""
    return tuple(Person(role, address, name or None) for name, address in map(parseaddr, text.split(";")) if address)


def _one_person(text: str, values: Mapping[str, Cell]) -> str:
    if ";" in text:
        raise CellError("a customer belongs to one person; write one address")
    return _people(text, values)


READERS: Readers = {
    "customer_id": _customer_id,
    "customer_name": _name,
    "email": _email,
    "country": _country,
    "phone": _phone,
    "language": _language,
    "timezone": _timezone,
    "invoice_number": _invoice_number,
    "currency": _currency,
    "amount": _amount,
    "amount_due": _amount,
    "issued_on": _date,
    "due_on": _date,
    "payment_url": _url,
    "tags": _tags,
    "subscription": a_yes_or_no,
    "customer_tags": _tags,
    "is_business": a_yes_or_no,
    "do_not_chase": a_yes_or_no,
    "prefers": _channel,
    "owner": _one_person,
}
"""Every column, in the order in which cells are read: a telephone number is read with its country."""

REQUIRED = ("customer_id", "invoice_number", "currency", "amount", "due_on")

CONTACT = "contact_"


def reader_of_contact(column: str) -> Callable[[str, Mapping[str, Cell]], Cell] | None:
    """What reads a column `contact_<role>`; None for a name that is none. The role is that in `to` and `cc` of a policy."""
    role = column.removeprefix(CONTACT)
    known = column.startswith(CONTACT) and re.fullmatch(r"[a-z][a-z0-9_]{0,31}", role) and role != "owner"
    return _people if known else None
