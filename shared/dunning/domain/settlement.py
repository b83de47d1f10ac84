"""What a claim's work leaves behind: levels, the next timer, activities. Pure, so that a lost race can compute it again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.domain import approval
from dunning.domain.activity import Activity, ActivityType, joined, with_skips_joined
from dunning.domain.balances import balance_in
from dunning.domain.bounds import with_notice
from dunning.domain.case import Case, Claim, EffectState, Mark, Notice
from dunning.domain.charging import NO_LATE_FEE, fee_as_it_stands, in_words, lapsed, money_in_words, proposal_key, riders
from dunning.domain.consolidation import PolicyOf, sharing
from dunning.domain.effects import Channel, Effect, marks_by_row, marks_of, rows_of
from dunning.domain.errors import MailLater, NotYet, Retryable
from dunning.domain.evolving import replace
from dunning.domain.fee_invoices import with_fee_found
from dunning.domain.fee_records import FeeState
from dunning.domain.fees import FeeRefused, LateFee
from dunning.domain.holding import hold_case
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Approval, ApprovalState, Invoice, Status
from dunning.domain.money import Money
from dunning.domain.part_payments import started_again
from dunning.domain.planning import (
    LONGEST_BACKOFF,
    MOST_DOUBLINGS,
    as_it_stands,
    backoff,
    ended,
    next_instant,
    place_in_line,
    planned,
    question_key,
    waits_since,
    with_thanks,
    without_moot_tasks,
)
from dunning.domain.policy import Policy, Scope, Step
from dunning.domain.recipients import why_unreachable
from dunning.domain.timing import days_overdue
from dunning.domain.works import OUTRUN, Verdict, Work, ran_at, reminders_in

MOST_REMEMBERED = 32
"""As many reminders as a policy's limit may count; the profile must not grow for ever."""


@dataclass(frozen=True, slots=True)
class Done:
    """A work that is finished, with what is worth saying of single effects (key → note)."""

    work: Work
    notes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Settled:
    """The case after a claim, and what to log. `for_the_wheel`: no message of its own tells of its timer."""

    case: Case
    activities: tuple[Activity, ...] = ()
    for_the_wheel: bool = False


LOOKS_AGAIN_AFTER = timedelta(days=1)

