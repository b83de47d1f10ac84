"""Conditions of steps and policies: expressions of the sandboxed template language over closed lists of facts.

`amount_due` is in major units of the invoice's currency, as an exact Decimal (120.50, never 12050). The template engine costs tens
of milliseconds to import, so it is imported when a condition is first checked or evaluated, not when a policy is loaded.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from dunning.domain.errors import Permanent, Rejected
from dunning.domain.policy import Facts

EXAMPLE: Facts = {
    "amount_due": Decimal("100.00"),
    "currency": "USD",
    "days_overdue": 7,
    "level": 1,
    "reminders_sent": 1,
    "replied": False,
    "opened": False,
    "promise_broken": False,
    "country": "US",
    "tags": ("vip",),
    "source": "stripe",
    "is_business": True,
}
FACTS = frozenset(EXAMPLE)

NEW_INVOICE: Facts = {
    "amount_due": Decimal("100.00"),
    "currency": "USD",
    "country": "US",
    "tags": ("vip",),
    "source": "stripe",
    "is_business": True,
    "subscription": False,
    "one_off": True,
}
"""What is known of an invoice when its policy is chosen; it is a subscription's or a one-off."""


_LEAST_KNOWN: Facts = {"tags": (), "country": ""}
"""What a condition must also stand: a customer of whom little is known."""


class Purpose(StrEnum):
    """What a condition decides, and so what it may ask."""

    STEP = "step"
    ASSIGNMENT = "assignment"


_EXAMPLES = {Purpose.STEP: EXAMPLE, Purpose.ASSIGNMENT: NEW_INVOICE}


@dataclass(frozen=True)
class Expression:
    """One condition as written; calling it with the facts answers whether the step may run. Equal when the text is."""

    text: str
    purpose: Purpose = Purpose.STEP

    def check(self) -> None:
        """Compile, and try on an example. Raises Rejected saying what is wrong and what to write instead."""
        from dunning.content.expressions import is_question

        try:
            self._evaluate(_EXAMPLES[self.purpose])
            self._evaluate({**_EXAMPLES[self.purpose], **_LEAST_KNOWN})
        except Rejected:
            raise
        except Exception as error:
            raise Rejected(f"{self.text!r} cannot be evaluated: {error}") from error
        example = _EXAMPLES[self.purpose]
        if not is_question(self.text, frozenset(name for name, value in example.items() if isinstance(value, bool))):
            raise Rejected(f"{self.text!r} is not answered by yes or no: compare it, as amount_due > 100 or 'vip' in tags")

    def __call__(self, facts: Facts) -> bool:
        """Whether the condition holds. Raises Permanent when it cannot be evaluated on these facts."""
        try:
            return self._evaluate(facts)
        except Exception as error:
            raise Permanent(f"condition {self.text!r} cannot be evaluated: {error}: mend the policy") from error

    @cached_property
    def _evaluate(self) -> Callable[[Facts], bool]:
        from dunning.content.expressions import compiled

        return compiled(self.text, frozenset(_EXAMPLES[self.purpose]))
