"""How amounts, dates and counts are written in English, and values made fit for one line."""

import re
import unicodedata
from datetime import date

from dunning.domain.money import Money, minor_digits

_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_JOINERS = frozenset("\u200c\u200d")
_WEB_ADDRESS = re.compile(r"https?://[^\s\"'<>\\]+")


def money(minor: int, currency: str) -> str:
    """Minor units as people read them: "$1,200.00", "¥12,000", "KWD 1.234", "-€5.00"."""
    symbol = _SYMBOLS.get(currency)
    return _signed(minor, currency, symbol if symbol is not None else f"{currency} ")


def money_with_code(minor: int, currency: str) -> str:
    """Minor units with the ISO code, in ASCII: "EUR 980.00". For where a symbol may not survive, as in an SNS subject."""
    return _signed(minor, currency, f"{currency} ")


def _signed(minor: int, currency: str, prefix: str) -> str:
    amount = Money(abs(minor), currency).as_decimal()
    return f"{'-' if minor < 0 else ''}{prefix}{amount:,.{minor_digits(currency)}f}"


def long_date(day: date) -> str:
    """A date that cannot be misread anywhere: "2 March 2026"."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number and its noun: "1 day", "7 days"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


def one_line(text: str) -> str:
    """Text from outside as one line: line breaks, control and direction-changing characters become spaces."""
    shown = (" " if unicodedata.category(char) in _UNPRINTABLE and char not in _JOINERS else char for char in text)
    return " ".join("".join(shown).split())


def web_address(text: str | None) -> str | None:
    """The link if it is one that a browser opens (http, https), else None."""
    return text if text and _WEB_ADDRESS.fullmatch(text) else None
