"""Activities on their way out: to the event bus and, as notes, to the invoices' sources. What is carried, and what carries it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dunning.domain.activity import Activity
from dunning.domain.notes import Note


@dataclass(frozen=True, slots=True)
class LoggedActivity:
    """An activity as the log holds it. `id` is its own for ever, a ULID; `customer` the full id."""

    id: str
    customer: str
    activity: Activity


@dataclass(frozen=True, slots=True)
class NoteRequest:
    """Activities to be noted together at one invoice (bare id) of a customer. `tries` counts how often they were put off."""

    customer: str
    invoice: str
    activities: tuple[LoggedActivity, ...]
    tries: int = 0


class EventBus(Protocol):
    """Where others subscribe to what happens."""

    def put(self, activities: Sequence[LoggedActivity]) -> None:
        """Tell of each at least once; raises Retryable when some could not be told."""
        ...


class NoteQueue(Protocol):
    """The queue of one source in front of write_back."""

    def send(self, requests: Sequence[NoteRequest], delay: int = 0) -> None:
        """Ask for each note, to be written after so many seconds (0 to 900); raises Retryable."""
        ...


class NoteWriter(Protocol):
    """A source, as far as it takes notes.

    Raises Retryable when it cannot be reached or is at its limit (then with `retry_at`), Permanent when it refuses the note,
    NotOffered (a Permanent) when it takes no notes at all.
    """

    def write(self, invoice_id: str, account: str | None, notes: Sequence[Note]) -> str:
        """Write each note once: one that is there already is left alone. Answers what became of them, for the log."""
        ...


class NotedPolicies(Protocol):
    """Which policy an invoice follows: its zone dates the notes."""

    def policy_of(self, customer: str, invoice_id: str) -> str | None:
        """The policy's name; None for an invoice that is not known. Raises Retryable."""
        ...
