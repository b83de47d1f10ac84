"""Money is an integer count of minor units and an ISO 4217 code; never a float.

Digits per currency follow Stripe's list of zero- and three-decimal currencies (docs.stripe.com/currencies).
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from functools import lru_cache

_ZERO_DECIMAL = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THREE_DECIMAL = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def minor_digits(currency: str) -> int:
    """Decimal places of a currency's minor unit: 0 for JPY, 3 for KWD, otherwise 2."""
    if currency in _ZERO_DECIMAL:
        return 0
    return 3 if currency in _THREE_DECIMAL else 2


def smallest_at(source: str, currency: str) -> int:
    """The minor units of which every amount that is written to a source must be a multiple.

    Stripe takes dinars and rials with three decimals only if the last is 0: "5.124 KWD must be rounded to 5120 or 5130"
    (docs.stripe.com/currencies, three-decimal currencies). QuickBooks and Xero take each minor unit.
    """
    return 10 if source == "stripe" and minor_digits(currency) == 3 else 1


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in minor units (cents, yen, fils) of one currency (upper-case ISO 4217)."""

    minor: int
    currency: str

    def as_decimal(self) -> Decimal:
        """The amount in major units, exact."""
        return Decimal(self.minor).scaleb(-minor_digits(self.currency))


LARGEST = 10**15
"""Major units: no invoice is for as much, in any currency, and DynamoDB takes 38 digits."""

MOST_DIGITS = 28
"""Of an amount in books: so many are reckoned with exactly."""


def to_minor(amount: Decimal, currency: str) -> int:
    """Minor units of an amount in major units.

    Raises ValueError when the amount has more decimals than the currency, or is `LARGEST` or more.
    """
    scaled = _scaled(amount, currency)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more decimals than {currency} allows ({minor_digits(currency)})")
    return int(scaled)


def nearest_minor(amount: Decimal, currency: str) -> int:
    """Minor units of an amount in major units, rounded half up to the next one that the currency has: 1332.72 yen are 1333.

    For books that keep two decimals in every currency, as Xero does: "All summary values such as Total, LineAmount etc will remain
    at two decimal places only" (developer.xero.com/documentation/api-guides/rounding-in-xero). A tax on yen so has a fraction that
    nobody can pay, and a sum of floats one that nobody wrote. Less than half a minor unit is nothing.

    Raises ValueError when the amount is `LARGEST` or more, or has more digits than any amount that was reckoned, even as a float (17).
    """
    if len(amount.as_tuple().digits) > MOST_DIGITS:
        raise ValueError(f"an amount of more than {MOST_DIGITS} digits cannot be true")
    return int(_scaled(amount, currency).to_integral_value(rounding=ROUND_HALF_UP))


def _scaled(amount: Decimal, currency: str) -> Decimal:
    if amount.copy_abs() >= LARGEST:  # before any arithmetic: an exponent beyond the context's raises there
        raise ValueError(f"an amount of {LARGEST} {currency} or more cannot be true")
    return amount.scaleb(minor_digits(currency))


@lru_cache(maxsize=256)
def minor_units(text: str, currency: str) -> int:
    """Minor units of a major-unit text such as "5.00", rounded up to the next unit the currency has ("5.50" is 6 yen)."""
    scaled = Decimal(text).scaleb(minor_digits(currency))
    return int(scaled.to_integral_value(rounding=ROUND_CEILING))
