"""Once a day, heal what webhooks missed: page by page through each source, then through what it no longer shows."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dunning.domain.errors import Disconnected, NotYet, Permanent, Rejected, Retryable, Unauthorised
from dunning.workflow.disconnections import ACCOUNTS, REFUSED, UNREADABLE, Reconnections
from dunning.workflow.ports import InvoiceSource, SyncBatch, SyncBatches, SyncQueue, SyncRequest
from dunning.workflow.record_snapshot import ALONE, RecordSnapshot
from dunning.workflow.source_events import FetchKind
from dunning.workflow.sources import HELD_HERE, account_of, source_of
from dunning.workflow.sweep_ports import AccountedSource, OpenIndex, OpenRow, SweepNotes, SweepQueue, SweepStage

CHANGED = "changed"
LISTING = "listing"
VANISHED = "vanished"
RELEASING = "releasing"
RELEASING_ONE = "releasing_one"
"""The stage that releases the one case that failed among others; its cursor is the customer."""

CHANGES_REACH_BACK = timedelta(days=29)
"""QuickBooks tells changes of the last 30 days; after longer, what is open must tell alone."""

GIVEN_UP_AFTER = timedelta(hours=25)
"""A page that could not be had for so long is left to the next day's sweep, which has begun by then."""

MOST_TRIES = 24
"""Of one page that the source refuses without saying for how long: some six hours."""

_LONGEST_ID = 64
_OVERLAP = timedelta(minutes=10)
_WAIT = timedelta(minutes=5)
_SHORTEST_WAIT = timedelta(seconds=1)
_MOST_DOUBLINGS = 10
_UNTIL_CONNECTED = timedelta(minutes=15)
_LONGEST_DELAY = 900


@dataclass(frozen=True, slots=True)
class Swept:
    """What one page brought: read, changed, asked for again, and not understood. `waits`: why it comes again, or ended."""

    stage: str
    read: int = 0
    changed: int = 0
    asked: int = 0
    unreadable: int = 0
    waits: str | None = None


