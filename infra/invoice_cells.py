"""The cells of an invoice file: what may stand in each column, and what to write instead of what may not."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dunning.domain.money import minor_digits, to_minor
from dunning.providers.contact_details import country_code, e164

Cell = str | int | datetime
Readers = Mapping[str, Callable[[str, Mapping[str, Cell]], Cell]]
"""What reads the cells of a column, by its name; it is given the row's values so far."""

NO_READERS: Readers = {}
_LARGEST = 10**15
_LONGEST = 200


class CellError(Exception):
    """What is wrong with a cell, and the remedy."""


class Numbers(Enum):
    """How amounts are written: 1234.50 or 1234,50; never with signs between thousands, for those read two ways."""

    DECIMAL_POINT = "."
    DECIMAL_COMMA = ","


def money(written: str, currency: str, numbers: Numbers) -> int:
    """Minor units of an amount as written. Raises CellError."""
    mark = numbers.value
    if not re.fullmatch(rf"\d+({re.escape(mark)}\d+)?", written, re.ASCII):
        raise CellError(_why_no_amount(written, numbers))
    amount = Decimal(written.replace(",", "."))
    if amount >= _LARGEST:
        raise CellError(f"{written} is too large to be true")
    try:
        return to_minor(amount, currency)
    except ValueError:
        digits = minor_digits(currency)
        raise CellError(f"{written} has more decimals than {currency} has ({digits}); round it") from None


def _why_no_amount(written: str, numbers: Numbers) -> str:
    if written.startswith("-"):
        return f"{written} is negative; a credit is no invoice: lower amount_due of the invoice it belongs to"
    if numbers is Numbers.DECIMAL_POINT and re.fullmatch(r"[\d.]*\d,\d{1,3}", written, re.ASCII):
        return f"{written} has a decimal comma; write 1234.50, or give --decimal-comma if the whole file is written so"
    example = "1234.50" if numbers is Numbers.DECIMAL_POINT else "1234,50"
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
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise CellError(f"{text!r} is no date; write year-month-day, as 2026-03-31") from None


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
}
"""Every column, in the order in which cells are read: a telephone number is read with its country."""

REQUIRED = ("customer_id", "invoice_number", "currency", "amount", "due_on")
