"""In which currency a QuickBooks company keeps its books: what its invoices are in that name none.

A transaction's `CurrencyRef` is there for companies with more than one currency; without that feature all is in the home currency, which
cannot be changed once it is set (developer.intuit.com/app/developer/qbo/docs/workflows/manage-multiple-currencies).
"""

from collections.abc import Iterable
from urllib.parse import quote

from dunning.providers.credits import NOT_THERE
from dunning.providers.json_reading import JsonObject, child, text
from dunning.providers.oauth_api import OAuthApi

_MINOR_VERSION = {"minorversion": "75"}


class HomeCurrencies:
    """The home currencies, each read once, and only where something names no currency of its own."""

    def __init__(self, api: OAuthApi) -> None:
        self._api = api
        self._known: dict[str, str] = {}

    def of(self, company: str, rows: Iterable[JsonObject]) -> str | None:
        """What stands in for the currency that some of these do not name; None when all do, or the company says nothing of it.

        A refusal says nothing, either: whoever names a currency is not kept waiting.
        """
        return self._asked(company, rows, is_needed=False)

    def needed_by(self, company: str, rows: Iterable[JsonObject]) -> str | None:
        """`of`, for what cannot be read without. Raises NotPermitted when the company's preferences may not be read."""
        return self._asked(company, rows, is_needed=True)

    def _asked(self, company: str, rows: Iterable[JsonObject], *, is_needed: bool) -> str | None:
        if all(named_currency(row) for row in rows):
            return None
        if company not in self._known:
            path = f"/v3/company/{quote(company, safe='')}/preferences"
            get = self._api.get if is_needed else self._api.get_if_permitted
            answer = get(company, path, _MINOR_VERSION, tells=lambda told: told.status in NOT_THERE)
            if answer.status != 200:
                return None
            home = text(child(child(child(answer.json(), "Preferences"), "CurrencyPrefs"), "HomeCurrency"), "value")
            if home is None:
                return None
            self._known[company] = home
        return self._known[company]


def named_currency(found: JsonObject) -> str | None:
    """The currency that a transaction names itself."""
    return text(child(found, "CurrencyRef"), "value")
