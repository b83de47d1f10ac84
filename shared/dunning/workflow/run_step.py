"""Work off one customer whose timer is due: claim, load, check, decide, send, settle (DESIGN §6)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, Claim
from dunning.domain.decision import decide, has_gone_out
from dunning.domain.effects import marks_by_row, marks_of
from dunning.domain.errors import AlreadyClaimed, Conflict, Disconnected, NotYet, OthersFirst, Permanent, Retryable, Unforeseen, Unreadable
from dunning.domain.holding import set_aside
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Invoice
from dunning.domain.netting import covered, net_of
from dunning.domain.part_payments import without_marks_of_before
from dunning.domain.planning import stands_still
from dunning.domain.policy import Policy
from dunning.domain.recording import Recorder
from dunning.domain.run_out import run_out_ended
from dunning.domain.settlement import Done, Settled, Settlement, is_progress, unfinished
from dunning.domain.without_mail import decide_without_mail, first_without_mail, standing
from dunning.domain.works import Work
from dunning.workflow.disconnections import Disconnections
from dunning.workflow.first_contacts import FirstContacts
from dunning.workflow.last_check import NOTHING_ASKED, Checked, LastCheck, halves, in_parts, taken_in, why_unread
from dunning.workflow.moving_port import CaseChange
from dunning.workflow.parking_port import ParkingStore
from dunning.workflow.ports import Clock, DeadLetters, Policies, Wakeup, Wakeups
from dunning.workflow.sending import Ending, Progress, Sender
from dunning.workflow.sources import recorder_for
from dunning.workflow.unforeseen import foreseen
from dunning.workflow.waking import MOST_HOPS, NEAR, delay_until, wake_if_near

CLAIM_LASTS = timedelta(minutes=20)
MOST_CRASHES = 5
MOST_RETRIES = 40
"""Refusals in a row, after the first six an hour apart and within the hours of sending: longer than a spent quota lasts."""

MOST_SET_ASIDE = 5
"""Invoices of a customer that are parked by themselves at once: with all else they must fit into one transaction."""

_MOST_CONFLICTS = 20
_NEXT_PART = timedelta(seconds=1)

Finish = Callable[[Case], Settled]


@dataclass(frozen=True, slots=True)
class RunStep:
    """The use case behind the function run_step."""

    store: ParkingStore
    check: LastCheck
    policies: Policies
    sender: Sender
    wakeups: Wakeups
    dead_letters: DeadLetters
    clock: Clock
    new_id: Callable[[datetime], str]
    disconnections: Disconnections
    first_contacts: FirstContacts

    def __call__(self, wakeup: Wakeup) -> str:
        """Look at this customer; answers what was done, for the log. Duplicates and early messages change nothing.

        Raises Retryable when the table cannot be reached: the message must come again.
        """
        now = self.clock()
        claim_id = self.new_id(now)
        try:
            return self._looked_at(wakeup, claim_id, now)
        except Unreadable as exc:
            return self._park_as_it_lies(wakeup.customer, claim_id, str(exc), now)

    def _looked_at(self, wakeup: Wakeup, claim_id: str, now: datetime) -> str:
        try:
            claim = self.store.claim(wakeup.customer, Claim(claim_id, now + CLAIM_LASTS, claim_id), now)
        except AlreadyClaimed as exc:
            return self._not_now(wakeup, exc.due_at, now)
        case = self._load(wakeup.customer)
        # What was reported sent since we claimed is in the case only.
        held = case.profile.claim
        if held is None or held.id != claim.id:
            return self._lost(wakeup.customer)
        settlement = Settlement(self._policy_of, now, held, looks_again=True)
        if held.attempt > MOST_CRASHES:
            reason = f"{MOST_CRASHES} attempts in a row ended without an answer"
            return self._park_as_it_lies(wakeup.customer, claim_id, reason, now)
        try:
            return self._work_or_park(case, settlement, wakeup)
        except AlreadyClaimed:
            return self._lost(wakeup.customer)

    def _work_or_park(self, case: Case, settlement: Settlement, wakeup: Wakeup) -> str:
        try:
            return foreseen(lambda: self._work(case, settlement, wakeup))
        except Unreadable:
            raise
        except Permanent as exc:
            return self._park(case, settlement, str(exc))
        except Unforeseen as exc:
            if settlement.claim.attempt < MOST_CRASHES:
                raise
            reason = f"{MOST_CRASHES} attempts in a row failed, the last as {exc}"
            return self._park_as_it_lies(case.profile.customer, settlement.claim.id, reason, settlement.now)

    def _work(self, case: Case, settlement: Settlement, wakeup: Wakeup) -> str:
        now, claim = settlement.now, settlement.claim
        besides = frozenset[str]()
        if wakeup.without_mail:
            is_there, besides = self._needs_no_mail(case, settlement)
            if not is_there:
                nothing = Progress((), marks_by_row(claim.effects), Ending.WAITING)
                self._finish(case, settlement, NOTHING_ASKED, nothing, _waiting(settlement, nothing))
                return "waiting: for SES's quota"
        try:
            checked = self.check(case, now, besides)
        except Disconnected as exc:
            nothing = Progress((), marks_by_row(claim.effects), Ending.REFUSED)
            return self._wait_for_connection(case, settlement, exc, NOTHING_ASKED, nothing)
        except Retryable as exc:
            nothing = Progress((), marks_by_row(claim.effects), Ending.REFUSED)
            self._finish(case, settlement, NOTHING_ASKED, nothing, _postponed(settlement, nothing, exc, asked=True))
            return f"postponed: {'its turn comes later' if isinstance(exc, NotYet) else 'the provider cannot be reached'}"
        if checked.is_part:
            nothing = Progress((), marks_by_row(claim.effects), Ending.REFUSED)
            because = NotYet("there are more payment links to read", self.clock() + _NEXT_PART)
            self._finish(case, settlement, checked, nothing, _postponed(settlement, nothing, because))
            return f"postponed: {because}"
        fresh, _ = taken_in(case, checked, self._recorder(case, settlement))
        marks = marks_by_row(claim.effects)
        net = net_of(fresh, covered(fresh, checked.standing.credit)) if checked.has_standing else fresh

        def may_go(work: Work) -> bool:
            return checked.covers(work) or has_gone_out(work, marks)

        if wakeup.without_mail:
            works, waits = decide_without_mail(net, self._policy_of, now, marks, may_go, besides)
        else:
            works, waits = decide(net, self._policy_of, now, may_go), False
        try:
            works = self.first_contacts(works, net, now)
        except Retryable:
            nothing = Progress((), marks_by_row(claim.effects), Ending.REFUSED)
            self._finish(case, settlement, NOTHING_ASKED, nothing, _postponed(settlement, nothing))
            return "postponed: the places of the day cannot be told"
        let_go = wakeup.let_go is not None and wakeup.let_go == case.profile.due_since
        progress = self.sender.send(works, net, claim, now, let_go=let_go)
        if waits and progress.ending is Ending.COMPLETE:
            progress = replace(progress, ending=Ending.WAITING)
        try:
            result = self._put_down(case, settlement, checked.with_charged(progress.charged), progress, works)
        except Unreadable:
            raise
        except Permanent as exc:
            # Refused was what was to be put down, not that it went out: nothing is put down, and all that is known is kept.
            return self._park(case, settlement, str(exc), progress=replace(progress, done=()))
        self._look_again(case, wakeup, progress, now)
        return result

    def _needs_no_mail(self, case: Case, settlement: Settlement) -> tuple[bool, frozenset[str]]:
        """Whether something is due that sends no mail, by what is stored: else its source need not be asked. And past which it is found."""
        _, ended = run_out_ended(case, settlement.now, settlement.actor)
        works, waits, besides = first_without_mail(case, self._policy_of, settlement.now, marks_by_row(settlement.claim.effects))
        return bool(works or ended or not waits), besides

    def _look_again(self, before: Case, wakeup: Wakeup, progress: Progress, now: datetime) -> None:
        """Where more needs no mail than one look does, for the wheel comes once an hour; not where the last look changed nothing."""
        if not (wakeup.without_mail and progress.ending is Ending.WAITING and progress.done) or wakeup.hops >= MOST_HOPS:
            return
        case = self._load(before.profile.customer)
        if stands_still(before, case, now):
            return
        if first_without_mail(case, self._policy_of, now, marks_of(case.profile))[0]:
            self.wakeups.send([Wakeup(wakeup.customer, hops=wakeup.hops + 1, without_mail=True)])

    def _put_down(self, case: Case, settlement: Settlement, checked: Checked, progress: Progress, works: Sequence[Work]) -> str:
        if progress.ending is Ending.FAILED:
            return self._park(case, settlement, progress.failure, checked, progress)
        unread = {name: why for name, why in checked.unread.items() if HoldKind.PARKED not in case.invoices[name].holds}
        if progress.ending is Ending.COMPLETE and unread:
            return self._set_aside(case, settlement, unread, checked, progress, works)
        if isinstance(progress.because, Disconnected):
            return self._wait_for_connection(case, settlement, progress.because, checked, progress)
        if progress.ending is Ending.COMPLETE and self._is_in_vain(case, settlement, checked, progress, works):
            progress = replace(progress, ending=Ending.REFUSED, failure="what is due was done and is due again, with nothing changed")
        in_a_row = progress.ending is Ending.REFUSED and not isinstance(progress.because, NotYet) and not is_progress(_far(progress))
        if in_a_row and case.profile.retries >= MOST_RETRIES:
            reason = f"refused {MOST_RETRIES} times in a row" + (f": {progress.failure}" if progress.failure else "")
            return self._park(case, settlement, reason, checked, progress)

        endings: dict[Ending, Finish] = {
            Ending.COMPLETE: _released(settlement, progress, works),
            Ending.WAITING: _waiting(settlement, progress),
            Ending.REFUSED: _postponed(settlement, progress, progress.because),
            Ending.UNKNOWN: _kept(settlement, progress, progress.done),
        }
        self._finish(case, settlement, checked, progress, endings[progress.ending])
        return f"{progress.ending.value}: {len(progress.done)} of {len(works)}"

    def _is_in_vain(self, case: Case, settlement: Settlement, checked: Checked, progress: Progress, works: Sequence[Work]) -> bool:
        """Whether all would be put down and the customer be due again at once as if nothing had been: without a pause that never ends."""
        fresh, _ = taken_in(case, checked, self._recorder(case, settlement))
        worked = settlement.apply(replace(fresh, covered=covered(fresh, checked.standing.credit)), progress.done)
        return stands_still(case, _released(settlement, progress, works)(worked.case).case, settlement.now)

    def _wait_for_connection(self, case: Case, settlement: Settlement, ended: Disconnected, checked: Checked, far: Progress) -> str:
        """Nobody can say what is still owed, or a fee cannot be written: the case is held.

        Put on the list of those that wait first, lest it is forgotten.

        Where only this one call is refused, it is tried again later. What of this run is done, `far`, is put down and not repeated.
        """
        try:
            is_held = self.disconnections.noticed(ended, case.profile.customer)
        except Retryable:
            if checked is NOTHING_ASKED:
                raise
            # What has gone out is put down now, lest it goes out again; the next attempt notices.
            is_held = False
        if not is_held:
            self._finish(case, settlement, checked, far, _postponed(settlement, far, ended))
            return "postponed: the provider does not permit it"
        reason = f"{ended.source} is not connected"
        self._finish(case, settlement, checked, far, lambda after: settlement.wait(after, reason, unfinished(after, far.effects, far.done)))
        return "held: the provider is not connected"

    def _park(
        self, case: Case, settlement: Settlement, reason: str, checked: Checked = NOTHING_ASKED, progress: Progress | None = None
    ) -> str:
        """Dead letter first: should we die between the two, it comes twice rather than never."""
        self.dead_letters.send(Wakeup(case.profile.customer), reason)
        far = progress or Progress((), marks_by_row(settlement.claim.effects), Ending.FAILED)
        self._finish(case, settlement, checked, far, lambda after: settlement.park(after, reason, unfinished(after, far.effects, far.done)))
        return f"parked: {reason}"

    def _set_aside(
        self, case: Case, settlement: Settlement, unread: Mapping[str, str], checked: Checked, far: Progress, works: Sequence[Work]
    ) -> str:
        """What cannot be read is parked by itself, and its siblings go on. Dead letter first, as in `_park`.

        Where there are many, or only a claim remembers what has gone out, or may be reported yet (`Settlement.park`), all of the case is.
        """
        reason = why_unread(unread)
        is_remembered = settlement.claim.attempt > 1 or unfinished(case, far.effects, far.done)
        if is_remembered or len(unread) > MOST_SET_ASIDE:
            return self._park(case, settlement, reason, checked, far)
        self.dead_letters.send(Wakeup(case.profile.customer), reason)

        def finish(after: Case) -> Settled:
            without, held = set_aside(after, unread, reason, settlement.now, settlement.actor)
            settled = _released(settlement, far, works)(without)
            return Settled(settled.case, (*held, *settled.activities))

        self._finish(case, settlement, checked, far, finish)
        return f"{far.ending.value}: {len(far.done)} of {len(works)}; {len(unread)} parked: {reason}"

    def _park_as_it_lies(self, customer: str, claim_id: str, reason: str, now: datetime) -> str:
        """What cannot be read, or what we fail at again and again, is not settled but only held; dead letter first, as in `_park`."""
        self.dead_letters.send(Wakeup(customer), reason)
        logged = Activity(now, ActivityType.HELD, f"{HoldKind.PARKED.value}: {reason}", (), None, "run_step", claim=claim_id)
        for _ in range(_MOST_CONFLICTS):
            try:
                self.store.park_as_it_lies(customer, claim_id, Hold(now, reason=reason), logged)
            except Conflict:
                continue
            except AlreadyClaimed:
                return "claim lost"
            return f"parked: {reason}"
        raise Retryable(f"case {customer} changes faster than it can be parked")

    def _finish(self, case: Case, settlement: Settlement, checked: Checked, progress: Progress, finish: Finish) -> None:
        """Settle in one transaction, or in several where there is too much for one. Raises AlreadyClaimed.

        Until the last of them the claim stays, and holds what has gone out: whoever takes over puts the rest down.
        """
        part, *left = in_parts(checked, progress.done)
        put_down: tuple[Done, ...] = ()
        while True:
            some, done = part
            then = _kept(settlement, progress, (*put_down, *done)) if left else finish
            smaller = halves(part)
            if not self._settle(case, settlement, some, done, then, is_one=len(smaller) == 1):
                part, *left = *smaller, *left
                continue
            if not left:
                return
            put_down += done
            case = self._load(case.profile.customer)
            part, *left = left

    def _settle(
        self, case: Case, settlement: Settlement, checked: Checked, done: tuple[Done, ...], finish: Finish, *, is_one: bool
    ) -> bool:
        """One transaction; when others wrote meanwhile, load again and compute again. False: it is too much for one, unless it `is_one`,
        which cannot be made smaller.
        """
        for _ in range(_MOST_CONFLICTS):
            fresh, recorded = taken_in(case, checked, self._recorder(case, settlement))
            worked = settlement.apply(replace(fresh, covered=covered(fresh, checked.standing.credit)), done)
            finished = finish(worked.case)
            change = CaseChange(case, finished.case, (*recorded, *worked.activities, *finished.activities))
            if not (change.fits or is_one):
                return False
            try:
                self.store.save(case, finished.case, change.activities, claim_id=settlement.claim.id)
            except Conflict:
                case = self._load(case.profile.customer)
                continue
            if not finished.for_the_wheel:
                wake_if_near(self.wakeups, finished.case, self.clock())
            return True
        raise Retryable(f"case {case.profile.customer} changes faster than it can be settled")

    def _not_now(self, wakeup: Wakeup, due_at: datetime | None, now: datetime) -> str:
        """Not due, or held: one that came early is sent again with what remains; all else the wheel finds."""
        if due_at is not None and now < due_at <= now + NEAR and wakeup.hops < MOST_HOPS:
            self.wakeups.send([replace(wakeup, delay=delay_until(due_at, now), hops=wakeup.hops + 1)])
            return "early"
        return "nothing due, or held by another"

    def _lost(self, customer: str) -> str:
        """The claim is gone: another took over, or our own settling went through and its answer was lost."""
        try:
            case = self._load(customer)
        except Unreadable:
            return "claim lost"  # whoever has it finds that out, and says so
        wake_if_near(self.wakeups, case, self.clock())
        return "claim lost"

    def _load(self, customer: str) -> Case:
        return without_marks_of_before(self.store.load(customer))

    def _recorder(self, case: Case, settlement: Settlement) -> Recorder:
        # Of what is settled in one transaction there may be as much as fits: others' invoices are reviewed elsewhere.
        recorder = recorder_for(case.profile.customer, self.policies, settlement.now, "run_step")
        inherited = replace(case.profile, claim=settlement.claim)
        return replace(recorder, reviews=0, claim=settlement.claim.id, inherited=inherited)

    def _policy_of(self, invoice: Invoice) -> Policy:
        return self.policies.named(invoice.policy)


def _released(settlement: Settlement, progress: Progress, works: Sequence[Work]) -> Finish:
    """Unless something was reported sent meanwhile that an earlier claim began: with the claim, that would be forgotten."""

    def finish(after: Case) -> Settled:
        left = unfinished(after, progress.effects, progress.done)
        late = {row: state for row, state in left.items() if row not in progress.effects}
        return Settled(settlement.hand_on(after, late) if late else settlement.release(after, works))

    return finish


def _waiting(settlement: Settlement, progress: Progress, turn_at: datetime | None = None) -> Finish:
    done = progress.done
    return lambda after: standing(settlement, after, unfinished(after, progress.effects, done), done, turn_at)


def _kept(settlement: Settlement, progress: Progress, put_down: tuple[Done, ...]) -> Finish:
    return lambda after: Settled(settlement.keep(after, unfinished(after, progress.effects, put_down), put_down))


def _postponed(settlement: Settlement, progress: Progress, because: Retryable | None = None, *, asked: bool = False) -> Finish:
    done = progress.done
    if isinstance(because, OthersFirst):
        return _waiting(settlement, progress, because.turn_at)
    put_down = _far(progress)
    return lambda after: Settled(settlement.postpone(after, unfinished(after, progress.effects, done), because, put_down, asked=asked))


def _far(progress: Progress) -> tuple[Done, ...]:
    """What counts as progress: nothing of what was done in vain."""
    return () if progress.failure else progress.done
