"""A person says that a customer gets no reminders, or may get them again."""

from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.case import Case
from dunning.domain.errors import Rejected
from dunning.domain.recording import Recorded
from dunning.workflow.record_snapshot import RecordSnapshot


@dataclass(frozen=True, slots=True)
class MarkDoNotChase:
    """Sets or lifts a person's mark; what waited goes on by the rule of moving. The same twice changes nothing. Raises Retryable."""

    record: RecordSnapshot

    def __call__(self, customer: str, *, on: bool) -> str:
        """Answers "recorded", "nothing new", or that the source still says so. Raises Rejected for an unknown customer."""
        still: list[bool] = []

        def change(case: Case, now: datetime) -> Recorded:
            del now  # the mark itself has no hour; what follows from it is logged with the change
            if case.profile.version == 0:
                raise Rejected(f"no customer {customer!r}: give the full id, as stripe:cus_123")
            marked = case.with_profile(replace(case.profile, do_not_chase=on))
            still[:] = [not on and marked.profile.is_not_chased]
            return Recorded(marked)

        outcome = self.record.change(customer, change)
        return "its source still says do_not_chase: lift it there" if still == [True] else outcome
