"""A hold of a case ends: a person has looked. What it kept waiting goes on by the rule of moving."""

from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.activity import Activity
from dunning.domain.case import Case
from dunning.domain.holding import release_case, release_invoice
from dunning.domain.holds import FOR_A_PERSON, HoldKind
from dunning.domain.recording import Recorded
from dunning.workflow.record_snapshot import RecordSnapshot

_AT_ONCE = 30
"""Parks of single invoices ended in one transaction: two items each, of which DynamoDB takes 100."""


@dataclass(frozen=True, slots=True)
class ReleaseCase:
    """Ends holds of some kinds: what a person has set and what parked the case, unless told otherwise.

    Releasing twice changes nothing. Raises Retryable.
    """

    record: RecordSnapshot

    def __call__(self, customer: str, reason: str, *kinds: HoldKind) -> str:
        """Answers what became of it: "recorded", or "nothing new" when the case is not held so."""

        return released_in_parts(self.record, customer, kinds or FOR_A_PERSON, reason)[0]


def released_in_parts(record: RecordSnapshot, customer: str, kinds: tuple[HoldKind, ...], reason: str) -> tuple[str, list[str]]:
    """End the holds in transactions that DynamoDB takes; after a crash between two of them, calling again ends the rest.

    Answers what became of it, and what holds the case still.
    """
    left: list[str] = []
    still: list[str] = []

    def change(case: Case, now: datetime) -> Recorded:
        after = released(case, kinds, reason, now, record.actor)
        left[:] = _parked(after.case, kinds)
        still[:] = sorted(kind.value for kind in after.case.profile.holds)
        return after

    outcome = record.change(customer, change)
    for _ in range(len(left)):  # each part ends one park at least
        if left:
            record.change(customer, change)
    return outcome, still


def released(case: Case, kinds: tuple[HoldKind, ...], reason: str, now: datetime, actor: str) -> Recorded:
    """The case without these holds and, if it is parks, without those of single invoices, or of as many as one transaction takes.

    What holds the case itself ends with the last of them, so that nothing goes out of it before. Where only invoices are parked, the
    first part's may go out before the last is released.
    """
    activities: list[Activity] = []
    parked = _parked(case, kinds)
    for name in parked[:_AT_ONCE]:
        case, logged = release_invoice(case, case.invoices[name], HoldKind.PARKED, reason, now, actor)
        activities += logged
    if len(parked) > _AT_ONCE:
        return Recorded(case, tuple(activities))
    of_case: list[Activity] = []
    for kind in kinds:
        case, logged = release_case(case, kind, reason, now, actor)
        of_case += logged
    activities = [*of_case, *activities]
    return Recorded(case.with_profile(replace(case.profile, retries=0)) if activities else case, tuple(activities))


def _parked(case: Case, kinds: tuple[HoldKind, ...]) -> list[str]:
    return [name for name, invoice in case.invoices.items() if HoldKind.PARKED in kinds and HoldKind.PARKED in invoice.holds]
