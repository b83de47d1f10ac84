"""Credit in accounting systems: amounts in major units on objects that name their currency, summed in minor units."""

from collections.abc import Iterable

from dunning.domain.money import nearest_minor
from dunning.providers.json_reading import JsonObject, amount

NOT_THERE = frozenset({400, 404, 405, 501})
"""How an API says that it has no such list: only for lists that we can do without."""


def summed(rows: Iterable[tuple[str | None, JsonObject, str]]) -> dict[str, int]:
    """What is left on (currency, object, the key of its open amount); what names no currency or no amount is left out."""
    found: dict[str, int] = {}
    for currency, row, key in rows:
        left = amount(row, key)
        if currency is None or left is None or left <= 0:
            continue
        try:
            found[currency.upper()] = found.get(currency.upper(), 0) + nearest_minor(left, currency.upper())
        except ValueError:
            continue
    return found
