"""Work off one customer whose timer is due: claim, load, check, decide, send, settle (DESIGN §6)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, Claim, EffectState
from dunning.domain.decision import Work, decide, due_invoices, has_gone_out
from dunning.domain.errors import AlreadyClaimed, Conflict, Permanent, Retryable
from dunning.domain.invoice import Invoice, Snapshot
from dunning.domain.policy import Policy
from dunning.domain.recording import Recorder
from dunning.domain.settlement import Done, Settled, Settlement, unfinished
from dunning.workflow.ports import CaseStore, Clock, DeadLetters, InvoiceSource, Policies, Wakeup, Wakeups
from dunning.workflow.sending import Ending, Progress, Sender
from dunning.workflow.sources import recorder_for
from dunning.workflow.waking import MOST_HOPS, NEAR, delay_until, wake_if_near

CLAIM_LASTS = timedelta(minutes=20)
MOST_CRASHES = 5
MOST_RETRIES = 40
"""Refusals in a row, after the first six an hour apart and within the hours of sending: longer than a spent quota lasts."""

_MOST_CONFLICTS = 20

Finish = Callable[[Case], Settled]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the providers said at the last hop before the customer; nothing is sent about an invoice that was not asked for.

    `asked` maps each to the version it had when it was: as long as nobody else has written it since, the answer is newer.
    """

    asked: Mapping[str, int] = field(default_factory=dict)
    snapshots: tuple[Snapshot, ...] = ()
    gone: tuple[str, ...] = ()

    def covers(self, work: Work) -> bool:
        """Whether this work may be carried out now: thanks and notices claim nothing that could have changed."""
        return work.step is None or work.invoice in self.asked


NOTHING_ASKED = Checked()


