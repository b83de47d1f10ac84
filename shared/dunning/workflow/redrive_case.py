"""What parked a case is mended: its park ends, and nothing else that holds it."""

from dataclasses import dataclass
from datetime import datetime

from dunning.domain.case import Case
from dunning.domain.holds import HoldKind
from dunning.domain.recording import Recorded
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.release_case import released


@dataclass(frozen=True, slots=True)
class RedriveCase:
    """Ends the park. A hold that a person has set, and every other, is theirs to end. Doing it twice changes nothing. Raises Retryable."""

    record: RecordSnapshot

    def __call__(self, customer: str) -> str:
        """Answers "recorded" or "nothing new", and what holds the case still."""
        others: list[str] = []

        def change(case: Case, now: datetime) -> Recorded:
            mended = released(case, (HoldKind.PARKED,), "redriven", now, self.record.actor)
            others[:] = sorted(kind.value for kind in mended.case.profile.holds)
            return mended

        outcome = self.record.change(customer, change)
        return f"{outcome}; held still: {', '.join(others)}" if others else outcome
