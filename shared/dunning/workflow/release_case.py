"""A person has looked: the hold `operator` ends, and what it kept waiting goes on by the rule of moving."""

from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.case import Case
from dunning.domain.holding import release_case
from dunning.domain.holds import HoldKind
from dunning.domain.recording import Recorded
from dunning.workflow.record_snapshot import RecordSnapshot


@dataclass(frozen=True, slots=True)
class ReleaseCase:
    """Ends the hold that parks a case. Releasing twice changes nothing. Raises Retryable."""

    record: RecordSnapshot

    def __call__(self, customer: str, reason: str) -> str:
        """Answers what became of it: "recorded", or "nothing new" when the case is not parked."""

        def change(case: Case, now: datetime) -> Recorded:
            if HoldKind.OPERATOR not in case.profile.holds:
                return Recorded(case)
            after, logged = release_case(case, HoldKind.OPERATOR, reason, now, self.record.actor)
            return Recorded(after.with_profile(replace(after.profile, retries=0)), logged)

        return self.record.change(customer, change)
