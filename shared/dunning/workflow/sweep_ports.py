"""What the daily sweep needs of the outside world, beside what all use cases need."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from dunning.domain.invoice import Contact, Snapshot
from dunning.workflow.ports import InvoiceSource


@dataclass(frozen=True, slots=True)
class OpenRow:
    """A row of the index of open invoices: the full customer id and the bare invoice id."""

    customer: str
    invoice_id: str


@dataclass(frozen=True, slots=True)
class OpenPage:
    """One page of open invoices; `cursor` None on the last."""

    rows: tuple[OpenRow, ...]
    cursor: str | None


class OpenIndex(Protocol):
    """The sparse index of open invoices."""

    def page(self, cursor: str | None) -> OpenPage:
        """One page, from a cursor of the page before."""
        ...


class SweepNotes(Protocol):
    """What one daily sweep saw at a source, kept for nine days: for as long as the sweep runs, and what it told the team may be
    looked up. And when each account was last swept to the end.
    """

    def add(self, run: str, page: int, rows: Sequence[str]) -> None:
        """Keep what one page showed; the same page twice replaces itself."""
        ...

    def seen(self, run: str) -> frozenset[str]:
        """All rows of a run."""
        ...

    def swept(self, source: str, account: str) -> datetime | None:
        """When the last sweep began (UTC) that came to this account's end."""
        ...

    def note_swept(self, source: str, account: str, began: datetime) -> None:
        """Remember it."""
        ...


@dataclass(frozen=True, slots=True)
class SweepStage:
    """Where a daily sweep stands: asking for the `accounts` of a source, then for each what `changed` since the last sweep,
    the `listing` of all that is open, and what `vanished` from it. JSON between runs. `tries`: how often this page was put off.
    `unreadable`: how many the listing told so far that nobody understands.
    """

    source: str
    run: str
    stage: str
    started_at: datetime
    page: int = 0
    cursor: str | None = None
    account: str | None = None
    since: datetime | None = None
    tries: int = 0
    unreadable: int = 0


class SweepQueue(Protocol):
    """The queue by which a sweep continues itself."""

    def send(self, stage: SweepStage, delay: int = 0) -> None:
        """Continue with this stage, after so many seconds (0 to 900); raises Retryable."""
        ...


@dataclass(frozen=True, slots=True)
class ChangedPage:
    """What changed in an account and is not seen in a list of what is open; `cursor` None on the last page.

    `closed`: invoices that are owed no more. `contacts`: customers (full id) and how they are reached now, None when the source
    forgot them; `stamp` (UTC): when that was asked.
    """

    stamp: datetime
    closed: tuple[Snapshot, ...] = ()
    contacts: Mapping[str, Contact | None] = field(default_factory=dict)
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ChangedInvoices:
    """Invoices that changed, whatever they are now, and the bare ids of those deleted. `is_all`: whether that is known to be all."""

    snapshots: tuple[Snapshot, ...] = ()
    deleted: tuple[str, ...] = ()
    is_all: bool = True


@runtime_checkable
class TellsChanges(Protocol):
    """A source of which payments can be deleted without a trace: it tells the invoices that changed."""

    def changed_invoices(self, account: str, since: datetime) -> ChangedInvoices:
        """What changed since then (UTC), with the customers' contacts."""
        ...


class AccountedSource(InvoiceSource, Protocol):
    """A source of which several companies may be connected, each with its own limits; it tells what changed since an instant."""

    def turn(self, customer: str, links: int = 0) -> AbstractContextManager[None]:
        """Room for one last check of a customer, and so many invoices that are read one by one, within the source's limits, or NotYet."""
        ...

    def accounts(self) -> tuple[str, ...]:
        """The connected accounts, in a steady order."""
        ...

    def changed_page(self, account: str, since: datetime, cursor: str | None) -> ChangedPage:
        """What changed since then (UTC). May tell less, never wrongly: lists of what is open are what a sweep rests on."""
        ...
