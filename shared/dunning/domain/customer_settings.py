"""What a source's record of a customer says of how the customer is to be treated."""

from dataclasses import dataclass

from dunning.domain.evolving import replace


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the customer's who is written to in a role ("billing", "manager"), beside the customer's own address."""

    role: str
    email: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerSettings:
    """Read from the whole record, so that what is not there is not wanted (any more).

    `prefers` is "email" or "sms"; `owner` the mail address of the one of us the customer belongs to, `owner_name` the name.
    """

    do_not_chase: bool = False
    prefers: str | None = None
    owner: str | None = None
    owner_name: str | None = None
    people: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingsNamed:
    """Of which settings a source speaks that does not know all: fields of `CustomerSettings`, and roles of people."""

    fields: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        """Whether it speaks of any."""
        return bool(self.fields or self.roles)

    def taken_over(self, known: CustomerSettings | None, told: CustomerSettings) -> CustomerSettings:
        """What was known, with what such a source told in its place."""
        before = known or CustomerSettings()
        others = tuple(person for person in before.people if person.role not in self.roles)
        return replace(before, people=(*others, *told.people), **{name: getattr(told, name) for name in self.fields})
