"""A person has looked: the hold `operator` ends, and what it kept waiting goes on by the rule of moving."""

from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, HoldKind
from dunning.domain.recording import Recorded
from dunning.workflow.record_snapshot import RecordSnapshot


@dataclass(frozen=True, slots=True)
class ReleaseCase:
    """Ends the hold that parks a case. Releasing twice changes nothing. Raises Retryable."""

    record: RecordSnapshot

    def __call__(self, customer: str, reason: str) -> str:
        """Answers what became of it: "recorded", or "nothing new" when the case is not parked."""

        def change(case: Case, now: datetime) -> Recorded:
            holds: dict[HoldKind, datetime] = dict(case.profile.holds)
            if HoldKind.OPERATOR not in holds:
                return Recorded(case)
            del holds[HoldKind.OPERATOR]
            released = Activity(now, ActivityType.RELEASED, f"operator: {reason}", (), None, self.record.actor)
            return Recorded(case.with_profile(replace(case.profile, holds=holds, retries=0)), (released,))

        return self.record.change(customer, change)
