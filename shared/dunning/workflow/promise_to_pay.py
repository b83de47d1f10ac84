"""A customer promises to pay until a date: the invoice waits until then."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from dunning.domain.case import Case
from dunning.domain.errors import Rejected
from dunning.domain.money import to_minor
from dunning.domain.promising import Word, promised
from dunning.domain.recording import Recorded
from dunning.workflow.named_invoice import named_invoice
from dunning.workflow.record_snapshot import RecordSnapshot


@dataclass(frozen=True, slots=True)
class PromiseToPay:
    """Records a promise; the same one twice changes nothing. Raises Rejected (with the policy's limits in words), Retryable."""

    record: RecordSnapshot

    def __call__(self, customer: str, invoice: str, until: date, amount: Decimal | int | None = None) -> str:
        """`invoice` is its bare id or number; `amount` minor units, or a Decimal in major ones, or None for all that is due.

        Answers "recorded", or "nothing new".
        """

        def change(case: Case, now: datetime) -> Recorded:
            found = named_invoice(case, invoice)
            try:
                minor = to_minor(amount, found.currency) if isinstance(amount, Decimal) else amount
            except ValueError as exc:
                raise Rejected(str(exc)) from exc
            policy = self.record.policies.named(found.policy)
            return Recorded(*promised(case, found, Word(until, minor), policy, now, self.record.actor))

        return self.record.change(customer, change)
