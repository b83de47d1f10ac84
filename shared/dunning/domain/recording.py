"""What a snapshot changes in a case: pure, idempotent, and indifferent to the order in which snapshots come."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dunning.domain.activity import Activity, ActivityType, with_skips_joined
from dunning.domain.addressing import readdressed, with_word_of_invoice
from dunning.domain.approval import without_moot_question
from dunning.domain.assignment import Assignment, is_begun
from dunning.domain.balances import balance_for, balance_in, balances_of, is_enough_alone, is_to_review, may_be_reviewed
from dunning.domain.bounds import fitting
from dunning.domain.calendar import local_date, zone_of
from dunning.domain.case import Case, Profile
from dunning.domain.changing_hands import joined
from dunning.domain.charging import lapsed, with_left_over_task
from dunning.domain.effects import begun_steps, is_unanswered
from dunning.domain.evolving import replace
from dunning.domain.fee_invoices import copies_of, is_still_fee, with_fees_linked, with_first_of_fee
from dunning.domain.holding import holds_dropped, release_case
from dunning.domain.holds import HoldKind
from dunning.domain.introducing import changed_facts, contact_filled, filled, introduced, settings_seen
from dunning.domain.invoice import Invoice, Snapshot, Status
from dunning.domain.part_payments import after_part_payment, is_credit, started_again
from dunning.domain.planning import Planned, ended, planned, with_thanks
from dunning.domain.policy import Policy, Scope
from dunning.domain.promising import with_credit_told, with_promise_kept
from dunning.domain.retiring import believed
from dunning.domain.snapshots import completed
from dunning.domain.timing import BELOW_MINIMUM, effective_due_date

NOT_FOUND = "not found at its source"
MOVED_AWAY = "it is another customer's now"
"""Why an invoice is closed that its source did not close."""

SETTLED_BY_CREDIT = "settled by credit, without a payment to give thanks for"

DOUBTFUL_WITHIN = timedelta(seconds=60)
"""Two words of a source this close together prove nothing about their order (Stripe's stamps are whole seconds)."""

LATE_AFTER = timedelta(minutes=10)
"""A word this old may have been taken back by one that told nothing new and so left no trace (A, B, A again; B comes last)."""

WORTH_WITH_OTHERS = "with what else is owed it is worth a reminder"
MOST_REVIEWED = 15
"""Other invoices that one word may wake or silence (`minimum_balance` under `scope: customer`): each may cost three of a transaction's
hundred items, and a step that some pass over one more. The next word, at the latest the daily sweep's, does the rest.
"""

_ENOUGH = 60
"""Items after which one word wakes no more."""

MOST_RETIMED = 70
"""Items of a transaction's hundred for steps that get another hour, as when a customer's country becomes known."""

PolicyOf = Callable[[Invoice], Policy]


@dataclass(frozen=True, slots=True)
class Recorded:
    """The case after a snapshot, and what to log. `doubtful`: nothing was changed, the source must be asked."""

    case: Case
    activities: tuple[Activity, ...] = ()
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Recorder:
    """How snapshots are taken into cases. `terminal` are the statuses that this source never takes back.

    `policy_of` answers the policy that an invoice follows, `assignment` which one it is to follow (None: always the former).
    `claim` is the id of the claim of whoever records, if it holds one, and `inherited` the profile with that claim as it was then.
    """

    policy_of: PolicyOf
    terminal: frozenset[Status]
    now: datetime
    actor: str
    assignment: Assignment | None = None
    reviews: int = MOST_REVIEWED
    claim: str | None = None
    inherited: Profile | None = None

    def record(self, case: Case, snapshot: Snapshot, *, fetched: bool) -> Recorded:
        """Apply a snapshot if it tells something new and newer.

        One that differs from what is known is doubtful when it lies within a minute of it, and when it comes late. Not so when
        it was `fetched` after the case was read: then it is newer than all the case holds, whatever the clocks of two functions say.
        A terminal status is final whatever the order. An unknown invoice is recorded whatever its status, except drafts and what
        was deleted as one: a payment that overtakes its invoice must not be forgotten.
        """
        snapshot = completed(snapshot, case.invoices.get(snapshot.invoice_id))
        return self._taken_in(case, case, believed(case.profile, snapshot), fetched=fetched)

    def moved_in(self, case: Case, old: Case, snapshot: Snapshot) -> Recorded:
        """What was just fetched of an invoice that comes from the case `old`, with all that was done about it there."""
        snapshot = believed(case.profile, completed(snapshot, old.invoices.get(snapshot.invoice_id)))
        known, there = old.invoices[snapshot.invoice_id], case.invoices.get(snapshot.invoice_id)
        base = case if there else self._introduced(case, snapshot)
        recorded = self._taken_in(case, joined(base, old, known.id), snapshot, fetched=True)
        said = f"comes from {old.profile.customer}, with all that was done about it"
        came = self._log(ActivityType.REOPENED if there else ActivityType.ENROLLED, recorded.case.invoices[known.id], said)
        return replace(recorded, activities=(came, *recorded.activities))

    def _taken_in(self, before: Case, case: Case, snapshot: Snapshot, *, fetched: bool) -> Recorded:
        """`before`: the case as it is stored."""
        recorded = self._readdressed(before, self._recorded(case, snapshot, fetched=fetched), snapshot)
        linked, charged = with_fees_linked(recorded.case, snapshot.invoice_id, self.policy_of, self.now, self.actor)
        recorded = replace(recorded, case=linked, activities=(*recorded.activities, *charged))
        return self._with_others_reviewed(before, recorded, snapshot.invoice_id)

    def _recorded(self, case: Case, snapshot: Snapshot, *, fetched: bool) -> Recorded:
        known, snapshot = case.invoices.get(snapshot.invoice_id), fitting(snapshot)
        if snapshot.status is Status.DRAFT:
            return Recorded(case)
        if known is None:
            return Recorded(case) if snapshot.status is Status.DELETED else self._first(case, snapshot)
        case = case.with_profile(settings_seen(case.profile, snapshot))
        seen = self._seen(case, known, snapshot)
        if not changed_facts(known, seen):
            known = without_moot_question(case, known, self.policy_of(known))
            case = introduced(case, snapshot.contact).with_invoice(known)
            return self._unchanged(case, known, snapshot) if known.is_open else Recorded(case)
        if known.status in self.terminal:
            return Recorded(case)
        if snapshot.status not in self.terminal and not fetched:
            near = abs(snapshot.stamp - known.stamp) < DOUBTFUL_WITHIN
            if snapshot.stamp < known.stamp and not near:
                return Recorded(case)
            if near or self.now - snapshot.stamp > LATE_AFTER:
                return Recorded(case, doubtful=True)
        return self._changed(case.with_profile(contact_filled(case, snapshot)), known, seen, snapshot)

    def _readdressed(self, before: Case, recorded: Recorded, snapshot: Snapshot) -> Recorded:
        """With the address that counts among the customer's own and those that invoices name."""
        if recorded.doubtful or (snapshot.billed_to and snapshot.invoice_id not in recorded.case.invoices):
            return recorded
        case, logged = readdressed(before, with_word_of_invoice(before, recorded.case, snapshot), self.now, self.actor)
        return replace(recorded, case=case, activities=(*recorded.activities, *logged))

    def closed_as_unknown(self, case: Case, invoice_id: str, reason: str = NOT_FOUND) -> Recorded:
        """The source no longer has this invoice, or not for this customer: stop reminding. Should it come back, it is reopened."""
        known = case.invoices.get(invoice_id)
        if known is None or not known.is_open:
            return Recorded(case)
        gone = _at_rest(replace(known, status=Status.DELETED, stamp=self.now))
        if reason == MOVED_AWAY:  # its holds and fees go with it, once it is known where to, and that its plan is to start again
            gone = replace(gone, restarts_at=known.restarts_at)
            closed = Recorded(case.with_invoice(gone), (self._log(ActivityType.CLOSED, gone, reason),))
            return self._with_others_reviewed(case, closed, invoice_id)
        gone, released = holds_dropped(gone, "nothing is asked for any more", self.now, self.actor)
        gone, dropped = self._without_open_fees(gone)
        closed = Recorded(case.with_invoice(gone), (self._log(ActivityType.CLOSED, gone, reason), *released, *dropped))
        return self._with_others_reviewed(case, closed, invoice_id)

    def _with_others_reviewed(self, before: Case, recorded: Recorded, told: str) -> Recorded:
        """And with the customer's other invoices, where all together have risen to the smallest sum worth a reminder, or fallen below."""
        case = recorded.case
        known, now = before.invoices.get(told), case.invoices.get(told)
        if now is None or known == now or not self.reviews or self.policy_of(now).scope is not Scope.CUSTOMER:
            return recorded
        small = [other for other in case.invoices.values() if other.id != told and may_be_reviewed(other, self.policy_of(other))]
        if not small:
            return recorded
        balances, activities = balances_of(case, self.policy_of), list(recorded.activities)
        changed = [other for other in small if is_to_review(other, self.policy_of(other), balances)]
        for number, other in enumerate(changed[: self.reviews]):
            if number + len(activities) >= _ENOUGH:
                break
            policy = self.policy_of(other)
            if other.next_at is None:
                activities.append(self._log(ActivityType.UPDATED, other, WORTH_WITH_OTHERS))
            balance = balance_for(other, policy, balances)
            plan = self._planned(case, other, policy, balance)
            case, ending = ended(case.with_invoice(plan.invoice), other, plan.invoice, self.now, self.actor)
            activities = [*with_skips_joined([*activities, *plan.activities, *ending])]
        return replace(recorded, case=case, activities=tuple(activities))

    def _first(self, case: Case, snapshot: Snapshot) -> Recorded:
        blank = Invoice(
            id=snapshot.invoice_id,
            source=snapshot.source,
            customer=snapshot.customer,
            number=snapshot.number,
            status=snapshot.status,
            currency=snapshot.currency,
            total=snapshot.total,
            amount_due=snapshot.amount_due,
            due_date=None,
            issued_at=snapshot.issued_at,
            stamp=snapshot.stamp,
            subscription=snapshot.subscription,
            tags=snapshot.tags or (),
            fee_id=snapshot.fee_id,
            fee_for=snapshot.fee_for,
        )
        case = self._introduced(case, snapshot)
        chosen = self.assignment.policy_for(blank, case.profile.contact) if self.assignment else self.policy_of(blank).name
        policy = self.policy_of(replace(blank, policy=chosen))
        invoice = self._seen(case, replace(blank, policy=policy.name), snapshot)
        if invoice.is_fee:
            return self._first_of_fee(case, invoice)
        if not invoice.is_open:
            return Recorded(case.with_invoice(invoice), (self._closing(invoice),))
        enrolled = self._log(ActivityType.ENROLLED, invoice, f"follows the policy {policy.name}")
        return self._with_plan(case, None, invoice, enrolled)

    def _introduced(self, case: Case, snapshot: Snapshot) -> Case:
        """The source's customer object, once seen, knows better than what an invoice froze when it was finalised."""
        known = case.profile
        contacts = (snapshot.contact, known.contact) if known.contact_stamp is None else (known.contact, snapshot.contact)
        return case.with_profile(settings_seen(replace(known, contact=filled(*contacts)), snapshot))

    def _first_of_fee(self, case: Case, fee: Invoice) -> Recorded:
        if fee.is_open:  # as planned for good: its next webhook must find nothing to write
            fee = planned(fee, case.profile.contact, self.policy_of(fee), self.now, self.actor).invoice
        case, logged = with_first_of_fee(case, fee, self.policy_of, self.now, self.actor)
        recorded = Recorded(case, (logged,))
        for copied in copies_of(case, fee):
            log = self._log(ActivityType.UPDATED, copied, f"a copy of the late fee {fee.number}, owed by itself")
            again = self._with_plan(recorded.case, None, copied, log) if copied.is_open else Recorded(case.with_invoice(copied))
            recorded = Recorded(again.case, (*recorded.activities, *again.activities))
        return recorded

    def _without_open_fees(self, closed: Invoice) -> tuple[Invoice, tuple[Activity, ...]]:
        """What was not charged before an invoice was settled is not charged any more."""
        closed, dropped = lapsed(closed, self.now)
        reason = "no late fee: the invoice was settled before it was charged"
        logged = (Activity(self.now, ActivityType.SUPPRESSED, reason, (closed.id,), fee.step, self.actor) for fee in dropped)
        return closed, tuple(logged)

    def _seen(self, case: Case, known: Invoice, snapshot: Snapshot) -> Invoice:
        """The known invoice with the snapshot's facts."""
        is_fee = is_still_fee(case, known, snapshot)
        return replace(
            known,
            number=snapshot.number,
            status=snapshot.status,
            currency=snapshot.currency,
            total=snapshot.total,
            amount_due=snapshot.amount_due,
            due_date=_due_date(snapshot, self.policy_of(known)),
            issued_at=snapshot.issued_at or known.issued_at,
            payment_url=snapshot.payment_url or (None if snapshot.link_read else known.payment_url),
            collects_automatically=snapshot.collects_automatically,
            subscription=snapshot.subscription or known.subscription,
            tags=known.tags if snapshot.tags is None else snapshot.tags,
            billed_to=snapshot.billed_to,
            by_credit=snapshot.by_credit,
            credited=known.credited if snapshot.credited is None else snapshot.credited,
            overpaid=snapshot.overpaid,
            fee_id=known.fee_id if is_fee else None,
            fee_for=known.fee_for if is_fee else None,
            stamp=max(snapshot.stamp, known.stamp),
        )

    def _unchanged(self, case: Case, known: Invoice, snapshot: Snapshot) -> Recorded:
        """Nothing new of the invoice; but its policy may be another one by now, or say something else."""
        invoice, logged = self._assigned(case, known, snapshot)
        outdated = invoice.plan_revision != self.policy_of(invoice).revision and not is_begun(case.profile, known.id)
        if not logged and not outdated and known.next_at:
            return Recorded(case)
        return self._with_plan(case, known, replace(invoice, next_at=None) if outdated else invoice, *logged)

    def _assigned(self, case: Case, invoice: Invoice, snapshot: Snapshot) -> tuple[Invoice, tuple[Activity, ...]]:
        """The invoice under the policy that it is to follow from now on; what it says of dates and steps counts anew."""
        chosen = self.assignment.changed(invoice, case.profile, case.profile.contact) if self.assignment else None
        if chosen is None:
            return invoice, ()
        moved = replace(invoice, policy=chosen, next_at=None)
        moved = replace(moved, due_date=_due_date(snapshot, self.policy_of(moved)))
        return moved, (self._log(ActivityType.UPDATED, moved, f"follows the policy {chosen} instead of {invoice.policy}"),)

    def _changed(self, case: Case, known: Invoice, seen: Invoice, snapshot: Snapshot) -> Recorded:
        facts = changed_facts(known, seen)
        if not seen.is_open and seen.status is known.status:
            return Recorded(case.with_invoice(seen), (self._log(ActivityType.UPDATED, seen, ", ".join(facts)),))
        if not seen.is_open:
            closed, dropped = self._without_open_fees(_at_rest(replace(seen, thanks_at=None)))
            if seen.status is Status.PAID:
                closed = with_thanks(closed, case.profile.reach, self.policy_of(seen), self.now)
            closed, kept = (closed, ()) if closed.by_credit else with_promise_kept(closed, self.now, self.actor)
            closed, released = holds_dropped(closed, f"the invoice is {closed.standing}", self.now, self.actor)
            case = with_left_over_task(case.with_invoice(closed), closed.id, self.now)
            case, unheld = self._answer_settled(case)
            return Recorded(case, (self._closing(closed), *kept, *released, *dropped, *unheld))
        if not known.is_open:
            log = self._log(ActivityType.REOPENED, seen, f"was {known.status.value}")
        elif is_credit(known, seen):
            log = self._log(ActivityType.UPDATED, seen, ", ".join((*facts, "by credit")))
        elif "amount_due" in facts and "total" not in facts and seen.amount_due < known.amount_due:
            return self._partly_paid(case, known, seen, snapshot)
        else:
            log = self._log(ActivityType.UPDATED, seen, ", ".join(facts))
        seen, unasked = self._replanned(known, seen)
        seen, kept = with_promise_kept(with_credit_told(known, seen), self.now, self.actor)
        seen, assigned = self._assigned(case, seen, snapshot)
        seen = without_moot_question(case, seen, self.policy_of(seen))
        return self._with_plan(case, known, seen, log, *unasked, *kept, *assigned)

    def retimed(self, case: Case) -> Recorded:
        """Every step still to come at its own hour of the zone, and on the days, that the customer's record names now.

        A step that is due already stays: it is being run, or waits for a reason of its own. So do the last of very many.
        """
        logged: list[Activity] = []
        to_come = [(one.next_at, one.id) for one in case.invoices.values() if one.is_open and one.next_at and one.next_at > self.now]
        for number, (_, name) in enumerate(sorted(to_come)):
            if number + len(logged) < MOST_RETIMED:
                again = self._with_plan(case, case.invoices[name], replace(case.invoices[name], next_at=None))
                case, logged = again.case, [*with_skips_joined([*logged, *again.activities])]
        return Recorded(case, tuple(logged))

    def _answer_settled(self, case: Case) -> tuple[Case, tuple[Activity, ...]]:
        """An answer about what is paid by now must not hold next month's invoice."""
        if any(invoice.is_open for invoice in case.invoices.values()):
            return case, ()
        return release_case(case, HoldKind.REPLY, "nothing is owed any more", self.now, self.actor)

    def _partly_paid(self, case: Case, known: Invoice, seen: Invoice, snapshot: Snapshot) -> Recorded:
        before, after = known.money_due.as_decimal(), seen.money_due.as_decimal()
        seen, unasked = self._replanned(known, seen)
        on_its_way = self._on_its_way(case, seen)
        part = after_part_payment(seen, case.profile.contact, self.policy_of(seen), self.now, self.actor, on_its_way=on_its_way)
        besides = "".join(f"; {fact} changed, too" for fact in changed_facts(known, seen) if fact != "amount_due")
        log = self._log(ActivityType.PARTLY_PAID, seen, f"{before} → {after} {seen.currency}{part.words}{besides}")
        invoice, kept = with_promise_kept(part.invoice, self.now, self.actor)
        invoice, assigned = self._assigned(case, without_moot_question(case, invoice, self.policy_of(invoice)), snapshot)
        return self._with_plan(case, known, invoice, log, *unasked, *part.activities, *kept, *assigned)

    def started_again(self, case: Case, snapshot: Snapshot) -> Recorded:
        """The plan that is to start again does, for whoever has just been told what is owed, and finds nothing on its way."""
        known = case.invoices.get(snapshot.invoice_id)
        if known is None or known.restarts_at is None or known.amount_due != snapshot.amount_due or self._on_its_way(case, known):
            return Recorded(case)
        again, logged = started_again(known, case.profile.contact, self.policy_of(known), self.now, self.actor)
        return self._with_plan(case, known, again, *logged)

    def _on_its_way(self, case: Case, invoice: Invoice) -> bool:
        profile = self.inherited or case.profile
        return is_begun(profile, invoice.id) or is_unanswered(profile, self.claim)

    def _replanned(self, known: Invoice, seen: Invoice) -> tuple[Invoice, tuple[Activity, ...]]:
        """The invoice without its plan, and what was asked or answered of it, where a new due date, or its reopening, makes it anew."""
        policy = self.policy_of(seen)
        if known.is_open and effective_due_date(known, policy) == effective_due_date(seen, policy):
            return seen, ()
        anew = replace(seen, next_step=None, next_at=None, thanks_at=None, approval=None)
        if seen.approval is None or seen.approval.step != seen.next_step:
            return anew, ()
        ended = self._log(ActivityType.RELEASED, seen, "approval: the due date has changed, and a person is asked anew in time")
        return anew, (replace(ended, step=seen.next_step),)

    def _with_plan(self, case: Case, known: Invoice | None, invoice: Invoice, *logged: Activity) -> Recorded:
        """Plan the invoice, `known` as it was; a plan that stands is kept unless the invoice must now be left alone."""
        policy = self.policy_of(invoice)
        balance = balance_in(case, invoice, policy, self.policy_of)
        plan = self._planned(case, invoice, policy, balance)
        if invoice.next_at and not plan.invoice.suppressed_for:
            return Recorded(case.with_invoice(invoice), logged)
        was_small = known is not None and known.suppressed_for == BELOW_MINIMUM
        if was_small and not logged and plan.invoice.next_at and not is_enough_alone(invoice, policy):
            logged = (self._log(ActivityType.UPDATED, invoice, WORTH_WITH_OTHERS),)
        case, ending = ended(case.with_invoice(plan.invoice), known, plan.invoice, self.now, self.actor)
        return Recorded(case, (*logged, *plan.activities, *ending))

    def _planned(self, case: Case, invoice: Invoice, policy: Policy, balance: int) -> Planned:
        """What comes next. A step that has gone out, or may have, is not said to be kept back: silence begins behind it."""
        plan = planned(invoice, case.profile.reach, policy, self.now, self.actor, balance)
        if not (invoice.next_step in begun_steps(case.profile, invoice.id) or is_unanswered(case.profile, self.claim)):
            return plan
        of_none = (replace(one, step=None) if one.type is ActivityType.SUPPRESSED else one for one in plan.activities)
        return replace(plan, activities=tuple(of_none))

    def _closing(self, invoice: Invoice) -> Activity:
        if invoice.by_credit:
            return self._log(ActivityType.CLOSED, invoice, SETTLED_BY_CREDIT)
        if invoice.status is Status.PAID:
            return self._log(ActivityType.PAID, invoice, "paid in full at its source")
        return self._log(ActivityType.CLOSED, invoice, invoice.status.value)

    def _log(self, kind: ActivityType, invoice: Invoice, reason: str) -> Activity:
        return Activity(self.now, kind, reason, (invoice.id,), None, self.actor)


def _at_rest(closed: Invoice) -> Invoice:
    """An invoice that is done with: nothing comes next, and nothing that was asked or said of its plan counts any more."""
    return replace(closed, next_step=None, next_at=None, suppressed_for=None, approval=None, restarts_at=None)


def _due_date(snapshot: Snapshot, policy: Policy) -> date | None:
    """A due instant is a calendar date in the policy's zone (DESIGN §2): the date the seller wrote."""
    if isinstance(snapshot.due, datetime):
        return local_date(snapshot.due, zone_of(None, policy.timezone))
    return snapshot.due