LONGEST_AT_A_LIMIT = timedelta(minutes=8)
"""A source that said when it takes requests again is asked sooner than one that does not answer."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """How works done under a claim are put down. `actor` is who is logged.

    `looks_again`: what waits for a person's answer is looked at again after a day; a rehearsal has nobody to ask.
    """

    policy_of: PolicyOf
    now: datetime
    claim: Claim
    actor: str = "run_step"
    looks_again: bool = False

    def apply(self, case: Case, done: Sequence[Done]) -> Settled:
        """Levels, plans and activities of the works; the profile is left to `release`, `postpone` or `keep`."""
        activities: list[Activity] = []
        together: list[Activity] = []
        for one in done:
            if one.work.verdict is Verdict.NOTIFY:
                case, logged = self._notified(case, one.work)
                activities += logged
                continue
            invoice = case.invoices.get(one.work.invoice)
            if invoice is None:
                continue
            if one.work.verdict is Verdict.CHARGE:
                case, charged = self._charged(case, one)
                activities += charged
                continue
            if one.work.verdict is Verdict.ASK:
                case, logged = self._asked(case, invoice, one.work)
                activities += logged
                continue
            after, logged = self._after(case, invoice, one)
            proposed = _with_proposal(case.with_invoice(after), after, one.work.step, self.now)
            case, ending = ended(proposed, invoice, after, self.now, self.actor)
            if _is_joint(one.work) or (one.work.begun and self.policy_of(invoice).scope is Scope.CUSTOMER):
                together += logged
            else:
                activities += logged
            activities += ending
        return Settled(without_moot_tasks(self._reminded(case, done)), with_skips_joined((*joined(together), *activities)))

    def _reminded(self, case: Case, done: Sequence[Done]) -> Case:
        """When reminders went out, for gaps and limits: an instant for each."""
        instants = reminders_in([one.work for one in done], self._marks, self.now, sharing(case, self.policy_of))
        if not instants:
            return case
        recent = tuple(sorted((*case.profile.reminded_at, *instants)))[-MOST_REMEMBERED:]
        return case.with_profile(replace(case.profile, reminded_at=recent))

    @property
    def _marks(self) -> Mapping[str, Mark]:
        """What had gone out before, under claims that never settled it."""
        return marks_by_row(self.claim.effects)

    def _ran_at(self, work: Work) -> datetime:
        return ran_at(work, self._marks, self.now)

    def release(self, case: Case, works: Sequence[Work] = ()) -> Case:
        """The claim ended; the timer stands at the next instant. What was only moved, for the hour, leaves its refusals counted, and
        has waited since it fell due."""
        only_moved = bool(works) and all(work.verdict in (Verdict.MOVE, Verdict.SUPPRESS) for work in works)
        profile, retries = case.profile, case.profile.retries if only_moved else 0
        stands = as_it_stands(case.with_profile(replace(profile, claim=None)), self.policy_of, self.now)
        look_at = self._next_look(case) if self.looks_again else profile.look_at
        due_at = next_instant(stands.with_profile(replace(stands.profile, look_at=look_at)), self.policy_of)
        still_waits = only_moved and any(work.verdict is Verdict.MOVE and work.move_to == due_at for work in works)
        due_since = profile.due_since or due_at if still_waits else waits_since(case, due_at)
        return case.with_profile(replace(profile, claim=None, retries=retries, look_at=look_at, due_at=due_at, due_since=due_since))

    def _next_look(self, case: Case) -> datetime | None:
        """Kept while a hold lasts, at whose end what was asked waits again."""
        if not any(invoice.is_open and approval.waits_for_approval(invoice) for invoice in case.invoices.values()):
            return None
        known = case.profile.look_at
        return known if known is not None and known > self.now else self.now + LOOKS_AGAIN_AFTER

    def hand_on(self, case: Case, effects: Mapping[str, Mark]) -> Case:
        """All is settled, but of something else it was reported meanwhile that it had gone out: the next claim puts that down, at once."""
        spent = self.claim.spent(self.now, effects)
        return case.with_profile(replace(case.profile, claim=spent, retries=0, due_at=self.now, due_since=self.now))

    def postpone(
        self, case: Case, effects: Mapping[str, Mark], because: Retryable | None = None, done: Sequence[Done] = (), *, asked: bool = False
    ) -> Case:
        """Try again later. What was already done stays on the spent claim, for the next one to inherit; no crash is counted, and where
        something that went out was put down (`done`), neither crashes nor refusals of before.

        `because`: one that is NotYet has its place in the line, and waits for that as often as it must. A source that is only at
        its limit, and takes requests again at `retry_at`, is worth another look soon: the hours of sending pass. One that does not
        answer what it is asked (`asked`) refuses nobody a message: it counts no further than the pauses grow.
        """
        profile = replace(case.profile, due_since=place_in_line(case, self.policy_of, self.now)) if done else case.profile
        kept = because.turn_at if isinstance(because, MailLater) else None
        crashes = 0 if is_progress(done) else self.claim.attempt - 1
        spent = self.claim.spent(self.now, effects, crashes, kept)
        latest = self.now + LONGEST_BACKOFF
        if kept is not None:
            return case.with_profile(replace(profile, claim=spent, due_at=min(kept, latest)))
        if isinstance(because, NotYet):
            waiting = replace(profile, claim=spent, retries=max(profile.retries, 1), due_at=min(because.turn_at, latest))
            return case.with_profile(waiting)
        in_a_row = 0 if is_progress(done) else profile.retries
        due_at = self.now + backoff(in_a_row)
        if because is not None and because.retry_at is not None:
            due_at = min(max(because.retry_at, self.now + min(backoff(in_a_row), LONGEST_AT_A_LIMIT)), latest)
        retries = max(in_a_row, min(in_a_row + 1, MOST_DOUBLINGS)) if asked else in_a_row + 1
        return case.with_profile(replace(profile, claim=spent, retries=retries, due_at=due_at))

    def keep(self, case: Case, effects: Mapping[str, Mark], done: Sequence[Done] = ()) -> Case:
        """An outcome is unknown: the claim stays, with what is known, until it runs out and the next one takes over.

        Where something was put down under it (`done`), it is no poison: the count of attempts begins anew, with this one.
        """
        kept = replace(self.claim, effects=effects, attempt=1 if is_progress(done) else self.claim.attempt)
        return case.with_profile(replace(case.profile, claim=kept, due_at=self.claim.until))

    def park(self, case: Case, reason: str, effects: Mapping[str, Mark]) -> Settled:
        """No retry will help: hold the case until that is mended. What was done, and may be reported yet, is remembered until then."""
        holds = {**case.profile.holds, HoldKind.PARKED: Hold(self.now, reason=reason)}
        is_needed = bool(effects) or self.claim.attempt > 1
        spent = self.claim.spent(self.now, effects) if is_needed else None
        profile = replace(case.profile, claim=spent, retries=0, holds=holds, due_at=None, due_since=None)
        held = Activity(self.now, ActivityType.HELD, f"{HoldKind.PARKED.value}: {reason}", (), None, self.actor, claim=self.claim.origin)
        return Settled(case.with_profile(profile), (held,))

    def wait(self, case: Case, reason: str, effects: Mapping[str, Mark]) -> Settled:
        """Nothing can be known of what is owed: hold the case until its source answers again. What was done stays on the spent claim."""
        held, logged = hold_case(case, HoldKind.STALE_DATA, Hold(self.now, reason=reason), self.actor)
        spent = self.claim.spent(self.now, effects) if effects else None
        waiting = held.with_profile(replace(held.profile, claim=spent, retries=0))
        due_at = next_instant(as_it_stands(waiting, self.policy_of, self.now), self.policy_of)
        return Settled(waiting.with_profile(replace(waiting.profile, due_at=due_at, due_since=due_at)), logged)

    def _charged(self, case: Case, one: Done) -> tuple[Case, tuple[Activity, ...]]:
        """A fee's own invoice, once recorded, says that it was charged; and where that could not be taken in, the source's answer does."""
        found = next((one.notes[effect.key] for effect in one.work.effects if effect.key in one.notes), None)
        if found is None or one.work.step is None:
            return case, ()
        return with_fee_found(case, one.work.invoice, one.work.step, found, self.now, self.actor)

    def _notified(self, case: Case, work: Work) -> tuple[Case, list[Activity]]:
        notice = case.profile.notices.get(work.invoice)
        if notice is None:
            return case, []
        left = {key: other for key, other in case.profile.notices.items() if key != work.invoice}
        told = Activity(self.now, ActivityType.NOTIFIED, work.reason, notice.invoices, None, self.actor, "team", self.claim.origin)
        return case.with_profile(replace(case.profile, notices=left)), [told]

    def _asked(self, case: Case, invoice: Invoice, work: Work) -> tuple[Case, list[Activity]]:
        """The step waits from now on; the question itself goes to the team as a notice, at once."""
        if not invoice.is_open or invoice.next_step != work.step or work.step is None:
            return case, []
        asked = replace(invoice, approval=self._asked_about(case, invoice, work.step, together=bool(work.together)))
        named = work.together or (invoice.id,)
        if named[1:] and any((one.reason, one.invoices) == (work.reason, named) for one in case.profile.notices.values()):
            return case.with_invoice(asked), []  # the first of them that is still open carries the question
        profile = with_notice(case.profile, question_key(invoice.id), Notice(work.reason, self.now, named))
        amount = asked.approval.amount if asked.approval else invoice.amount_due
        needs = f"one message about {approval.counted(len(named))}"
        if not work.together:
            needs = approval.in_words(Money(amount, invoice.currency))
        waits = replace(self._log(ActivityType.HELD, work, f"approval: {needs} needs a person's approval"), invoices=named)
        return case.with_invoice(asked).with_profile(profile), [waits]

    @staticmethod
    def _asked_about(case: Case, invoice: Invoice, step: str, *, together: bool) -> Approval:
        """What is put down is what the message would have asked for, as it was decided on: less the customer's credit."""
        parts = [case.covered.get(invoice.id, 0)]
        parts += [case.covered.get(fee.id, 0) for fee in riders(case, invoice.id) if fee.currency == invoice.currency]
        amount = approval.sum_asked(case, replace(invoice, approval=None)) - sum(parts)
        return Approval(step, ApprovalState.ASKED, amount, together=together, credit=sum(parts))

    def _after(self, case: Case, invoice: Invoice, one: Done) -> tuple[Invoice, list[Activity]]:
        work = one.work
        if work.verdict is Verdict.LAPSE:
            return lapsed(invoice, self.now)[0], [self._log(ActivityType.SUPPRESSED, work, work.reason)]
        if work.verdict is Verdict.THANK:
            log = [self._log(ActivityType.SENT, work, work.reason, "email")] if work.effects else []
            return replace(invoice, thanks_at=None), log
        if work.verdict is Verdict.MOVE:
            return _moved(invoice, work), []
        if work.verdict is Verdict.SUPPRESS:
            logged = [] if invoice.suppressed_for == work.reason else [self._log(ActivityType.SUPPRESSED, work, work.reason)]
            return replace(_moved(invoice, work), suppressed_for=work.reason), logged
        if work.verdict is Verdict.REPEAT:
            return self._repeated(invoice, one)
        policy = self.policy_of(invoice)
        step = policy.step(work.step)
        if step is None or work.verdict is Verdict.REPLAN:
            invoice, again = started_again(invoice, case.profile.reach, policy, self.now, self.actor)
            anew, planning = self._planned(case, replace(invoice, next_at=None), policy)
            if step and work.reason == OUTRUN and anew.next_at:
                anew = replace(anew, waits_since=invoice.waits_since or invoice.next_at)  # nothing has gone out: it keeps its place
            return anew, [*again, *planning]
        behind = replace(
            invoice,
            level=policy.position(step.id),
            last_step=step.id,
            anchor_at=self._ran_at(work),
            escalated=invoice.escalated or _tells_the_team(work),
            approval=None,  # the answer was about this one run of the step
        )
        if work.verdict is Verdict.SKIP:
            logged = [self._log(ActivityType.SKIPPED, work, work.reason)]
        else:
            declined = approval.is_about(invoice.approval, step.id, ApprovalState.DECLINED)
            behind, logged = self._ran(case, behind, policy, approval.as_approved(step, work, declined=declined), one)
        behind, again = started_again(behind, case.profile.reach, policy, self.now, self.actor)
        after, planning = self._planned(case, behind, policy)
        return after, [*logged, *again, *planning]

    def _repeated(self, invoice: Invoice, one: Done) -> tuple[Invoice, list[Activity]]:
        """Once is enough: it is done, whatever became of it, and the plan stands; not that of a later step that bounced meanwhile."""
        work, known = one.work, invoice.repeat
        done = replace(invoice, repeat=replace(known, at=None)) if known and work.step in (known.step, None) else invoice
        if not work.effects:
            return done, [self._log(ActivityType.SUPPRESSED, work, f"not {work.reason}" if work.step else work.reason)]
        return done, [self._log(ActivityType.SENT, work, _with_notes(work.reason, one, work.effects), _channels(work.effects))]

    def _ran(self, case: Case, invoice: Invoice, policy: Policy, step: Step, one: Done) -> tuple[Invoice, list[Activity]]:
        work = one.work
        messages = [effect for effect in work.effects if effect.channel in (Channel.EMAIL, Channel.SMS)]
        logged: list[Activity] = []
        if messages:
            logged.append(self._log(ActivityType.SENT, work, _with_notes(work.reason, one, messages), _channels(messages)))
            at = self._ran_at(work)
            overdue = days_overdue(invoice, case.profile.reach, policy, at) > 0
            invoice = replace(invoice, reminders_sent=invoice.reminders_sent + overdue, last_reminder_at=at)
            texted = any(effect.channel is Channel.SMS for effect in messages)
            invoice = replace(invoice, sent_step=step.id, texted_step=step.id if texted else "")
            if invoice.status is Status.PAID and overdue and invoice.reminders_sent == 1:
                # Paid before its one reminder was put down: nobody could know then that there is something to thank for.
                invoice = with_thanks(invoice, case.profile.reach, policy, self.now)
        elif step.is_message and not work.unapproved:
            logged.append(self._log(ActivityType.SUPPRESSED, work, why_unreachable(case.profile.reach)))
        if _tells_the_team(work):
            logged.append(self._log(ActivityType.ESCALATED, work, f"{work.reason}; to the team {step.escalate}", "team"))
        if step.late_fee is None:
            return invoice, logged
        invoice, told = self._with_fee(case, invoice, policy, step, step.late_fee, work)
        return invoice, [*logged, *told]

    def _with_fee(
        self, case: Case, invoice: Invoice, policy: Policy, step: Step, terms: LateFee, work: Work
    ) -> tuple[Invoice, list[Activity]]:
        """Reckoned when the step is put down, on what is owed then; charged in a work of its own, on the amount that is kept here."""
        fee = fee_as_it_stands(case, invoice, policy, step.id, terms, self.now)
        if isinstance(fee, FeeRefused):
            return invoice, [self._log(ActivityType.SUPPRESSED, work, f"{NO_LATE_FEE}{fee.reason}")]
        if fee.state is FeeState.ACCEPTED:
            return invoice.with_fee(fee), []
        return invoice.with_fee(fee), [self._log(ActivityType.FEE_PROPOSED, work, in_words(fee, invoice.currency))]

    def _planned(self, case: Case, invoice: Invoice, policy: Policy) -> tuple[Invoice, list[Activity]]:
        if not invoice.is_open:
            return replace(invoice, next_step=None, next_at=None), []
        balance = balance_in(case, invoice, policy, self.policy_of)
        plan = planned(invoice, case.profile.reach, policy, self.now, self.actor, balance)
        return plan.invoice, list(plan.activities)

    def _log(self, kind: ActivityType, work: Work, reason: str, channel: str | None = None) -> Activity:
        return Activity(self.now, kind, reason, (work.invoice,), work.step, self.actor, channel, self.claim.origin)