@dataclass(frozen=True, slots=True)
class RunStep:
    """The use case behind the function run_step."""

    store: CaseStore
    sources: Mapping[str, InvoiceSource]
    policies: Policies
    sender: Sender
    wakeups: Wakeups
    dead_letters: DeadLetters
    clock: Clock
    new_id: Callable[[datetime], str]

    def __call__(self, wakeup: Wakeup) -> str:
        """Look at this customer; answers what was done, for the log. Duplicates and early messages change nothing.

        Raises Retryable when the table cannot be reached: the message must come again.
        """
        now = self.clock()
        claim_id = self.new_id(now)
        try:
            claim = self.store.claim(wakeup.customer, Claim(claim_id, now + CLAIM_LASTS, claim_id), now)
        except AlreadyClaimed as exc:
            return self._not_now(wakeup, exc.due_at, now)
        case = self.store.load(wakeup.customer)
        # What was reported sent since we claimed is in the case only.
        held = case.profile.claim
        if held is None or held.id != claim.id:
            return self._lost(wakeup.customer)
        settlement = Settlement(self._policy_of, now, held)
        if held.attempt > MOST_CRASHES:
            reason = f"{MOST_CRASHES} attempts in a row ended without an answer"
            return self._guarded(wakeup, lambda: self._park(case, settlement, reason))
        return self._guarded(wakeup, lambda: self._work_or_park(case, settlement))

    def _guarded(self, wakeup: Wakeup, act: Callable[[], str]) -> str:
        try:
            return act()
        except AlreadyClaimed:
            return self._lost(wakeup.customer)

    def _work_or_park(self, case: Case, settlement: Settlement) -> str:
        try:
            return self._work(case, settlement)
        except Permanent as exc:
            return self._park(case, settlement, str(exc))

    def _work(self, case: Case, settlement: Settlement) -> str:
        now, claim = settlement.now, settlement.claim
        try:
            checked = self._check(case, now)
        except Retryable:
            self._finish(
                case, settlement, Checked(), (), lambda after: Settled(settlement.postpone(after, unfinished(after, claim.effects, ())))
            )
            return "postponed: the provider cannot be reached"
        fresh, _ = _taken_in(case, checked, self._recorder(case, now))
        works = [work for work in decide(fresh, self._policy_of, now) if checked.covers(work) or has_gone_out(work, claim.effects)]
        progress = self.sender.send(works, fresh, claim, now)
        if progress.ending is Ending.FAILED:
            return self._park(case, settlement, progress.failure, checked, progress)
        if progress.ending is Ending.REFUSED and case.profile.retries >= MOST_RETRIES:
            return self._park(case, settlement, f"refused {MOST_RETRIES} times in a row", checked, progress)

        def left(after: Case) -> dict[str, EffectState]:
            return unfinished(after, progress.effects, progress.done)

        endings: dict[Ending, Finish] = {
            Ending.COMPLETE: lambda after: Settled(settlement.release(after, works)),
            Ending.REFUSED: lambda after: Settled(settlement.postpone(after, left(after))),
            Ending.UNKNOWN: lambda after: Settled(settlement.keep(after, left(after))),
        }
        self._finish(case, settlement, checked, progress.done, endings[progress.ending])
        return f"{progress.ending.value}: {len(progress.done)} of {len(works)}"

    def _park(
        self, case: Case, settlement: Settlement, reason: str, checked: Checked = NOTHING_ASKED, progress: Progress | None = None
    ) -> str:
        """Dead letter first: should we die between the two, it comes twice rather than never."""
        self.dead_letters.send(Wakeup(case.profile.customer), reason)
        done = progress.done if progress else ()
        effects = progress.effects if progress else settlement.claim.effects
        self._finish(case, settlement, checked, done, lambda after: settlement.park(after, reason, unfinished(after, effects, done)))
        return f"parked: {reason}"

    def _finish(self, case: Case, settlement: Settlement, checked: Checked, done: tuple[Done, ...], finish: Finish) -> None:
        """Settle in one transaction; when others wrote meanwhile, load again and compute again. Raises AlreadyClaimed."""
        for _ in range(_MOST_CONFLICTS):
            taken_in, recorded = _taken_in(case, checked, self._recorder(case, settlement.now))
            worked = settlement.apply(taken_in, done)
            finished = finish(worked.case)
            activities = (*recorded, *worked.activities, *finished.activities)
            try:
                self.store.save(case, finished.case, activities, claim_id=settlement.claim.id)
            except Conflict:
                case = self.store.load(case.profile.customer)
                continue
            wake_if_near(self.wakeups, finished.case, self.clock())
            return
        raise Retryable(f"case {case.profile.customer} changes faster than it can be settled")

    def _check(self, case: Case, now: datetime) -> Checked:
        """Ask the provider what is still owed: one due invoice is read, of several the customer's open ones are listed."""
        due = due_invoices(case, now)
        if not due:
            return Checked()
        asked = {invoice.id: invoice.version for invoice in due}
        source = self.sources.get(due[0].source)
        if source is None:
            return Checked(asked)
        listed = {snapshot.invoice_id: snapshot for snapshot in source.open_invoices_of(case.profile.customer)} if len(due) > 1 else {}
        # Of the list only what is due is taken in: all of it might not fit into the one transaction that settles.
        found = {invoice.id: listed.get(invoice.id) or source.fetch(invoice.id) for invoice in due}
        snapshots = tuple(snapshot for snapshot in found.values() if snapshot)
        return Checked(asked, snapshots, tuple(invoice_id for invoice_id, snapshot in found.items() if snapshot is None))

    def _not_now(self, wakeup: Wakeup, due_at: datetime | None, now: datetime) -> str:
        """Not due, or held: one that came early is sent again with what remains; all else the wheel finds."""
        if due_at is not None and now < due_at <= now + NEAR and wakeup.hops < MOST_HOPS:
            self.wakeups.send([Wakeup(wakeup.customer, delay_until(due_at, now), wakeup.hops + 1)])
            return "early"
        return "nothing due, or held by another"

    def _lost(self, customer: str) -> str:
        """The claim is gone: another took over, or our own settling went through and its answer was lost."""
        wake_if_near(self.wakeups, self.store.load(customer), self.clock())
        return "claim lost"

    def _recorder(self, case: Case, now: datetime) -> Recorder:
        return recorder_for(case.profile.customer, self.policies, now, "run_step")

    def _policy_of(self, invoice: Invoice) -> Policy:
        return self.policies.named(invoice.policy)


def _taken_in(case: Case, checked: Checked, recorder: Recorder) -> tuple[Case, tuple[Activity, ...]]:
    activities: list[Activity] = []
    for snapshot in checked.snapshots:
        known = case.invoices.get(snapshot.invoice_id)
        untouched = known is not None and known.version == checked.asked.get(known.id)
        recorded = recorder.record(case, snapshot, fetched=untouched)
        activities += [*recorded.activities, *_suppressed(case, recorded.case, snapshot.invoice_id, recorder)]
        case = recorded.case
    for invoice_id in checked.gone:
        recorded = recorder.closed_as_unknown(case, invoice_id)
        activities += [*recorded.activities, *_suppressed(case, recorded.case, invoice_id, recorder)]
        case = recorded.case
    return case, tuple(activities)


def _suppressed(before: Case, after: Case, invoice_id: str, recorder: Recorder) -> tuple[Activity, ...]:
    """A reminder that the last check kept back is a decision, too."""
    known, now = before.invoices.get(invoice_id), after.invoices.get(invoice_id)
    if known is None or now is None or known.next_step is None or now.is_open:
        return ()
    reason = f"the last check before sending found it {now.status.value}"
    return (Activity(recorder.now, ActivityType.SUPPRESSED, reason, (invoice_id,), known.next_step, recorder.actor),)
