"""While SES's quota is spent, nobody is mailed before those who have waited longer, as far as the wheel's last turn has found any."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.workflow.dispatch_due import AT_THE_LATEST, Dispatched
from dunning.workflow.wheel_ports import DueTimer
from tests.fakes.case_store import MemoryCaseStore
from tests.simulation.cloud import Cloud
from tests.simulation.records import Accepted, Records

AN_HOUR = timedelta(hours=1)
CLOCKS_APART = timedelta(seconds=100)


@dataclass(frozen=True, slots=True)
class Found:
    """What a turn that has ended let wait: known since `at`, and sure until the full hour behind it must have come."""

    turn: datetime
    at: datetime
    until: datetime
    timers: tuple[DueTimer, ...]


class InTurn:
    """Looks on as the wheel turns and mails are taken."""

    def __init__(self, cloud: Cloud, records: Records, store: MemoryCaseStore) -> None:
        self._cloud = cloud
        self._records = records
        self._store = store
        self._found: Found | None = None

    def turn_begins(self) -> Found | None:
        """While a turn runs, nobody can say who may go: it tells what was known before."""
        before, self._found = self._found, None
        return before

    def turned(self, turn: datetime, dispatched: Dispatched, before: Found | None) -> None:
        """A turn has ended well."""
        if dispatched == Dispatched(0, 0):
            self._found = before
        elif dispatched.deferred and not dispatched.sent:
            now = self._cloud.true_time()
            until = turn.replace(minute=0) + AN_HOUR + AT_THE_LATEST
            self._found = Found(turn, now, until, tuple(self._cloud.invocation.found))

    def accepted(self, message: Accepted) -> None:
        """SES took a mail. What the wheel let go, what had its second, and what could not read the note is free to go."""
        found, invocation = self._found, self._cloud.invocation
        case = invocation.loaded
        if found is None or case is None or message.channel != "email" or invocation.asked_in_vain:
            return
        claim, since, now = case.profile.claim, case.profile.due_since, self._cloud.true_time()
        if invocation.let_go is not None and invocation.let_go == since:
            return
        had_its_second = claim is not None and claim.mail_at is not None
        if had_its_second or since is None or invocation.began is None or invocation.began <= found.at or now >= found.until - CLOCKS_APART:
            return
        for timer in found.timers:
            if (timer.due_since, timer.customer) < (since, case.profile.customer) and self._waits(timer, now):
                about = f"{now:%d %b %H:%M:%S} {message.envelope.effect} of {case.profile.customer} was mailed"
                first = f"{timer.customer} has waited since {timer.due_since:%d %b %H:%M:%S}, as the turn at {found.turn:%H:%M} found"
                self._records.violated(f"{about}, though {first}")

    def _waits(self, timer: DueTimer, now: datetime) -> bool:
        profile = self._store.load(timer.customer).profile
        is_due = profile.due_at is not None and profile.due_at <= now
        return is_due and profile.due_since == timer.due_since and not profile.claimed_at(now)
