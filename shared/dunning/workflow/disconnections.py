"""A connection that ended: its cases wait, the team is told once, and all goes on by itself when it is made again.

Who meets it first begins a sweep of that account. The sweep tells the team, tries again every quarter of an hour, and once it has
read the whole book, so that nothing rests on old data, releases what was held.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.domain.case import Case
from dunning.domain.errors import Disconnected
from dunning.domain.holding import release_case
from dunning.domain.holds import HoldKind
from dunning.domain.recording import Recorded
from dunning.workflow.connection_ports import Connections
from dunning.workflow.ports import Clock, Envelope, TeamChannel
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.sweep_ports import SweepQueue, SweepStage

ACCOUNTS = "accounts"
"""The stage with which a sweep begins."""

RELEASED_AT_ONCE = 25
BEGUN_WITHIN = timedelta(minutes=15)
"""A sweep that has told nobody for so long never began, and whoever notices the ended connection next begins it."""

_TELLING_LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Disconnections:
    """Noticing that a connection ended. Raises Retryable."""

    connections: Connections
    sweep_queue: SweepQueue
    clock: Clock

    def noticed(self, ended: Disconnected, customer: str | None = None) -> None:
        """Remember it, with the case that waits for it, if one does; the first to notice begins the sweep that heals it."""
        now = self.clock()
        if customer is not None:
            self.connections.hold(ended.source, ended.account, customer)
        if self.connections.note_ended(ended.source, ended.account, now, BEGUN_WITHIN):
            run = f"{ended.source}:{now:%Y-%m-%dT%H:%M}"
            self.sweep_queue.send(SweepStage(ended.source, run, ACCOUNTS, now, account=ended.account))


@dataclass(frozen=True, slots=True)
class Reconnections:
    """What the sweep does about connections that ended. All raise Retryable."""

    connections: Connections
    record: RecordSnapshot
    team: TeamChannel
    team_name: str

    def tell_once(self, ended: Disconnected) -> None:
        """Tell the team, unless it was told since the connection ended. Should we die in between, it is told twice."""
        now = self.record.clock()
        source, account = ended.source, ended.account
        self.connections.note_ended(source, account, now, BEGUN_WITHIN)
        if not self.connections.take_telling(source, account, now, now + _TELLING_LASTS):
            return
        subject = f"{source} is no longer connected: reminders wait"
        text = (
            f"The connection to {source}, company {account}, does not work: {ended}.\n"
            "Reminders to its customers wait, because nobody can say whether they have paid meanwhile.\n"
            f"Mend it, mostly with `dunning connect {source} --stack NAME`; all goes on by itself then.\n"
        )
        about = f"{source}:{account}"
        self.team.send(self.team_name, subject, text, Envelope("notice", about, (), None, "disconnected", f"disconnected:{about}"))
        self.connections.note_told(source, account)

    def release(self, source: str, account: str) -> bool:
        """Release some of the cases that waited; whether there may be more. Their data must have been read anew before."""
        waiting = self.connections.held(source, account, RELEASED_AT_ONCE)
        for customer in waiting:
            self.record.change(customer, self._released)
            self.connections.forget(source, account, customer)
        if len(waiting) == RELEASED_AT_ONCE:
            return True
        if self.connections.has_ended(source, account):
            self.connections.note_mended(source, account)
        return False

    def _released(self, case: Case, now: datetime) -> Recorded:
        return Recorded(*release_case(case, HoldKind.STALE_DATA, "connected again, and read anew", now, self.record.actor))
