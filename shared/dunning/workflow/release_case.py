"""A hold of a case ends: a person has looked. What it kept waiting goes on by the rule of moving."""

from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.case import Case
from dunning.domain.holding import release_case
from dunning.domain.holds import HoldKind
from dunning.domain.recording import Recorded
from dunning.workflow.record_snapshot import RecordSnapshot


@dataclass(frozen=True, slots=True)
class ReleaseCase:
    """Ends a hold, `operator` (which also parks a case) unless told otherwise. Releasing twice changes nothing. Raises Retryable."""

    record: RecordSnapshot

    def __call__(self, customer: str, reason: str, kind: HoldKind = HoldKind.OPERATOR) -> str:
        """Answers what became of it: "recorded", or "nothing new" when the case is not held so."""

        def change(case: Case, now: datetime) -> Recorded:
            if kind not in case.profile.holds:
                return Recorded(case)
            after, logged = release_case(case, kind, reason, now, self.record.actor)
            return Recorded(after.with_profile(replace(after.profile, retries=0)), logged)

        return self.record.change(customer, change)
