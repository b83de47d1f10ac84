"""Take what a source says into the case, whoever brought it: webhook, fetch or sweep."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, Dispute, HoldKind
from dunning.domain.errors import Conflict, Retryable
from dunning.domain.invoice import Contact, Snapshot
from dunning.domain.planning import rearmed
from dunning.domain.recording import DOUBTFUL_WITHIN, Recorded
from dunning.workflow.ports import CaseStore, Clock, Policies, SyncQueue, SyncRequest, Wakeups
from dunning.workflow.source_events import FetchKind
from dunning.workflow.sources import recorder_for, source_of
from dunning.workflow.waking import wake_if_near

_MOST_CONFLICTS = 10

Change = Callable[[Case, datetime], Recorded]


@dataclass(frozen=True, slots=True)
class RecordSnapshot:
    """Every change of a case that a source causes. Each is read, computed and written under its versions, or done again.

    All raise Retryable when the table or a queue cannot be reached; what was asked for is then not done, or done and harmless
    to repeat.
    """

    store: CaseStore
    policies: Policies
    sync_queue: SyncQueue
    wakeups: Wakeups
    clock: Clock
    actor: str

    def invoice(self, snapshot: Snapshot, *, fetched: bool) -> str:
        """Record an invoice's snapshot; answers what became of it, for the log."""

        def change(case: Case, now: datetime) -> Recorded:
            return recorder_for(case.profile.customer, self.policies, now, self.actor).record(case, snapshot, fetched=fetched)

        outcome = self.change(snapshot.customer, change)
        if outcome == "doubtful":
            self._ask(FetchKind.INVOICE, snapshot.invoice_id, snapshot.customer)
        return outcome

    def invoice_gone(self, customer: str, invoice_id: str) -> str:
        """The source has no such invoice any more."""
        return self.change(
            customer,
            lambda case, now: recorder_for(customer, self.policies, now, self.actor).closed_as_unknown(case, invoice_id),
        )

    def contact(self, customer: str, contact: Contact, stamp: datetime, *, fetched: bool) -> str:
        """The customer is reached like this now. Unknown customers are left alone: they owe nothing here."""

        def change(case: Case, now: datetime) -> Recorded:
            profile = case.profile
            fields = _differing(profile.contact, contact)
            if profile.version == 0 or not fields:
                return Recorded(case)
            known_since = profile.contact_stamp
            if known_since and not fetched and abs(stamp - known_since) < DOUBTFUL_WITHIN:
                return Recorded(case, doubtful=True)
            if known_since and stamp < known_since:
                return Recorded(case)
            # A gap is no news: an invoice may hold the address that the customer's own record lacks.
            new_address = contact.email is not None and contact.email != profile.contact.email
            merged = Contact(**{name: getattr(contact, name) or getattr(profile.contact, name) for name in Contact.__slots__})
            logged = [self._log(now, ActivityType.UPDATED, f"contact: {', '.join(fields)}")]
            holds = dict(profile.holds)
            if new_address and HoldKind.UNDELIVERABLE in holds:
                del holds[HoldKind.UNDELIVERABLE]
                logged.append(self._log(now, ActivityType.RELEASED, "undeliverable: there is a new mail address"))
            after = replace(profile, contact=merged, contact_stamp=stamp, holds=holds)
            return Recorded(case.with_profile(after), tuple(logged))

        outcome = self.change(customer, change)
        if outcome == "doubtful":
            self._ask(FetchKind.CUSTOMER, customer, customer)
        return outcome

    def customer_deleted(self, customer: str) -> str:
        """The source forgot the customer: a person must say whether reminding goes on."""

        def change(case: Case, now: datetime) -> Recorded:
            profile = case.profile
            if HoldKind.OPERATOR in profile.holds or not any(invoice.is_open for invoice in case.invoices.values()):
                return Recorded(case)
            held = replace(profile, holds={**profile.holds, HoldKind.OPERATOR: now})
            return Recorded(case.with_profile(held), (self._log(now, ActivityType.HELD, "operator: deleted at the source"),))

        return self.change(customer, change)

    def dispute(self, customer: str, dispute: Dispute) -> str:
        """A dispute opened or closed; the hold follows from all of them together."""

        def change(case: Case, now: datetime) -> Recorded:
            profile = case.profile
            known = profile.disputes.get(dispute.id)
            if profile.version == 0 or (known and (known.is_open == dispute.is_open or known.stamp > dispute.stamp)):
                return Recorded(case)
            after = replace(profile, disputes={**profile.disputes, dispute.id: dispute})
            if after.is_held == profile.is_held:
                return Recorded(case.with_profile(after))
            kind, reason = (ActivityType.HELD, "dispute opened") if after.is_held else (ActivityType.RELEASED, "dispute closed")
            invoices = (dispute.invoice,) if dispute.invoice else ()
            return Recorded(case.with_profile(after), (Activity(now, kind, reason, invoices, None, self.actor),))

        return self.change(customer, change)

    def change(self, customer: str, change: Change) -> str:
        """Read, compute and write under versions, again when others wrote meanwhile; `rearmed` and told to the queue."""
        for _ in range(_MOST_CONFLICTS):
            now = self.clock()
            before = self.store.load(customer)
            recorded = change(before, now)
            if recorded.doubtful:
                return "doubtful"
            after = rearmed(recorded.case, now)
            try:
                self.store.save(before, after, recorded.activities)
            except Conflict:
                continue
            if not after.profile.claimed_at(now):
                wake_if_near(self.wakeups, after, now)
            return "recorded" if after != before else "nothing new"
        raise Retryable(f"case {customer} changes faster than it can be written")

    def _ask(self, kind: FetchKind, bare_id: str, customer: str) -> None:
        self.sync_queue.send([SyncRequest(source_of(customer), kind.value, bare_id, customer)])

    def _log(self, now: datetime, kind: ActivityType, reason: str) -> Activity:
        return Activity(now, kind, reason, (), None, self.actor)


def _differing(known: Contact, told: Contact) -> tuple[str, ...]:
    return tuple(name for name in Contact.__slots__ if getattr(told, name) and getattr(told, name) != getattr(known, name))
