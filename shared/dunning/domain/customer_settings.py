"""What a source's record of a customer says of how the customer is to be treated."""

from dataclasses import dataclass


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
