"""The places of a day for first contacts, in memory."""

from datetime import datetime
from decimal import Decimal


class MemoryDayPlaces:
    """workflow.ports.DayPlaces."""

    def __init__(self) -> None:
        self.asked: dict[str, dict[str, tuple[Decimal, datetime]]] = {}
        self.taken: dict[str, set[str]] = {}
        self.failure: Exception | None = None

    def ask(self, day: str, customer: str, balance: Decimal, now: datetime) -> datetime:
        """When the customer first asked."""
        if self.failure:
            raise self.failure
        return self.asked.setdefault(day, {}).setdefault(customer, (balance, now))[1]

    def is_among(self, day: str, customer: str, most: int) -> bool:
        """Whether the customer is among the largest."""
        ranked = sorted(self.asked.get(day, {}).items(), key=lambda one: (-one[1][0], one[0]))
        return customer in [name for name, _ in ranked[:most]]

    def take(self, day: str, customer: str, most: int) -> bool:
        """A place, if one is left."""
        taken = self.taken.setdefault(day, set())
        if customer in taken or len(taken) < most:
            taken.add(customer)
        return customer in taken
