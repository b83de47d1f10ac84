"""A customer's word to pay."""

from dataclasses import dataclass
from datetime import date

from dunning.domain.money import Money


@dataclass(frozen=True, slots=True)
class Promise:
    """To pay `amount` (minor units) until a date, the customer's own and included; `owed` is what was due when it was given."""

    until: date
    amount: int
    owed: int

    def is_kept(self, amount_due: int) -> bool:
        """Whether at least the promised sum has arrived since, judged by what is still due."""
        return self.owed - amount_due >= self.amount

    def less(self, credited: int) -> "Promise":
        """The same, after credit took so much off what is owed: that is no money, so what is left of the promise is still to come."""
        owed = self.owed - credited
        return Promise(self.until, min(self.amount, owed), owed) if owed > 0 else self

    def in_words(self, currency: str) -> str:
        """For reasons that people read."""
        return f"{Money(self.amount, currency).as_decimal()} {currency} by {self.until}"