@dataclass(frozen=True, slots=True)
class DailySweep:
    """The use case behind the function daily_sweep: one page an invocation, each queueing the next.

    Every source, and of the accounting ones every connected account, is a chain of messages of its own: none waits for another.
    Raises Retryable when a queue cannot be reached.
    """

    sources: Mapping[str, InvoiceSource]
    record: RecordSnapshot
    notes: SweepNotes
    open_index: OpenIndex
    sync_queue: SyncQueue
    sweep_queue: SweepQueue
    accounted: Mapping[str, AccountedSource]
    sync_batches: SyncBatches
    reconnections: Reconnections

    @property
    def _record_of_lists(self) -> RecordSnapshot:
        return replace(self.record, wakes_again=False)

    def start(self, at: datetime) -> int:
        """Begin a sweep of every source; the same schedule's event twice is the same run. Answers how many were begun."""
        for name in self.sources:
            first = ACCOUNTS if name in self.accounted else LISTING
            self.sweep_queue.send(SweepStage(name, f"{name}:{at:%Y-%m-%dT%H:%M}", first, at))
        return len(self.sources)

    def page(self, stage: SweepStage) -> Swept:
        """Work off one page, then queue the next; what meets a limit, or no answer, is queued again for later.

        Raises Rejected for a stage that is not known, Permanent for what the source never will answer.
        """
        work: dict[str, Callable[[SweepStage], Swept]] = {LISTING: self._listed, VANISHED: self._vanished}
        work |= {REFUSED: self._refused, UNREADABLE: self._unreadable}
        if stage.source in self.accounted:
            work |= {ACCOUNTS: lambda one: self._begun(one, again=stage.tries > 0)}
            work |= {CHANGED: self._changed, RELEASING: self._released, RELEASING_ONE: self._released_one}
        if stage.source not in self.sources or stage.stage not in work:
            raise Rejected(f"no stage {stage.stage!r} of source {stage.source!r}")
        try:
            # What follows begins to count anew.
            return work[stage.stage](replace(stage, tries=0))
        except Disconnected as exc:
            self.reconnections.tell_once(exc)
            return self._put_off(stage, exc, _UNTIL_CONNECTED)
        except NotYet as exc:
            return self._put_off(stage, exc, exc.turn_at - self.record.clock())
        except Retryable as exc:
            doubled = 2 ** min(stage.tries, _MOST_DOUBLINGS)
            if exc.retry_at is not None:
                return self._put_off(stage, exc, max(exc.retry_at - self.record.clock(), _SHORTEST_WAIT * doubled))
            return self._put_off(stage, exc, _WAIT * doubled, MOST_TRIES)

    def _put_off(self, stage: SweepStage, exc: Retryable, wait: timedelta, most_tries: float = math.inf) -> Swept:
        """The same page again, later; given up after a day, or so many tries."""
        if stage.tries >= most_tries or self.record.clock() > stage.started_at + GIVEN_UP_AFTER:
            return Swept(stage.stage, waits=f"given up until the next sweep: {exc}")
        again = replace(stage, tries=stage.tries + (not isinstance(exc, NotYet)))
        self.sweep_queue.send(again, min(_LONGEST_DELAY, max(1, math.ceil(wait.total_seconds()))))
        return Swept(stage.stage, waits=str(exc))

    def _begun(self, stage: SweepStage, *, again: bool) -> Swept:
        accounts = (stage.account,) if stage.account else self._accounts(stage.source, again)
        for account in accounts:
            since = self.notes.swept(stage.source, account)
            first = CHANGED if since and stage.started_at - since < CHANGES_REACH_BACK else LISTING
            run = f"{stage.source}:{account}:{stage.started_at:%Y-%m-%dT%H:%M}"
            self.sweep_queue.send(replace(stage, run=run, stage=first, account=account, since=since))
        return Swept(ACCOUNTS, len(accounts))

    def _accounts(self, source: str, again: bool) -> tuple[str, ...]:
        """The connected accounts. Raises Disconnected for all of them where nobody can say which they are; `again`: that was so before."""
        try:
            accounts = self.accounted[source].accounts()
        except Unauthorised as exc:
            raise exc if isinstance(exc, Disconnected) else Disconnected(source, "", str(exc)) from exc
        if again:
            self.reconnections.listed_again(source)
        return accounts

    def _changed(self, stage: SweepStage) -> Swept:
        """What was paid, and whom the source knows otherwise now. What is open is left to the list, which follows."""
        account, since = stage.account or "", (stage.since or stage.started_at) - _OVERLAP
        page = self.accounted[stage.source].changed_page(account, since, stage.cursor)
        record = self._record_of_lists
        outcomes = [
            record.one_of_many(snapshot)
            for snapshot in page.closed
            if self.record.store.customer_of("invoice", f"{stage.source}:{account}:{snapshot.invoice_id}") == snapshot.customer
        ]
        there = ((customer, contact) for customer, contact in page.contacts.items() if contact)
        outcomes += [record.contact_of_many(customer, contact, page.stamp) for customer, contact in there]
        # Who is gone may have been merged with another: what they owe is looked at before anybody is told.
        gone = [customer for customer, contact in page.contacts.items() if contact is None]
        kind = FetchKind.CUSTOMER.value
        self.sync_queue.send([SyncRequest(stage.source, kind, each.rpartition(":")[2], each, account=account) for each in gone])
        following = replace(stage, cursor=page.cursor, page=stage.page + 1)
        self.sweep_queue.send(following if page.cursor else replace(stage, stage=LISTING, page=0, cursor=None))
        return Swept(CHANGED, len(page.closed) + len(page.contacts), outcomes.count("recorded"), outcomes.count(ALONE))

    def _listed(self, stage: SweepStage) -> Swept:
        """Recording an unchanged invoice writes nothing, unless its plan or its case's timer was lost: then it is armed again."""
        page = self.sources[stage.source].open_page(stage.cursor, stage.account)
        record, outcomes, unreadable = self._record_of_lists, list[str](), list(page.unreadable)
        for snapshot in page.snapshots:
            try:
                outcomes.append(record.one_listed(snapshot))
            except (Permanent, Rejected):
                unreadable.append(snapshot.invoice_id)
        self.notes.add(stage.run, stage.page, [*(_row(each.customer, each.invoice_id) for each in page.snapshots), *page.unreadable])
        if unreadable:
            ids = [each[:_LONGEST_ID] or "(without an id)" for each in unreadable]
            self.notes.add(_unreadable_of(stage.run), stage.page, ids)
        so_far = stage.unreadable + len(unreadable)
        if page.cursor:
            self.sweep_queue.send(replace(stage, page=stage.page + 1, cursor=page.cursor, unreadable=so_far))
        else:
            self._after_the_list(replace(stage, page=0, cursor=None, unreadable=0), so_far)
        return Swept(LISTING, len(page.snapshots), outcomes.count("recorded"), outcomes.count(ALONE), len(unreadable))

    def _after_the_list(self, stage: SweepStage, unreadable: int) -> None:
        """Telling of what cannot be read has a message of its own: a team that cannot be reached keeps no sweep from its end."""
        if unreadable:
            self.sweep_queue.send(replace(stage, stage=UNREADABLE, unreadable=unreadable))
        if stage.source not in HELD_HERE:
            self.sweep_queue.send(replace(stage, stage=VANISHED))

    def _vanished(self, stage: SweepStage) -> Swept:
        """What is open here and was not listed there is asked for one by one: paid, voided, another customer's, or newer than the list."""
        seen = self.notes.seen(stage.run)
        page = self.open_index.page(stage.cursor)
        ours = [row for row in page.rows if source_of(row.customer) == stage.source and account_of(row.customer) == stage.account]
        missing = [row for row in ours if seen.isdisjoint((_row(row.customer, row.invoice_id), row.invoice_id))]
        self._ask(stage, missing, {row.rpartition("/")[2] for row in seen})
        if page.cursor:
            self.sweep_queue.send(replace(stage, page=stage.page + 1, cursor=page.cursor))
        elif stage.account:
            self.notes.note_swept(stage.source, stage.account, stage.started_at)
            self.sweep_queue.send(replace(stage, stage=RELEASING, page=0, cursor=None))
        return Swept(VANISHED, len(ours), 0, len(missing))

    def _released(self, stage: SweepStage) -> Swept:
        """The connection is good and its book was read: what waited for that goes on. One that fails gets a message of its own."""
        alone = list[str]()

        def by_itself(customer: str) -> None:
            self.sweep_queue.send(replace(stage, stage=RELEASING_ONE, page=0, cursor=customer))
            alone.append(customer)

        last = self.reconnections.release(stage.source, stage.account or "", by_itself, stage.cursor)
        if last:
            self.sweep_queue.send(replace(stage, page=stage.page + 1, cursor=last))
        return Swept(RELEASING, asked=len(alone))

    def _released_one(self, stage: SweepStage) -> Swept:
        self.reconnections.release_one(stage.source, stage.account or "", stage.cursor or "")
        return Swept(RELEASING_ONE, 1)

    def _refused(self, stage: SweepStage) -> Swept:
        self.reconnections.tell_of_refusal(stage.source, stage.account or "", stage.cursor or "")
        return Swept(REFUSED)

    def _unreadable(self, stage: SweepStage) -> Swept:
        """Which they are is in the notes, for they may be more than a message holds."""
        self.reconnections.tell_of_unreadable(stage.source, stage.account or "", _unreadable_of(stage.run), self.notes.seen)
        return Swept(UNREADABLE, unreadable=stage.unreadable)

    def _ask(self, stage: SweepStage, missing: list[OpenRow], listed: set[str]) -> None:
        """One message for all of an account, for its limits hold them back together; what moved to another customer is found by both."""
        moved = [row for row in missing if row.invoice_id in listed or not stage.account]
        kind = FetchKind.INVOICE.value
        self.sync_queue.send([SyncRequest(stage.source, kind, row.invoice_id, row.customer) for row in moved])
        stamp = self.record.clock()
        gone = [SyncRequest(stage.source, kind, row.invoice_id, None, stamp, account=stage.account) for row in missing if row not in moved]
        if gone:
            self.sync_batches.send(SyncBatch(tuple(gone)))


def _unreadable_of(run: str) -> str:
    """The run under which is noted what a run listed and nobody understands."""
    return f"{run}:{UNREADABLE}"


def _row(customer: str, invoice_id: str) -> str:
    """A listed invoice, with whose it is: one that has moved is no longer seen where it was."""
    return f"{customer.rpartition(':')[2]}/{invoice_id}"
