"""How many customers may hear from us for the first time on one day (`first_contacts_per_day`), largest balance first.

Timers fire one customer at a time and in no order, so nobody who is due can know alone how large the others' balances are. Therefore
each first *asks* for a place of the day (the policy's own local day), which puts it on a list ordered by balance, and waits
`GATHERING`: by then all whose hour was the same have asked. Then it looks: who is among the first of the list, as many as the day has
places, takes one; the others move to the next allowed day, which is logged once. A place is taken by a conditional write that counts,
so that those who come late never make more than the day allows; the same customer asking or taking twice has one place.
Where the sending window closes before the wait is over, who is due looks at once. Reading the list costs as many small rows as the
day has places, and only for customers who never heard from us; a policy without the limit pays nothing.
Balances of different currencies are compared by their numbers: nothing is converted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from dunning.domain.calendar import local_date, zone_of
from dunning.domain.case import Case
from dunning.domain.decision import put_off_a_day
from dunning.domain.invoice import Invoice
from dunning.domain.money import Money
from dunning.domain.policy import Policy, Step
from dunning.domain.timing import may_run
from dunning.domain.works import Verdict, Work
from dunning.workflow.ports import DayPlaces, Policies

GATHERING = timedelta(minutes=20)
"""The wheel spreads the messages of one hour over at most fifteen minutes, SQS's longest delay."""

REASON = "first_contacts_per_day"


@dataclass(frozen=True, slots=True)
class FirstContacts:
    """Lets works pass, or moves the reminders among them that would be the first that a customer hears."""

    places: DayPlaces
    policies: Policies

    def __call__(self, works: Sequence[Work], case: Case, now: datetime) -> tuple[Work, ...]:
        """The works, some of them moved. Raises Retryable."""
        if case.profile.reminded_at:
            return tuple(works)
        waits: dict[str, datetime | None] = {}
        found: list[Work] = []
        for work in works:
            invoice = case.invoices.get(work.invoice)
            policy = self.policies.named(invoice.policy) if invoice else None
            step = policy.step(work.step) if policy else None
            if invoice is None or policy is None or step is None or policy.first_contacts_per_day is None or not _reminds(work):
                found.append(work)
                continue
            if policy.name not in waits:
                waits[policy.name] = self._waits_until(case, policy, step, now)
            found.append(_moved(work, invoice, step, case, policy, now, waits[policy.name]))
        return tuple(found)

    def _waits_until(self, case: Case, policy: Policy, step: Step, now: datetime) -> datetime | None:
        """The instant at which to look at the list; now when there is no place today; None: there is one."""
        most = policy.first_contacts_per_day or 0
        day = f"{policy.name}#{local_date(now, zone_of(None, policy.timezone)).isoformat()}"
        looks_at = self.places.ask(day, case.profile.customer, balance_of(case), now) + GATHERING
        if now < looks_at and may_run(step, case.profile.contact, policy, looks_at):
            return looks_at
        has_place = self.places.is_among(day, case.profile.customer, most) and self.places.take(day, case.profile.customer, most)
        return None if has_place else now


def balance_of(case: Case) -> Decimal:
    """What the customer owes, in major units: the largest of the sums by currency."""
    sums: dict[str, int] = {}
    for invoice in case.invoices.values():
        if invoice.is_open:
            sums[invoice.currency] = sums.get(invoice.currency, 0) + invoice.amount_due
    return max((Money(amount, currency).as_decimal() for currency, amount in sums.items()), default=Decimal(0))


def _reminds(work: Work) -> bool:
    return work.verdict is Verdict.RUN and not work.begun and any(effect.kind == "reminder" for effect in work.effects)


def _moved(work: Work, invoice: Invoice, step: Step, case: Case, policy: Policy, now: datetime, until: datetime | None) -> Work:
    if until is None:
        return work
    if until > now:
        return Work(invoice.id, Verdict.MOVE, step.id, "waits for its turn among the first contacts", move_to=until)
    return put_off_a_day(invoice, step, case.profile.contact, policy, now, REASON)
