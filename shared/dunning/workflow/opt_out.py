"""A customer does not want a channel any more, or wants it again: by a link, or by a word such as STOP."""

from dataclasses import dataclass
from datetime import datetime

from dunning.domain.case import Case
from dunning.domain.opting_out import opted_in, opted_out
from dunning.domain.recording import Recorded
from dunning.workflow.record_snapshot import RecordSnapshot

EMAIL, SMS = "email", "sms"


@dataclass(frozen=True, slots=True)
class OptOut:
    """Puts the wish down; the plan goes on by what is left, and the team is told where nothing is. The same twice changes nothing."""

    record: RecordSnapshot

    def __call__(self, customer: str, channel: str, reason: str) -> str:
        """No more of this channel ("email", "sms"). Answers "recorded" or "nothing new". Raises Retryable."""

        def change(case: Case, now: datetime) -> Recorded:
            return Recorded(*opted_out(case, channel, reason, now, self.record.actor))

        return self.record.change(customer, change)

    def again(self, customer: str, channel: str, reason: str) -> str:
        """The channel may be used again."""

        def change(case: Case, now: datetime) -> Recorded:
            return Recorded(*opted_in(case, channel, reason, now, self.record.actor))

        return self.record.change(customer, change)
