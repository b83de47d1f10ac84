"""Amounts, dates and counts by the conventions of a locale, from the Unicode CLDR that `babel` brings.

The decimals of a currency stay ours: CLDR would round Iraqi dinars, which Stripe counts in thousandths.
"""

import re
from datetime import date
from decimal import Decimal

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.numbers import NumberPattern, format_decimal, parse_pattern

from dunning.domain.money import Money, minor_digits

_NO_BREAK_SPACE = "\u00a0"
_TOUCHING = re.compile(r"(?<=[A-Za-z])(?=[0-9])|(?<=[0-9])(?=[A-Za-z])")
_NO_SYMBOL = "\u00a4"


class LocalWording:
    """The ways of one locale, as `content.wording` has those of English."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        self.name = str(locale)

    @classmethod
    def of(cls, locale: str, language: str | None) -> "LocalWording | None":
        """Of a locale such as "de_AT"; when nothing is known of it, of its `language`, and None without one."""
        try:
            return cls(Locale.parse(locale))
        except (ValueError, UnknownLocaleError):
            return cls(Locale.parse(language)) if language else None

    def money(self, minor: int, currency: str) -> str:
        """Minor units as people read them there: "1.200,00 €", "1 200,00 $US"."""
        shown = self._amount(self._locale.currency_formats["standard"].pattern, minor, currency)
        return _TOUCHING.sub(_NO_BREAK_SPACE, shown.replace(_NO_SYMBOL, currency))

    def money_with_code(self, minor: int, currency: str) -> str:
        """With the ISO code before the number: "EUR 980,00"."""
        sign, pattern = "-" if minor < 0 else "", self._locale.decimal_formats[None].pattern
        return f"{sign}{currency} {self._amount(pattern, abs(minor), currency)}"

    def long_date(self, day: date) -> str:
        """A date in words: "2. März 2026"."""
        return format_date(day, "long", locale=self._locale)

    def short_date(self, day: date) -> str:
        """A date in figures, in the order that is usual there: "2.3.2026". English ones name the month: their orders differ."""
        return format_skeleton("yMMMd" if self._locale.language == "en" else "yMd", day, locale=self._locale)

    def count(self, number: int, noun: str, plural: str | None = None) -> str:
        """A number and its noun, in the form that the number asks for: "1 jour", "0 jour", "7 jours"."""
        shown = format_decimal(number, locale=self._locale)
        return f"{shown} {noun if self._locale.plural_form(number) == 'one' else plural or noun + 's'}"

    def _amount(self, pattern: str, minor: int, currency: str) -> str:
        found: NumberPattern = parse_pattern(pattern)
        digits = minor_digits(currency)
        found.frac_prec = (digits, digits)
        amount: Decimal = Money(minor, currency).as_decimal()
        shown: str = found.apply(amount, self._locale, currency=currency, currency_digits=False)
        return shown
