"""A customer, or a person for them, disputes an invoice: it waits, and its siblings go on."""

from dataclasses import dataclass
from datetime import date, datetime

from dunning.domain.case import Case
from dunning.domain.holding import hold_invoice, release_invoice
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.recording import Recorded
from dunning.workflow.hold_case import end_of_hold
from dunning.workflow.named_invoice import named_invoice, open_invoice
from dunning.workflow.record_snapshot import RecordSnapshot


@dataclass(frozen=True, slots=True)
class DisputeInvoice:
    """Begins and ends the hold `dispute` of one invoice (bare id or number). Each twice changes nothing. Raises Rejected, Retryable.

    A dispute at the source (a chargeback) is another thing: it holds the whole case, and ends there.
    """

    record: RecordSnapshot

    def begin(self, customer: str, invoice: str, reason: str, until: date | datetime | None = None) -> str:
        """Answers "recorded" or "nothing new"."""

        def change(case: Case, now: datetime) -> Recorded:
            found = open_invoice(case, invoice)
            hold = Hold(now, end_of_hold(case, until, now, self.record.policies), reason)
            return Recorded(*hold_invoice(case, found, HoldKind.DISPUTE, hold, self.record.actor))

        return self.record.change(customer, change)

    def end(self, customer: str, invoice: str, reason: str) -> str:
        """Answers "recorded", or "nothing new" for an invoice that is not disputed."""

        def change(case: Case, now: datetime) -> Recorded:
            found = named_invoice(case, invoice)
            return Recorded(*release_invoice(case, found, HoldKind.DISPUTE, reason, now, self.record.actor))

        return self.record.change(customer, change)
