"""A person has dealt with a customer's answer."""

from dataclasses import dataclass
from datetime import datetime

from dunning.domain.case import Case
from dunning.domain.recording import Recorded
from dunning.domain.replying import handled
from dunning.workflow.named_invoice import require_known
from dunning.workflow.record_snapshot import RecordSnapshot


@dataclass(frozen=True, slots=True)
class HandleReply:
    """Ends the hold `reply`; what it held runs by the rule of moving. Twice changes nothing. Raises Rejected, Retryable."""

    record: RecordSnapshot

    def __call__(self, customer: str, reason: str) -> str:
        """Answers "recorded", or "nothing new" when no answer waits."""

        def change(case: Case, now: datetime) -> Recorded:
            require_known(case)
            return Recorded(*handled(case, reason, now, self.record.actor))

        return self.record.change(customer, change)
