"""Customers as they were read a moment ago: a thousand invoices of few customers must not cost a thousand reads of customers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from dunning.providers.json_reading import JsonObject

KEPT_FOR = timedelta(minutes=5)
"""A changed address comes by a webhook of its own, which is not answered from here."""

_REMEMBERED = 5000

Read = Callable[[Sequence[str]], Mapping[str, JsonObject]]


class RecentContacts:
    """The customers of one provider, by account and bare id, for five minutes. That one is unknown is remembered, too."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[datetime, JsonObject | None]] = {}

    def of(self, account: str, wanted: Iterable[str], read: Read, most: int) -> Mapping[str, JsonObject]:
        """Those of the wanted that exist. `read` gets at most so many ids that are not known; what it raises passes through."""
        now = self._clock()
        ids = list(dict.fromkeys(wanted))
        missing = [bare for bare in ids if not self._is_known(account, bare, now)]
        for start in range(0, len(missing), most):
            part = missing[start : start + most]
            found = read(part)
            if len(self._kept) >= _REMEMBERED:
                self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > now - KEPT_FOR}
            self._kept.update({(account, bare): (now, found.get(bare)) for bare in part})
        kept = {bare: self._kept[account, bare][1] for bare in ids}
        return {bare: contact for bare, contact in kept.items() if contact is not None}

    def keep(self, account: str, bare: str, contact: JsonObject | None) -> None:
        """What was read now by itself."""
        self._kept[account, bare] = self._clock(), contact

    def _is_known(self, account: str, bare: str, now: datetime) -> bool:
        kept = self._kept.get((account, bare))
        return kept is not None and kept[0] > now - KEPT_FOR
