"""What is looked at while a world runs: every message as it is taken, every claim, and that nothing stays overdue."""

from datetime import datetime, timedelta

from dunning.domain.case import Profile
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Status
from tests.fakes.case_store import MemoryCaseStore
from tests.simulation.cloud import Cloud
from tests.simulation.plans import Plan
from tests.simulation.provider import Provider
from tests.simulation.records import Accepted, Records

PUNCTUAL = timedelta(minutes=3)
UNTROUBLED = timedelta(minutes=80)
"""Who has had peace for so long has nothing left of any trouble before: not a backoff, not an abandoned claim."""

OVERDUE = timedelta(minutes=75)


class Watch:
    """Notes every violation the moment it happens."""

    def __init__(self, plan: Plan, cloud: Cloud, provider: Provider, records: Records) -> None:
        self._plan = plan
        self._cloud = cloud
        self._provider = provider
        self._records = records

    def accepted(self, message: Accepted) -> None:
        """A channel took a message."""
        if message.channel in ("email", "sms"):
            told = {row for other in self._of(message.channel) for row in other.rows}
            for _, row in told.intersection(message.rows):
                self._violated(message, f"was sent, though {row} had been sent before: twice")
        self._records.accepted.append(message)
        if message.envelope.kind in ("reminder", "escalation"):
            for invoice in message.envelope.invoices:
                self._owed_when_asked(message, invoice)
                self._open_when_loaded(message, invoice)
            self._not_held(message)

    def _of(self, channel: str) -> list[Accepted]:
        return [message for message in self._records.accepted if message.channel == channel]

    def _owed_when_asked(self, message: Accepted, invoice: str) -> None:
        told = self._cloud.invocation.told
        asked = invoice in told
        truth = told[invoice] if asked else self._provider.truth(invoice)
        if truth is None or truth.status is not Status.OPEN:
            status = truth.status.value if truth else "gone"
            how = "said so when it was asked" if asked else "was not asked"
            self._violated(message, f"was sent though {invoice} is {status} at the provider, which {how}")

    def _open_when_loaded(self, message: Accepted, invoice: str) -> None:
        loaded = self._cloud.invocation.loaded
        known = loaded.invoices.get(invoice) if loaded else None
        if known is None or not known.is_open:
            self._violated(message, f"was sent though {invoice} was known to be {known.status.value if known else 'unknown'}")

    def _not_held(self, message: Accepted) -> None:
        loaded = self._cloud.invocation.loaded
        if loaded is None or message.channel == "team" or not loaded.profile.is_held:
            return
        holds = [kind.value for kind in loaded.profile.holds] or [HoldKind.DISPUTE.value]
        self._violated(message, f"was sent though the case was held: {', '.join(holds)}")

    def _violated(self, message: Accepted, what: str) -> None:
        about = f"{message.channel} {message.envelope.effect} of {message.envelope.customer}"
        self._records.violated(f"{message.at:%d %b %H:%M:%S} {about} {what}")

    def claimed(self, customer: str, due: datetime) -> None:
        """A worker took a customer whose timer had been due since then."""
        late = self._cloud.true_time() - due
        if late > PUNCTUAL and self._in_peace(due - UNTROUBLED):
            self._records.violated(
                f"{self._cloud.true_time():%d %b %H:%M:%S} the timer of {customer} was found {late} late, though nothing was out of order"
            )

    def _in_peace(self, since: datetime) -> bool:
        plan, now = self._plan, self._cloud.true_time()
        spans = (*plan.storms, *plan.provider_down, *plan.mail_down, *plan.quota_spent, *plan.wheel_silent)
        return not any(begins <= now and ends >= since for begins, ends in spans)

    def look(self, store: MemoryCaseStore) -> None:
        """In the middle of a world, when there has been peace for long enough."""
        if self._in_peace(self._cloud.true_time() - OVERDUE - UNTROUBLED):
            self.nothing_is_overdue(store)

    def nothing_is_overdue(self, store: MemoryCaseStore) -> None:
        """Every open invoice that is not held has a timer, and what was due an hour and a backoff ago is done."""
        now = self._cloud.true_time()
        for customer in store.customers():
            case = store.load(customer)
            profile = case.profile
            if profile.claimed_at(now) or profile.is_held:
                continue
            for invoice in case.invoices.values():
                if invoice.is_open and invoice.next_at:
                    self._is_armed(profile, invoice.id, invoice.next_step or "", invoice.next_at)

    def _is_armed(self, profile: Profile, invoice: str, step: str, due: datetime) -> None:
        now = self._cloud.true_time()
        if due < now - OVERDUE:
            self._records.violated(f"{invoice} of {profile.customer}: step {step} is due since {due}, and was lost (it is {now})")
        if profile.due_at is None or profile.due_at > max(due, now + timedelta(hours=1)):
            self._records.violated(f"{profile.customer}: its timer stands at {profile.due_at}, but {invoice} is due at {due}")
