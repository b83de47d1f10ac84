"""What is looked at while a world runs: every message as it is taken, every claim, and that nothing stays overdue."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dunning.domain.activity import ActivityType
from dunning.domain.approval import waits_for_approval
from dunning.domain.calendar import local_date, zone_of
from dunning.domain.case import Case, Profile
from dunning.domain.charging import fees_to_charge
from dunning.domain.decision import decide, facts
from dunning.domain.effects import Channel, begun_steps
from dunning.domain.fee_records import fee_id
from dunning.domain.holds import Hold, HoldKind, waits_for_a_person
from dunning.domain.invoice import Snapshot, Status
from dunning.domain.joint_approval import with_questions_reckoned
from dunning.domain.policy import PartialPaymentRule
from dunning.domain.works import Verdict, Work
from dunning.workflow.fee_port import FeeOrder
from tests.fakes.case_store import MemoryCaseStore
from tests.simulation.cloud import Cloud
from tests.simulation.limits import unapproved
from tests.simulation.plans import Plan
from tests.simulation.provider import Provider
from tests.simulation.records import Accepted, Records

PUNCTUAL = timedelta(minutes=3)
UNTROUBLED = timedelta(minutes=80)
"""Who has had peace for so long has nothing left of any trouble before: not a backoff, not an abandoned claim."""

OVERDUE = timedelta(minutes=75)
CLOCKS_APART = timedelta(seconds=100)
BY_THE_CUSTOMER = ("not opened", "not replied")
TOLD = 120
"""Seconds: what a webhook pointed at is known by then."""


class Watch:
    """Notes every violation the moment it happens."""

    def __init__(self, plan: Plan, cloud: Cloud, provider: Provider, records: Records, store: MemoryCaseStore) -> None:
        self._plan = plan
        self._cloud = cloud
        self._provider = provider
        self._records = records
        self._store = store

    def accepted(self, message: Accepted) -> None:
        """A channel took a message."""
        about = f"{message.channel} {message.envelope.effect} of {message.envelope.customer} was sent"
        if message.channel in ("email", "sms"):
            told = {row for other in self._of(message.channel) for row in other.rows}
            for _, row in told.intersection(message.rows):
                if not self._may_come_again(row) or self._today(message, row):
                    self._violated(about, f"though {row} had been sent before: twice")
        self._records.accepted.append(message)
        if message.envelope.kind in ("reminder", "escalation"):
            for invoice in message.envelope.invoices:
                self._owed_when_asked(about, invoice)
                self._open_when_loaded(about, invoice)
            if message.channel != "team":
                self._not_held(about, message.envelope.invoices)
                self._to_the_customer(about, message)
                self._approved(about, message)
                self._meant(about, message)

    def _may_come_again(self, row: str) -> bool:
        """Whether the plan of a row's invoice can have started again; whether it did so often enough is told at the end: who starts it
        again sends its first step before either is put down."""
        return self._plan.policy.on_partial_payment.rule is PartialPaymentRule.RESTART and row.count(":") > 1

    def _today(self, message: Accepted, row: str) -> bool:
        """Whether the very same went out before on the customer's day, as no plan that starts again may make it."""
        zone = zone_of(dict(self._plan.contacts)[message.envelope.customer].timezone, self._plan.policy.timezone)
        before = [other.at for other in self._of(message.channel) if (message.envelope.customer, row) in other.rows]
        return any(local_date(at, zone) == local_date(message.at, zone) for at in before)

    def _meant(self, about: str, message: Accepted) -> None:
        """What the customer has done by then may be a reason for no message; what has begun is finished all the same."""
        case, policy = self._cloud.invocation.loaded, self._plan.policy
        for _, row in message.rows:
            _, step_id, name = row.split(":", 2)
            step, invoice = policy.step(step_id), case.invoices.get(name) if case else None
            if case is None or step is None or invoice is None or step_id in begun_steps(case.profile, name):
                continue
            if (
                step.condition_text in BY_THE_CUSTOMER
                and step.condition
                and not step.condition(facts(invoice, case.profile, policy, self._cloud.clock()))
            ):
                self._violated(about, f"though {name} goes without it: {step.condition_text}")

    def _to_the_customer(self, about: str, message: Accepted) -> None:
        """As the worker read the case, or as the provider has it by now."""
        case, at_source = self._cloud.invocation.loaded, self._provider.account.contacts.get(message.envelope.customer)
        known = [contact for contact in (case.profile.contact if case else None, at_source) if contact]
        if message.to[0] not in {contact.email if message.channel == "email" else contact.phone for contact in known}:
            self._violated(about, f"to {message.to[0]}, which is nobody's")

    def _approved(self, about: str, message: Accepted) -> None:
        told = self._cloud.invocation.told
        owed = {name: snapshot.amount_due for name, snapshot in told.items() if snapshot}
        why = unapproved(message, self._plan.policy, owed, self._store.written(message.envelope.customer))
        if why:
            self._violated(about, why)

    def charged(self, order: FeeOrder) -> None:
        """The provider has a new invoice that is a late fee."""
        about = f"a late fee on {order.invoice_id} of {order.customer} was charged"
        if any(other.id == order.id for other in self._records.fees):
            self._violated(about, f"though {order.id} had been charged before: twice")
        steps = [step.id for step in self._plan.policy.steps if step.late_fee]
        if order.id not in {fee_id(order.customer, order.invoice_id, step) for step in steps}:
            self._violated(about, f"as {order.id}, which names none of its steps")
        self._records.fees.append(order)
        self._owed_when_asked(about, order.invoice_id)
        self._open_when_loaded(about, order.invoice_id)
        self._not_held(about, (order.invoice_id,))

    def _of(self, channel: str) -> list[Accepted]:
        return [message for message in self._records.accepted if message.channel == channel]

    def _owed_when_asked(self, about: str, invoice: str) -> None:
        told = self._cloud.invocation.told
        asked = invoice in told
        truth = told[invoice] if asked else self._provider.truth(invoice)
        if truth is None or truth.status is not Status.OPEN:
            status = truth.status.value if truth else "gone"
            how = "said so when it was asked" if asked else "was not asked"
            self._violated(about, f"though {invoice} is {status} at the provider, which {how}")

    def _open_when_loaded(self, about: str, invoice: str) -> None:
        loaded = self._cloud.invocation.loaded
        known = loaded.invoices.get(invoice) if loaded else None
        if known is None or not known.is_open:
            self._violated(about, f"though {invoice} was known to be {known.status.value if known else 'unknown'}")

    def _not_held(self, about: str, invoices: Sequence[str]) -> None:
        """Neither the case nor one of the invoices, as the worker read them; a hold whose time is over holds nothing."""
        loaded = self._cloud.invocation.loaded
        if loaded is None:
            return
        holds = [("the case", kind) for kind, hold in loaded.profile.holds.items() if self._runs(hold)]
        holds += [("the case", HoldKind.DISPUTE)] if loaded.profile.is_disputed else []
        for name in invoices:
            known = loaded.invoices.get(name)
            holds += [(name, kind) for kind, hold in (known.holds.items() if known else ()) if self._runs(hold)]
        for held, kind in holds:
            self._violated(about, f"though {held} was held: {kind.value}")

    def _runs(self, hold: Hold) -> bool:
        return hold.until is None or hold.until > self._cloud.true_time() + CLOCKS_APART

    def _violated(self, about: str, what: str) -> None:
        self._records.violated(f"{self._cloud.true_time():%d %b %H:%M:%S} {about} {what}")

    def claimed(self, customer: str, due: datetime) -> None:
        """A worker took a customer whose timer had been due since then."""
        late = self._cloud.true_time() - due
        if late > PUNCTUAL and self._in_peace(due - UNTROUBLED):
            self._records.violated(
                f"{self._cloud.true_time():%d %b %H:%M:%S} the timer of {customer} was found {late} late, though nothing was out of order"
            )

    def _in_peace(self, since: datetime, *, but_for_the_quota: bool = False) -> bool:
        plan, now = self._plan, self._cloud.true_time()
        spent = () if but_for_the_quota else plan.quota_spent
        spans = (*plan.storms, *plan.provider_down, *plan.mail_down, *spent, *plan.wheel_silent)
        return not any(begins <= now and ends >= since for begins, ends in spans)

    def pointed_at(self, invoice: str) -> None:
        """A webhook that names no more than this invoice was answered: a little later it must be known as it is now, or newer."""
        before, heard = self._provider.truth(invoice), self._cloud.true_time()
        self._cloud.timeline.after(TOLD, lambda: self._is_known(invoice, before, heard))

    def _is_known(self, name: str, before: Snapshot | None, heard: datetime) -> None:
        truth = self._provider.truth(name)
        if truth != before or not self._in_peace(heard - UNTROUBLED):
            return
        for customer in self._store.customers():
            known = self._store.load(customer).invoices.get(name)
            is_true = truth and known and (known.status, known.amount_due) == (truth.status, truth.amount_due)
            if known and known.is_open and not is_true:
                said = f"{known.status.value} {known.amount_due}"
                self._violated(
                    f"{name} of {customer} is {said} here,", f"though a webhook pointed at it {self._cloud.true_time() - heard} ago"
                )

    def look(self, store: MemoryCaseStore) -> None:
        """In the middle of a world, when there has been peace for long enough."""
        now = self._cloud.true_time()
        if self._in_peace(now - OVERDUE):
            self._no_timer_is_overdue(store, now - OVERDUE)
        if self._in_peace(now - OVERDUE - UNTROUBLED):
            self.nothing_is_overdue(store)
        if self._in_peace(now - OVERDUE - UNTROUBLED, but_for_the_quota=True):
            self._nothing_waits_for_mails_of_others(store, now)

    def _nothing_waits_for_mails_of_others(self, store: MemoryCaseStore, now: datetime) -> None:
        """Where all that a customer's timer has to do needs no mail, a spent quota does not keep it."""
        for customer in store.customers():
            case = store.load(customer)
            since = case.profile.due_since
            if since is None or since > now - OVERDUE or case.profile.claimed_at(now):
                continue
            works = decide(case, lambda _: self._plan.policy, now)
            mails = any(_is_mail(work) for work in works)
            for work in works:
                is_kept = not _is_mail(work) and (work.effects or not mails)
                if is_kept and _fell_due(work, case, since) <= now - OVERDUE:
                    what = f"{work.verdict.value} {work.step or work.reason} of {work.invoice}"
                    self._violated(f"{what} of {customer}", f"needs no mail, and waits for the quota since {since:%d %b %H:%M:%S}")

    def _no_timer_is_overdue(self, store: MemoryCaseStore, over: datetime) -> None:
        """Whatever lost a message, the turn on the full hour finds its timer, and each attempt moves it."""
        for customer in store.customers():
            profile = store.load(customer).profile
            if profile.due_at is not None and profile.due_at <= over:
                self._records.violated(f"{customer}: no full hour found its timer, which stands at {profile.due_at:%d %b %H:%M:%S}")

    def nothing_is_overdue(self, store: MemoryCaseStore) -> None:
        """Every open invoice that is not held has a timer; what was due an hour and a backoff ago is done: steps, fees, ends of holds."""
        now = self._cloud.true_time()
        for customer in store.customers():
            case = store.load(customer)
            if case.profile.claimed_at(now) or waits_for_a_person(case.profile.holds):
                continue
            self._holds_end(case)
            if case.profile.is_held:
                continue
            # What was held is due when it is released.
            asked = with_questions_reckoned(case, lambda _: self._plan.policy, now).invoices
            freed = max((entry.at for entry in store.written(customer) if entry.type is ActivityType.RELEASED), default=None)
            for invoice in case.invoices.values():
                if invoice.is_open and invoice.next_at and not invoice.is_held and not waits_for_approval(asked[invoice.id]):
                    self._is_armed(case.profile, invoice.id, invoice.next_step or "", max(invoice.next_at, freed or invoice.next_at))
            for invoice, fee in fees_to_charge(case):
                self._is_armed(case.profile, invoice.id, f"{fee.step} (its late fee)", max(fee.at, freed or fee.at))

    def _holds_end(self, case: Case) -> None:
        over = self._cloud.true_time() - OVERDUE
        for name, holds in [("the case", case.profile.holds), *((each.id, each.holds) for each in case.invoices.values() if each.is_open)]:
            for kind, hold in holds.items():
                if hold.until and hold.until < over:
                    self._records.violated(f"{case.profile.customer}: {name} is still held ({kind.value}), though only until {hold.until}")

    def _is_armed(self, profile: Profile, invoice: str, step: str, due: datetime) -> None:
        now = self._cloud.true_time()
        if due < now - OVERDUE:
            self._records.violated(f"{invoice} of {profile.customer}: step {step} is due since {due}, and was lost (it is {now})")
        if profile.due_at is None or profile.due_at > max(due, now + timedelta(hours=1)):
            self._records.violated(f"{profile.customer}: its timer stands at {profile.due_at}, but {invoice} is due at {due}")


def _is_mail(work: Work) -> bool:
    return any(effect.channel is Channel.EMAIL for effect in work.effects)


def _fell_due(work: Work, case: Case, since: datetime) -> datetime:
    """Not before the customer's timer did: a hold may have ended meanwhile."""
    invoice, notice = case.invoices.get(work.invoice), case.profile.notices.get(work.invoice)
    instants = [invoice.next_at if invoice and work.verdict is Verdict.RUN else None, notice.at if notice else None]
    return max([since, *(at for at in instants if at)])
