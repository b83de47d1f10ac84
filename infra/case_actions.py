"""What a person does to one case from the outside, as plain values: the same words for the command line and the control interface."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from dunning.bootstrap.cases import CaseDesk
from dunning.domain.errors import Rejected
from dunning.domain.holds import FOR_A_PERSON, HoldKind

RELEASABLE = tuple(kind.value for kind in (HoldKind.OPERATOR, HoldKind.REPLY, HoldKind.UNDELIVERABLE, HoldKind.STALE_DATA))
"""What a person may end, as it is told: a park is one of the operator's, which `dunning redrive` alone tells apart."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    "hold": ("reason", "until"),
    "release": ("reason", "hold"),
    "dispute": ("invoice", "reason", "until"),
    "undispute": ("invoice", "reason"),
    "promise": ("invoice", "until", "amount"),
    "handled": ("reason",),
}
"""The actions, and what each is told."""


@dataclass(frozen=True, slots=True)
class Values:
    """What came with an action; each reading raises Rejected naming the field and the remedy."""

    given: Mapping[str, object]

    def words(self, name: str, usual: str | None = None) -> str:
        """A text with something in it."""
        value = self.given.get(name)
        if value is None and usual is not None:
            return usual
        if not isinstance(value, str) or not value.strip():
            raise Rejected(f"{name} is {value!r}: give a text")
        return value.strip()

    def day(self, name: str) -> date:
        """A calendar date."""
        try:
            return date.fromisoformat(self.words(name))
        except ValueError as exc:
            raise Rejected(f"{name} is {self.given.get(name)!r}: give a date, as in 2026-03-20") from exc

    def end(self, name: str) -> date | datetime | None:
        """A date, or an instant in UTC; None when there is none."""
        if self.given.get(name) is None:
            return None
        text = self.words(name)
        try:
            if len(text) == len("2026-03-20"):
                return date.fromisoformat(text)
            instant = datetime.fromisoformat(text)
        except ValueError as exc:
            raise Rejected(f"{name} is {text!r}: give a date as 2026-03-20, or an instant as 2026-03-20T09:00:00Z") from exc
        if instant.tzinfo is None:
            raise Rejected(f"{name} is {text!r}: end an instant in Z, as in 2026-03-20T09:00:00Z")
        return instant

    def amount(self, name: str) -> Decimal | int | None:
        """Minor units as a whole number, or major units as a text; None when there is none."""
        value = self.given.get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        try:
            found = Decimal(self.words(name))
        except InvalidOperation as exc:
            raise Rejected(f"{name} is {value!r}: give a sum, as in 60.00") from exc
        if not found.is_finite():
            raise Rejected(f"{name} is {value!r}: give a sum, as in 60.00")
        return found


def act(desk: CaseDesk, customer: str, action: str, given: Mapping[str, object]) -> str:
    """Do it; answers "recorded" or "nothing new". Raises Rejected for what cannot be, Retryable when the table is not reached."""
    unknown = sorted(set(given) - set(FIELDS.get(action, ())))
    if action not in FIELDS:
        raise Rejected(f"a case knows no action {action!r}: there are {', '.join(FIELDS)}")
    if unknown:
        raise Rejected(f"unknown field {unknown[0]!r}: {action} takes {', '.join(FIELDS[action])}")
    values = Values(given)
    match action:
        case "hold":
            return desk.hold(customer, values.words("reason"), values.end("until"))
        case "release":
            return desk.release(customer, values.words("reason", "a person has looked"), *_kinds(values))
        case "dispute":
            return desk.dispute.begin(customer, values.words("invoice"), values.words("reason"), values.end("until"))
        case "undispute":
            return desk.dispute.end(customer, values.words("invoice"), values.words("reason", "it is settled"))
        case "handled":
            return desk.handled(customer, values.words("reason", "a person has answered"))
        case _:
            return desk.promise(customer, values.words("invoice"), values.day("until"), values.amount("amount"))


def _kinds(values: Values) -> tuple[HoldKind, ...]:
    if values.given.get("hold") is None:
        return FOR_A_PERSON
    name = values.words("hold")
    if name not in RELEASABLE:
        raise Rejected(f"hold is {name!r}: a person may end {', '.join(RELEASABLE)}")
    return FOR_A_PERSON if name == HoldKind.OPERATOR else (HoldKind(name),)
