"""What late fees need of the outside world, and what messages show of them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from dunning.domain.invoice import Snapshot


@dataclass(frozen=True, slots=True)
class FeeOrder:
    """A late fee that is to be an invoice of its own at its source. `id` names it for ever; `amount` is in minor units.

    `customer` is the full id, `invoice_id` the bare one of the invoice it is charged on, `invoice_number` that invoice's number.
    `day` is when it was reckoned, by `lines`; it falls due `due_in` days later. It cannot be older than `not_before` (UTC).
    `booked_to`: an account's code in Xero, an item's id in QuickBooks; `tax_code` a TaxType there, a TaxCodeRef here, where a line
    needs one. All of it is the same whenever the order is repeated.
    """

    id: str
    customer: str
    invoice_id: str
    invoice_number: str
    currency: str
    amount: int
    lines: tuple[str, ...]
    day: date
    not_before: datetime
    booked_to: str | None = None
    tax_code: str | None = None
    due_in: int = 14


class FeeBook(Protocol):
    """A source, written to: late fees as invoices of their own."""

    def charge(self, order: FeeOrder) -> Snapshot:
        """The fee's invoice: found by the order's id, or finished where a worker died over it, or written. Never a second one.

        Raises Retryable when the outcome is unknown or the source cannot be reached, Permanent when it refuses for ever.
        """
        ...


@dataclass(frozen=True, slots=True)
class MessageFee:
    """A late fee that was charged on an invoice, below its row: an invoice of its own, with its page. Minor units."""

    number: str
    currency: str
    amount_due: int
    payment_url: str | None


@dataclass(frozen=True, slots=True)
class MessageProposal:
    """A late fee that waits for one of our own people: how it was reckoned, line by line. Minor units."""

    step: str
    amount: int
    lines: tuple[str, ...]