def _channels(effects: Sequence[Effect]) -> str:
    return ", ".join(effect.channel.value for effect in effects)


def _with_notes(reason: str, one: Done, effects: Sequence[Effect]) -> str:
    return reason + "".join(f"; {one.notes[effect.key]}" for effect in effects if effect.key in one.notes)


def _tells_the_team(work: Work) -> bool:
    return any(effect.channel is Channel.TEAM for effect in work.effects)


def _with_proposal(case: Case, invoice: Invoice, step: str | None, now: datetime) -> Case:
    """The case with the team to be told of the fee that this step has just proposed."""
    fee = invoice.fee_of(step) if step else None
    if fee is None or fee.state is not FeeState.PROPOSED or fee.at != now:
        return case
    reason = f"a late fee of {money_in_words(fee.amount, invoice.currency)} on invoice {invoice.number} waits to be accepted"
    return case.with_profile(with_notice(case.profile, proposal_key(invoice.id, fee.step), Notice(reason, fee.at, (invoice.id,))))


def _moved(invoice: Invoice, work: Work) -> Invoice:
    """Moved, never back: the plan may have been put later while the work was under way."""
    if work.again:
        return replace(invoice, repeat=replace(invoice.repeat, at=work.move_to)) if invoice.repeat and invoice.repeat.at else invoice
    if work.step is None:
        return replace(invoice, thanks_at=work.move_to) if invoice.thanks_at else invoice
    if invoice.next_step != work.step or invoice.next_at is None or work.move_to is None:
        return invoice
    # Where a question was withdrawn, perhaps for credit that only this look has shown, nobody would look again if it stayed.
    stale = approval.waits_for_approval(invoice) and not (invoice.approval and invoice.approval.together)
    kept = replace(invoice, approval=None if stale else invoice.approval)
    if work.move_to <= invoice.next_at:
        return kept
    since = invoice.waits_since or invoice.next_at if work.verdict is Verdict.MOVE else None
    return replace(kept, next_at=work.move_to, waits_since=since)


def unfinished(case: Case, effects: Mapping[str, Mark], done: Sequence[Done]) -> dict[str, Mark]:
    """The marks that are still needed, by row: those of works that are not finished, ours and what was reported done meanwhile."""
    finished = {row for one in done for effect in one.work.effects for row in rows_of(effect.key) if _is_of(row, one.work)}
    reported = {row: mark for row, mark in marks_of(case.profile).items() if mark.state is EffectState.DONE}
    return {row: mark for row, mark in {**effects, **reported}.items() if row not in finished}


def is_progress(done: Sequence[Done]) -> bool:
    """Whether something has gone out, and so will not have to again; what is only put off may come back for ever."""
    return any(one.work.effects for one in done)


def _is_joint(work: Work) -> bool:
    """Whether the work went out in one message with others."""
    return any(len(rows_of(effect.key)) > 1 for effect in work.effects)


def _is_of(row: str, work: Work) -> bool:
    """Whether a row is this work's own; one message may be about several invoices, each of which is put down by itself."""
    return work.verdict in (Verdict.THANK, Verdict.NOTIFY) or row.split(":", 2)[-1] in (work.invoice, row)
