"""What parked a case is mended: its park ends, and nothing else that holds it."""

from dataclasses import dataclass

from dunning.domain.holds import HoldKind
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.release_case import released_in_parts


@dataclass(frozen=True, slots=True)
class RedriveCase:
    """Ends the park. A hold that a person has set, and every other, is theirs to end. Doing it twice changes nothing. Raises Retryable."""

    record: RecordSnapshot

    def __call__(self, customer: str) -> str:
        """Answers "recorded" or "nothing new", and what holds the case still."""
        outcome, others = released_in_parts(self.record, customer, (HoldKind.PARKED,), "redriven")
        return f"{outcome}; held still: {', '.join(others)}" if others else outcome
