"""A hold of a case ends: a person has looked. What it kept waiting goes on by the rule of moving."""

from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.activity import Activity
from dunning.domain.case import Case
from dunning.domain.holding import release_case, release_invoice
from dunning.domain.holds import FOR_A_PERSON, HoldKind
from dunning.domain.recording import Recorded
from dunning.workflow.record_snapshot import RecordSnapshot


@dataclass(frozen=True, slots=True)
class ReleaseCase:
    """Ends holds of some kinds: what a person has set and what parked the case, unless told otherwise.

    Releasing twice changes nothing. Raises Retryable.
    """

    record: RecordSnapshot

    def __call__(self, customer: str, reason: str, *kinds: HoldKind) -> str:
        """Answers what became of it: "recorded", or "nothing new" when the case is not held so."""

        def change(case: Case, now: datetime) -> Recorded:
            return released(case, kinds or FOR_A_PERSON, reason, now, self.record.actor)

        return self.record.change(customer, change)


def released(case: Case, kinds: tuple[HoldKind, ...], reason: str, now: datetime, actor: str) -> Recorded:
    """The case without these holds, and without the parks of single invoices if it is parks; nothing to log when it has none of them."""
    activities: list[Activity] = []
    for kind in kinds:
        case, logged = release_case(case, kind, reason, now, actor)
        activities += logged
    parked = [invoice for invoice in case.invoices.values() if HoldKind.PARKED in kinds and HoldKind.PARKED in invoice.holds]
    for invoice in parked:
        case, logged = release_invoice(case, invoice, HoldKind.PARKED, reason, now, actor)
        activities += logged
    return Recorded(case.with_profile(replace(case.profile, retries=0)) if activities else case, tuple(activities))
