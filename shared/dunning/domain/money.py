"""Money is an integer count of minor units and an ISO 4217 code; never a float.

Digits per currency follow Stripe's list of zero- and three-decimal currencies (docs.stripe.com/currencies).
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
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


def to_minor(amount: Decimal, currency: str) -> int:
    """Minor units of an amount in major units.

    Raises ValueError when the amount has more decimals than the currency, or is `LARGEST` or more.
    """
    if amount.copy_abs() >= LARGEST:  # before any arithmetic: an exponent beyond the context's raises there
        raise ValueError(f"an amount of {LARGEST} {currency} or more cannot be true")
    scaled = amount.scaleb(minor_digits(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{amount} has more decimals than {currency} allows ({minor_digits(currency)})")
    return int(scaled)


@lru_cache(maxsize=256)
def minor_units(text: str, currency: str) -> int:
    """Minor units of a major-unit text such as "5.00", rounded up to the next unit the currency has ("5.50" is 6 yen)."""
    scaled = Decimal(text).scaleb(minor_digits(currency))
    return int(scaled.to_integral_value(rounding=ROUND_CEILING))
