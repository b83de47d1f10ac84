"""The places that policies have on a day for first contacts, in memory."""

from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal


@dataclass(slots=True)
class _Day:
    ranked: list[tuple[Decimal, str]] = field(default_factory=list)
    asked: dict[str, tuple[Decimal, datetime]] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)


@dataclass(slots=True)
class PlacesInMemory:
    """Implements `workflow.ports.DayPlaces`."""

    days: defaultdict[str, _Day] = field(default_factory=lambda: defaultdict(_Day))

    def ask(self, day: str, customer: str, balance: Decimal, now: datetime) -> datetime:
        """Put a customer on the day's list; answers when that was first done."""
        found = self.days[day]
        if customer not in found.asked:
            found.asked[customer] = (balance, now)
            insort(found.ranked, (-balance, customer))
        return found.asked[customer][1]

    def is_among(self, day: str, customer: str, most: int) -> bool:
        """Whether a customer is among the first of the list."""
        found = self.days[day]
        asked = found.asked.get(customer)
        return asked is not None and bisect_left(found.ranked, (-asked[0], customer)) < most

    def take(self, day: str, customer: str, most: int) -> bool:
        """Take one of the day's places, if one is left; True also when it was taken before."""
        taken = self.days[day].taken
        if customer in taken or len(taken) < most:
            taken.add(customer)
        return customer in taken
