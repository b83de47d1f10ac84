"""A person stops the reminders of one customer, for good or until a date."""

from dataclasses import dataclass
from datetime import date, datetime, time

from dunning.domain.calendar import at_local
from dunning.domain.case import Case
from dunning.domain.errors import Rejected
from dunning.domain.holding import hold_case
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.recording import Recorded
from dunning.domain.timing import customer_zone
from dunning.workflow.named_invoice import require_known
from dunning.workflow.ports import Policies
from dunning.workflow.record_snapshot import RecordSnapshot


@dataclass(frozen=True, slots=True)
class HoldCase:
    """Holds a case, as `operator` unless told otherwise; the same again changes nothing. Raises Rejected, Retryable."""

    record: RecordSnapshot
    kind: HoldKind = HoldKind.OPERATOR

    def __call__(self, customer: str, reason: str, until: date | datetime | None = None) -> str:
        """`until`: an instant (aware), or a date of the customer's calendar on which reminding goes on. Answers what became of it."""

        def change(case: Case, now: datetime) -> Recorded:
            require_known(case)
            hold = Hold(now, end_of_hold(case, until, now, self.record.policies), reason)
            return Recorded(*hold_case(case, self.kind, hold, self.record.actor))

        return self.record.change(customer, change)


def end_of_hold(case: Case, until: date | datetime | None, now: datetime, policies: Policies) -> datetime | None:
    """The instant (UTC) at which a hold ends that a person set. Raises Rejected for the past."""
    if until is None:
        return None
    at = until if isinstance(until, datetime) else at_local(until, time(), customer_zone(case.profile.contact, policies.named(None)))
    if at <= now:
        raise Rejected(f"{until} is not ahead of now ({now:%Y-%m-%d %H:%M} UTC): give a later end, or none")
    return at
