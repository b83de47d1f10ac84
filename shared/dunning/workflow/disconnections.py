"""A connection that ended: its cases wait, the team is told once, and all goes on by itself when it is made again.

Who meets it first begins a sweep of that account. The sweep tells the team, tries again every quarter of an hour, and once it has
read the whole book, so that nothing rests on old data, releases what was held.

A call that is refused afterwards still does not tell that the connection ended: what lacks is the right to this one call, of which the
sweep makes no use. Whoever needs it tries again later, and the team is told; another sweep would find the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from dunning.domain.case import Case
from dunning.domain.errors import Disconnected, NotPermitted, Permanent, Rejected, Retryable, Unforeseen
from dunning.domain.holding import release_case
from dunning.domain.holds import HoldKind
from dunning.domain.recording import Recorded
from dunning.workflow.connection_ports import Connections
from dunning.workflow.ports import Clock, Envelope, TeamChannel
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.sweep_ports import SweepQueue, SweepStage
from dunning.workflow.unforeseen import foreseen

ACCOUNTS = "accounts"
"""The stage with which a sweep begins."""

REFUSED = "refused"
"""The stage that tells the team of a call that is refused though the connection is good; its cursor is what was said."""

UNREADABLE = "unreadable"
"""The stage that tells the team of invoices that a list shows and nobody can read."""

MOST_NAMED = 20

GOOD_FOR = timedelta(hours=2)
"""After a sweep has read the book, and after each refusal since: longer than the longest wait of who tries again."""

TOLD_AGAIN_AFTER = timedelta(days=7)
RELEASED_AT_ONCE = 25
BEGUN_WITHIN = timedelta(minutes=15)
"""A sweep that has told nobody for so long never began, and whoever notices the ended connection next begins it."""

_CALLED = {"stripe": "Stripe", "quickbooks": "QuickBooks", "xero": "Xero"}
_TELLING_LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Disconnections:
    """Noticing that a connection ended. Raises Retryable."""

    connections: Connections
    sweep_queue: SweepQueue
    clock: Clock

    def noticed(self, ended: Disconnected, customer: str | None = None) -> bool:
        """Remember it, with the case that waits for it, if one does; the first to notice begins the sweep that heals it.

        False when only this one call is refused: nothing waits for that but who made the call.
        """
        now = self.clock()
        if isinstance(ended, NotPermitted) and self._is_good_otherwise(ended, now):
            run = f"{ended.source}:{ended.account}:{REFUSED}"
            self.sweep_queue.send(SweepStage(ended.source, run, REFUSED, now, cursor=str(ended), account=ended.account))
            return False
        if customer is not None:
            self.connections.hold(ended.source, ended.account, customer)
        if self.connections.note_ended(ended.source, ended.account, now, BEGUN_WITHIN):
            run = f"{ended.source}:{now:%Y-%m-%dT%H:%M}"
            self.sweep_queue.send(SweepStage(ended.source, run, ACCOUNTS, now, account=ended.account))
        return True

    def _is_good_otherwise(self, ended: NotPermitted, now: datetime) -> bool:
        """A source without accounts (Stripe) has no connection that could end: it is read with the same key."""
        return not ended.account or self.connections.note_refused(ended.source, ended.account, now, now - GOOD_FOR)


@dataclass(frozen=True, slots=True)
class Reconnections:
    """What the sweep does about connections that ended. All raise Retryable."""

    connections: Connections
    record: RecordSnapshot
    team: TeamChannel
    team_name: str

    def tell_once(self, ended: Disconnected) -> None:
        """Tell the team, unless it was told since the connection ended. Should we die in between, it is told twice.

        Without an account all of the source's are meant.
        """
        now = self.record.clock()
        source, account = ended.source, ended.account
        self.connections.note_ended(source, account, now, BEGUN_WITHIN)
        if not self.connections.take_telling(source, account, now, now + _TELLING_LASTS):
            return
        called = _CALLED.get(source, source)
        subject = f"{called} is no longer connected: reminders wait"
        text = (
            f"The connection to {called}{f', company {account},' if account else ''} does not work any more:\n{ended}.\n\n"
            "Reminders to its customers wait, because nobody can say whether they have paid meanwhile.\n"
            f"Mend it, mostly with `dunning connect {source} --stack NAME`; all goes on by itself then.\n"
        )
        about = f"{source}:{account}" if account else source
        self.team.send(self.team_name, subject, text, Envelope("notice", about, (), None, "disconnected", f"disconnected:{about}"))
        self.connections.note_told(source, account)

    def listed_again(self, source: str) -> None:
        """Which accounts a source has is known again; should that end once more, it is news. Of each account its own sweep tells."""
        self.connections.note_mended(source, "", self.record.clock())

    def tell_of_refusal(self, source: str, account: str, said: str) -> None:
        """Tell the team of a call that is refused though the connection is good, unless it was told within a week."""
        now = self.record.clock()
        if not self.connections.take_telling_of_refusal(source, account, now, now + _TELLING_LASTS, now - TOLD_AGAIN_AFTER):
            return
        called, company = _CALLED.get(source, source), f", company {account}," if account else ""
        subject = f"{called} refuses something that is needed"
        text = (
            f"The connection to {called}{company} works, but not for this:\n{said}.\n\n"
            "What needs it is tried again, an hour apart at most, and goes on by itself once it is permitted.\n"
        )
        if account:
            text += f"Mostly a right was not granted: `dunning connect {source} --stack NAME`, and agree to all that is asked for.\n"
        about = f"{source}:{account}" if account else source
        self.team.send(self.team_name, subject, text, Envelope("notice", about, (), None, REFUSED, f"{REFUSED}:{about}"))
        self.connections.note_told_of_refusal(source, account, now)

    def tell_of_unreadable(self, source: str, account: str, run: str, seen: Callable[[str], frozenset[str]]) -> None:
        """Tell the team of open invoices that cannot be read: nobody is reminded of them, and without a word nobody would know.

        `seen` answers their bare ids by the run that noted them: however many there are, all are compared with those that were told
        last, and only some are named. Told again when others have come, and after a week. Should we die before that is noted, twice.
        """
        now, invoices = self.record.clock(), sorted(seen(run))
        told = self.connections.told_of_unreadable(source, account)
        if not invoices or (told and told[0] > now - TOLD_AGAIN_AFTER and seen(told[1]).issuperset(invoices)):
            return
        called, company = _CALLED.get(source, source), f", company {account}" if account else ""
        more = f", and {len(invoices) - MOST_NAMED} more" if len(invoices) > MOST_NAMED else ""
        count = "an open invoice" if len(invoices) == 1 else f"{len(invoices)} open invoices"
        subject = f"{called}: {count} cannot be read, and nobody is reminded of {'it' if len(invoices) == 1 else 'them'}"
        text = (
            f"Of {called}{company} the daily sweep found {count} that it does not understand: a currency, an amount or a status is\n"
            f"not as documented, or too large to be true; or a row of our table that tells of its customer cannot be read.\n"
            f"By their ids there:\n{', '.join(invoices[:MOST_NAMED])}{more}.\n\n"
            "As long as that is so, no reminder is sent for these; all others go on. Look at them there, and mend or remind by hand.\n"
            "What can be read again is taken up by the next sweep; one that its log calls parked, for its day had come, goes on with\n"
            "`dunning redrive --stack NAME`. You are told again when others come, or in a week.\n"
        )
        about = f"{source}:{account}" if account else source
        self.team.send(self.team_name, subject, text, Envelope("notice", about, (), None, UNREADABLE, f"{UNREADABLE}:{about}"))
        self.connections.note_told_of_unreadable(source, account, now, run)

    def release(self, source: str, account: str, alone: Callable[[str], None], after: str | None = None) -> str | None:
        """Release some of the cases that waited, behind `after`; the last of them, where there may be more (None: there are none).

        Their data must have been read anew before. One that fails keeps none of the others: it waits on, until the next sweep tries it
        again, and where no retry of all would help, or nobody foresaw it, until `alone` has it tried by itself.
        """
        # First, lest a case that is released, and looks at once, waits for a connection that is being noted as mended.
        if self.connections.has_ended(source, account):
            self.connections.note_mended(source, account, self.record.clock())
        waiting = self.connections.held(source, account, RELEASED_AT_ONCE, after)
        to_retry: Retryable | None = None
        for customer in waiting:
            try:
                foreseen(partial(self.release_one, source, account, customer))
            except Retryable as exc:
                if to_retry:  # no matter of one case
                    raise
                to_retry = exc
            except (Permanent, Rejected, Unforeseen):
                alone(customer)
        if to_retry:
            raise to_retry
        return waiting[-1] if len(waiting) == RELEASED_AT_ONCE else None

    def release_one(self, source: str, account: str, customer: str) -> None:
        """Release this case, and wait for it no more."""
        self.record.change(customer, self._released)
        self.connections.forget(source, account, customer)

    def _released(self, case: Case, now: datetime) -> Recorded:
        return Recorded(*release_case(case, HoldKind.STALE_DATA, "connected again, and read anew", now, self.record.actor))
