"""Take what a source says into the case, whoever brought it: webhook, fetch or sweep."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.addressing import addressed, own_contact, with_own_email
from dunning.domain.bounds import MOST_OPEN_DISPUTES, fitting_contact, may_be_forgotten, with_dispute, with_notice
from dunning.domain.case import Case, Dispute, Notice
from dunning.domain.changing_hands import LOOKS_AGAIN_AFTER, goes_along, is_being_worked_on
from dunning.domain.changing_hands import left as out_of
from dunning.domain.chasing import with_silence_told
from dunning.domain.errors import BelongsElsewhere, Conflict, NotYet, Permanent, Rejected, Retryable, Unforeseen, UnreadableInvoice
from dunning.domain.fee_invoices import is_written_for
from dunning.domain.holding import hold_case, release_case, release_invoice
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.introducing import differs, settings_differ
from dunning.domain.invoice import Contact, Snapshot
from dunning.domain.planning import rearmed
from dunning.domain.recording import DOUBTFUL_WITHIN, LATE_AFTER, MOVED_AWAY, Recorded
from dunning.domain.retiring import RETIRABLE, lost, named_again, without_lost
from dunning.workflow.moving_port import CaseChange, MovingStore
from dunning.workflow.ports import Clock, Policies, SyncQueue, SyncRequest, Wakeups
from dunning.workflow.source_events import FetchKind
from dunning.workflow.sources import recorder_for, source_of
from dunning.workflow.unforeseen import foreseen
from dunning.workflow.waking import wake_if_near

_MOST_CONFLICTS = 10
ALONE = "asked for by itself"

_MOST_SHOWN = 10
_PLACE = frozenset({"country", "timezone"})
_FORGOTTEN = (
    "its source deleted or archived this customer, or made it inactive, while invoices are open, and reminders wait:"
    " close these invoices there; or bring the customer back, or make sure of the address, and release the case"
)

Change = Callable[[Case, datetime], Recorded]


@dataclass(frozen=True, slots=True)
class RecordSnapshot:
    """Every change of a case that a source causes. Each is read, computed and written under its versions, or done again.

    `wakes_again`: a timer that is near, or overdue, and stands as it stood is told to the queue once more, as its message may have been
    lost. Not so in a sweep: it sees all there is, and what waits for SES's quota would go past the wheel, which lets it go in order.
    All raise Retryable when the table or a queue cannot be reached; what was asked for is then not done, or done and harmless
    to repeat.
    """

    store: MovingStore
    policies: Policies
    sync_queue: SyncQueue
    wakeups: Wakeups
    clock: Clock
    actor: str
    wakes_again: bool = True

    def invoice(self, snapshot: Snapshot) -> str:
        """Record what a webhook or a list says of an invoice; answers what became of it, for the log."""

        def change(case: Case, now: datetime) -> Recorded:
            recorder = recorder_for(case.profile.customer, self.policies, now, self.actor)
            recorded = recorder.record(case, self._unless_copied(case, snapshot), fetched=False)
            return self._held_if_gone(case, snapshot, recorded, now)

        try:
            outcome, owner = self.change(snapshot.customer, change), snapshot.customer
        except BelongsElsewhere as exc:
            # Words come late and in any order: whose it is now, a fetch must tell.
            outcome, owner = "doubtful", exc.customer
        if outcome == "doubtful":
            self._ask(FetchKind.INVOICE, snapshot.invoice_id, owner)
        return outcome

    def one_of_many(self, snapshot: Snapshot) -> str:
        """`invoice`, for one of those that changed: what fails of it, a row that cannot be read for one, stops no neighbour.

        It is fetched and recorded by itself, or becomes a letter of its own. Raises Retryable.
        """
        try:
            return self.one_listed(snapshot)
        except (Permanent, Rejected):
            return self._alone(FetchKind.INVOICE, snapshot.invoice_id, snapshot.customer)

    def one_listed(self, snapshot: Snapshot) -> str:
        """The same for one of all that are open, which are listed anew each day: whoever lists tells of what never succeeds.

        Raises Permanent, Rejected, Retryable.
        """
        try:
            return foreseen(lambda: self.invoice(snapshot))
        except Unforeseen:  # raised again, and told, where this one is alone
            return self._alone(FetchKind.INVOICE, snapshot.invoice_id, snapshot.customer)

    def contact_of_many(self, customer: str, contact: Contact, stamp: datetime) -> str:
        """`one_of_many` for one customer. Lists tell less: what one lacks is looked up in the customer's own record."""
        try:
            return foreseen(partial(self.contact, customer, contact, stamp, is_listed=True))
        except (Permanent, Rejected, Unforeseen):
            return self._alone(FetchKind.CUSTOMER, customer.rpartition(":")[2], customer)

    def _alone(self, kind: FetchKind, bare_id: str, customer: str) -> str:
        self._ask(kind, bare_id, customer)
        return ALONE

    def invoice_as_fetched(self, customer: str, invoice_id: str, fetch: Callable[[], Snapshot | None]) -> str:
        """Fetch an invoice and record it, or that its source has it no more; one that is another customer's by now moves there.

        One that was parked, because it could not be read, goes on. Raises UnreadableInvoice for one that cannot be and is not parked yet.

        The fetch lies between reading the case and writing it: what it tells is newer than all the case holds, and when others
        write meanwhile it is done again. So the clocks of two functions need not agree.
        """
        for _ in range(_MOST_CONFLICTS):
            try:
                return self._fetched(customer, invoice_id, fetch)
            except BelongsElsewhere as exc:
                customer = exc.customer
            except Conflict:
                continue
        raise Retryable(f"invoice {invoice_id} changes its customer faster than it can be written")

    def _fetched(self, customer: str, invoice_id: str, fetch: Callable[[], Snapshot | None]) -> str:
        elsewhere: list[str] = []

        def change(case: Case, now: datetime) -> Recorded:
            recorder = recorder_for(customer, self.policies, now, self.actor)
            known = case.invoices.get(invoice_id)
            try:
                snapshot = fetch()
            except UnreadableInvoice:
                if known is None or HoldKind.PARKED not in known.holds:
                    raise
                return Recorded(case)  # a person has been told
            if snapshot is None:
                return recorder.closed_as_unknown(case, invoice_id)
            elsewhere[:] = [snapshot.customer] if snapshot.customer != customer else []
            if elsewhere:
                return Recorded(case)
            free, released = release_invoice(case, known, HoldKind.PARKED, "it can be read again", now, self.actor) if known else (case, ())
            recorded = recorder.record(free, self._unless_copied(case, snapshot), fetched=True)
            recorded = replace(recorded, activities=(*released, *recorded.activities))
            return self._held_if_gone(case, snapshot, recorded, now)

        outcome = self.change(customer, change)
        return self._moved(customer, elsewhere[0], invoice_id, fetch) if elsewhere else outcome

    def _moved(self, left: str, joined: str, invoice_id: str, fetch: Callable[[], Snapshot | None]) -> str:
        """Closed in the case that it leaves and opened in the one that it joins, at once, with all that was done about it: nobody is
        ever reminded of both, nor of one step twice.

        Raises Conflict when a case, or the source's word, changed meanwhile, NotYet while a reminder is under way.
        """
        now = self.clock()
        old, new = self.store.load(left), self.store.load(joined)
        if is_being_worked_on(old, invoice_id, now):
            raise NotYet(f"invoice {invoice_id} moves once what is being sent about it is put down", now + LOOKS_AGAIN_AFTER)
        snapshot = fetch()
        if snapshot is None or snapshot.customer != joined:
            raise Conflict(f"invoice {invoice_id} has changed its customer again")
        recorder, snapshot = recorder_for(joined, self.policies, now, self.actor), self._unless_copied(new, snapshot)
        if self._is_owner(left, invoice_id) and goes_along(old.invoices.get(invoice_id)):
            gone = out_of(old, invoice_id, joined, now, self.actor)
            away, there = Recorded(gone.case, gone.activities), recorder.moved_in(new, old, snapshot)
        else:  # it is where it belongs already, or was settled before it went
            away, there = recorder.closed_as_unknown(old, invoice_id, MOVED_AWAY), recorder.record(new, snapshot, fetched=True)
        there = self._held_if_gone(new, snapshot, there, now)
        leaving, joining = self._ready(old, away, now), self._ready(new, there, now)
        self.store.move(invoice_id, leaving, joining)
        for each in (leaving, joining):
            self._wake(each, now)
        return "nothing new" if leaving.is_nothing and joining.is_nothing else "recorded"

    def _is_owner(self, customer: str, invoice_id: str) -> bool:
        return self.store.customer_of("invoice", f"{customer.rpartition(':')[0]}:{invoice_id}") == customer

    def _unless_copied(self, case: Case, snapshot: Snapshot) -> Snapshot:
        """A copy of a late fee's invoice that is made out to another customer is no fee: the invoice that it names is somebody else's.

        One that was moved there itself is known to the invoice that it is on.
        """
        if snapshot.fee_for is None or snapshot.fee_for in case.invoices:
            return snapshot
        parent = snapshot.fee_for
        owner = self.store.customer_of("invoice", f"{snapshot.customer.rpartition(':')[0]}:{parent}")
        if owner is None or owner == snapshot.customer or is_written_for(self.store.load(owner).invoices.get(parent), snapshot):
            return snapshot
        return replace(snapshot, fee_id=None, fee_for=None)

    def contact(self, customer: str, contact: Contact, stamp: datetime, *, is_listed: bool = False) -> str:
        """The customer is reached like this now. Unknown customers are left alone: they owe nothing here."""
        lacking: list[str] = []

        def change(case: Case, now: datetime) -> Recorded:
            known_since, gone = case.profile.contact_stamp, lost(case, contact)
            lacking[:] = lost(case, contact, RETIRABLE) if is_listed else ()
            if known_since and (gone or _differing(own_contact(case), contact)):
                if abs(stamp - known_since) < DOUBTFUL_WITHIN:
                    return Recorded(case, doubtful=True)
                if stamp < known_since:
                    return Recorded(case)
            if (gone and now - stamp > LATE_AFTER) or _is_overtaken(case, contact, stamp):
                return Recorded(case, doubtful=True)
            return self._reached(case, contact, stamp, now)

        outcome = self.change(customer, change)
        if outcome == "doubtful" or lacking:
            self._ask(FetchKind.CUSTOMER, customer, customer)
        return outcome

    def contact_as_fetched(self, customer: str, fetch: Callable[[], Contact | None]) -> str:
        """Fetch a customer's contact and record it, in the order of `invoice_as_fetched`; None: the source forgot the customer."""

        def change(case: Case, now: datetime) -> Recorded:
            began, contact = self.clock(), fetch()
            if contact is None:
                return self._forgotten(case, now)
            return self._reached(case, contact, max(began, case.profile.contact_stamp or began), now)

        return self.change(customer, change)

    def _reached(self, case: Case, told: Contact, stamp: datetime, now: datetime) -> Recorded:
        profile, contact = case.profile, fitting_contact(told)
        fields, gone = _differing(own_contact(case), contact), lost(case, contact)
        if profile.version == 0 or not (fields or gone):
            return Recorded(case)
        case = without_lost(case, gone)
        # Any other gap is no news: an invoice may hold the address that the customer's own record lacks.
        merged = _told(case.profile.contact, contact)
        said = (*fields, *(f"{name} removed" for name in gone))
        updated = self._log(now, ActivityType.UPDATED, f"contact: {', '.join(said)}")
        settings_stamp = stamp if contact.settings is not None else profile.settings_stamp
        own = named_again(with_own_email(case, contact.email).profile, contact)
        after = addressed(case.with_profile(replace(own, contact=merged, contact_stamp=stamp, settings_stamp=settings_stamp)))
        retimed: tuple[Activity, ...] = ()
        if _PLACE & set(fields):
            again = recorder_for(profile.customer, self.policies, now, self.actor).retimed(after)
            after, retimed = again.case, again.activities
        if after.profile.contact.email in (None, profile.contact.email):
            return Recorded(after, (updated, *retimed))
        after, logged = release_case(after, HoldKind.UNDELIVERABLE, "there is a new mail address", now, self.actor)
        return Recorded(after, (updated, *retimed, *logged))

    def customer_deleted(self, customer: str) -> str:
        """The source forgot the customer: a person must say whether reminding goes on."""
        return self.change(customer, self._forgotten)

    def _held_if_gone(self, before: Case, snapshot: Snapshot, recorded: Recorded, now: datetime) -> Recorded:
        """What comes to be owed by a customer who is gone already waits for a person, too; once, for what a person released goes on."""
        invoice = recorded.case.invoices.get(snapshot.invoice_id)
        was_known = snapshot.invoice_id in before.invoices and before.invoices[snapshot.invoice_id].is_open
        if not snapshot.customer_gone or was_known or invoice is None or not invoice.is_open or invoice.is_fee:
            return recorded
        held = self._forgotten(recorded.case, now)
        return replace(recorded, case=held.case, activities=(*recorded.activities, *held.activities))

    def _forgotten(self, case: Case, now: datetime) -> Recorded:
        owed = tuple(sorted(invoice.id for invoice in case.invoices.values() if invoice.is_open))
        known = case.profile.holds.get(HoldKind.OPERATOR)
        if (known and known.until is None) or not owed:
            return Recorded(case)
        held, logged = hold_case(case, HoldKind.OPERATOR, Hold(now, reason="deleted at the source"), self.actor)
        notice = Notice(_FORGOTTEN, now, owed[:_MOST_SHOWN])
        return Recorded(held.with_profile(with_notice(held.profile, f"forgotten:{now.isoformat()}", notice)), logged)

    def dispute(self, customer: str, told: Dispute, fetch: Callable[[], Dispute | None] = lambda: None) -> str:
        """A dispute opened or closed; the hold follows from all of them together.

        It is fetched in the order of `invoice_as_fetched`; what was `told` counts, by its stamp, where the source keeps it no longer.
        """

        def change(case: Case, now: datetime) -> Recorded:
            profile, fetched = case.profile, fetch()
            dispute, known = fetched or told, case.profile.disputes.get(told.id)
            # Of an invoice that is not known yet it is kept: the invoice's own webhook may be late, or lost until the next sweep.
            if profile.version == 0 and not dispute.invoice:
                return Recorded(case)
            if known and (known.is_open == dispute.is_open or (not fetched and known.stamp > dispute.stamp)):
                return Recorded(case)
            if not fetched and dispute.is_open and may_be_forgotten(profile, dispute):
                return Recorded(case)
            after = with_dispute(profile, dispute)
            if after is None:
                return self._too_many_disputes(case, now)
            if after.is_disputed == profile.is_disputed:
                return Recorded(case.with_profile(after))
            kind, reason = (ActivityType.HELD, "dispute opened") if after.is_disputed else (ActivityType.RELEASED, "dispute closed")
            invoices = (dispute.invoice,) if dispute.invoice else ()
            return Recorded(case.with_profile(after), (Activity(now, kind, reason, invoices, None, self.actor),))

        return self.change(customer, change)

    def _too_many_disputes(self, case: Case, now: datetime) -> Recorded:
        """One more open dispute than can be kept: a person must say when reminding goes on."""
        if HoldKind.OPERATOR in case.profile.holds:
            return Recorded(case)
        reason = f"more than {MOST_OPEN_DISPUTES} disputes are open"
        return Recorded(*hold_case(case, HoldKind.OPERATOR, Hold(now, reason=reason), self.actor))

    def change(self, customer: str, change: Change) -> str:
        """Read, compute and write under versions, again when others wrote meanwhile; `rearmed` and told to the queue.

        Raises BelongsElsewhere for an invoice that is in another customer's case, Retryable.
        """
        for _ in range(_MOST_CONFLICTS):
            now = self.clock()
            before = self.store.load(customer)
            recorded = change(before, now)
            if recorded.doubtful:
                return "doubtful"
            ready = self._ready(before, recorded, now)
            try:
                self.store.save(before, ready.after, ready.activities)
            except BelongsElsewhere:
                raise
            except Conflict:
                continue
            self._wake(ready, now)
            return "recorded" if ready.after != before else "nothing new"
        raise Retryable(f"case {customer} changes faster than it can be written")

    def _ready(self, before: Case, recorded: Recorded, now: datetime) -> CaseChange:
        told, of_marking = with_silence_told(before, recorded.case, now, self.actor)
        return CaseChange(before, rearmed(told, now, lambda one: self.policies.named(one.policy)), (*recorded.activities, *of_marking))

    def _wake(self, change: CaseChange, now: datetime) -> None:
        profile = change.after.profile
        if not profile.claimed_at(now) and (self.wakes_again or profile.due_at != change.before.profile.due_at):
            wake_if_near(self.wakeups, change.after, self.clock())

    def _ask(self, kind: FetchKind, bare_id: str, customer: str) -> None:
        self.sync_queue.send([SyncRequest(source_of(customer), kind.value, bare_id, customer)])

    def _log(self, now: datetime, kind: ActivityType, reason: str) -> Activity:
        return Activity(now, kind, reason, (), None, self.actor)


def _differing(known: Contact, told: Contact) -> tuple[str, ...]:
    names = (name for name in Contact.__slots__ if name not in ("settings", "of_record"))
    found = [name for name in names if getattr(told, name) is not None and differs(name, getattr(known, name), getattr(told, name))]
    return (*found, "settings") if told.settings and settings_differ(known, told.settings) else tuple(found)


def _is_overtaken(case: Case, told: Contact, stamp: datetime) -> bool:
    """Whether a word about the customer is gainsaid by what came later with an invoice: its source must say which holds."""
    profile = case.profile
    known = own_contact(case)
    if all(getattr(known, name) is None for name in (*_differing(known, told), *lost(case, told))):
        return False
    seen = [invoice.stamp for invoice in case.invoices.values()] if profile.contact_stamp is None else []
    return any(stamp < later for later in (*seen, profile.settings_stamp) if later)


def _told(known: Contact, told: Contact) -> Contact:
    news = {name: value for name in Contact.__slots__ if name != "of_record" and (value := getattr(told, name)) is not None}
    return replace(known, **news)
