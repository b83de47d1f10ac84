"""A provider like Stripe: what is true of each invoice, and the webhooks that tell of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from dunning.domain.invoice import Snapshot, Status
from dunning.workflow.fee_port import FeeOrder
from dunning.workflow.ports import Traced
from dunning.workflow.source_events import ContactSeen, DisputeSeen, FetchKind, InvoiceSeen, NeedsFetch, SourceEvent
from tests.fakes.source import FakeSource
from tests.simulation.plans import POISONED_PHONE, Happening, Plan, What

FINAL = (Status.PAID, Status.VOID)
_NEW_STATUS = {What.PAID: Status.PAID, What.VOIDED: Status.VOID, What.GIVEN_UP: Status.UNCOLLECTIBLE}


class Provider:
    """The truth. `account` answers the product's questions about it."""

    def __init__(self, plan: Plan, clock: Callable[[], datetime], true_time: Callable[[], datetime]) -> None:
        self.account = FakeSource(clock, page_size=3)
        self._true_time = true_time
        self._contacts = dict(plan.contacts)
        self._due = dict(plan.due)
        self._points_only = plan.points_only
        self.bouncing: set[str] = set()
        self.account.contacts.update(self._contacts)
        self._numbers = count(1)
        self.charged: Callable[[FeeOrder, Snapshot], None] = lambda _order, _fee: None

    def truth(self, invoice: str) -> Snapshot | None:
        """An invoice as it is; None when it never was or was deleted."""
        return self.account.invoices.get(invoice)

    def fee_of(self, order_id: str) -> Snapshot | None:
        """The late fee with this id."""
        return next((truth for truth in self.account.invoices.values() if truth.fee_id == order_id), None)

    def write_fee(self, order: FeeOrder) -> Snapshot:
        """A late fee becomes an invoice; its id is the idempotency key: a second request finds the first. `charged` hears of it."""
        known = self.fee_of(order.id)
        if known:
            return known
        stamp = self._stamp()
        fee = Snapshot(
            source="stripe",
            customer=order.customer,
            invoice_id=f"fee_{order.id}_{next(self._numbers)}",
            number=order.id,
            status=Status.OPEN,
            currency=order.currency,
            total=order.amount,
            amount_due=order.amount,
            due=_noon(order.day + timedelta(days=order.due_in)),
            issued_at=stamp,
            stamp=stamp,
            payment_url="https://pay.example/" + order.id,
            contact=self._contacts[order.customer],
            fee_id=order.id,
            fee_for=order.invoice_id,
        )
        self.account.has(fee)
        self.charged(order, fee)
        return fee

    def happen(self, happening: Happening) -> SourceEvent | None:
        """Let it happen; answers the news that a webhook carries, if there are any."""
        match happening.what:
            case What.ISSUED:
                return self._holds(self._issued(happening))
            case What.NEW_CONTACT:
                return self._new_contact(happening.customer)
            case What.BOUNCES:
                self.bouncing.add(happening.customer)
                return None
            case What.DISPUTED:
                return self._disputed(happening)
            case What.UNDISPUTED:
                return self._undisputed(happening)
            case _:
                return self._changed(happening)

    def _issued(self, happening: Happening) -> Snapshot:
        stamp = self._stamp()
        return Snapshot(
            source="stripe",
            customer=happening.customer,
            invoice_id=happening.invoice,
            number=happening.invoice.upper(),
            status=Status.OPEN,
            currency="EUR",
            total=happening.number,
            amount_due=happening.number,
            due=_noon(self._due[happening.invoice]),
            issued_at=stamp,
            stamp=stamp,
            payment_url="https://pay.example/" + happening.invoice,
            contact=self._contacts[happening.customer],
        )

    def _changed(self, happening: Happening) -> SourceEvent | None:
        known = self.truth(happening.invoice)
        if known is None or known.status in FINAL:
            return None
        if happening.what is What.DELETED:
            del self.account.invoices[happening.invoice]
            # Stripe tells of no open invoice that it is deleted, for there a draft only can be.
            return NeedsFetch(FetchKind.INVOICE, happening.invoice, None, self._stamp()) if self._points_only else None
        if happening.what is What.REDATED and isinstance(known.due, datetime):
            return self._holds(replace(known, due=known.due + timedelta(days=happening.number % 3 + 1)))
        if happening.what is What.PARTLY_PAID:
            left = known.amount_due - happening.number
            return self._holds(replace(known, amount_due=left)) if left > 0 else None
        status = _NEW_STATUS[happening.what]
        return self._holds(replace(known, status=status, amount_due=0 if status is Status.PAID else known.amount_due))

    def _holds(self, snapshot: Snapshot) -> SourceEvent:
        self.account.has(snapshot)
        return InvoiceSeen(replace(snapshot, stamp=self._stamp()))

    def _new_contact(self, customer: str) -> SourceEvent:
        old = self._contacts[customer]
        phone = "+431234567" if old.phone == POISONED_PHONE else old.phone
        self._contacts[customer] = self.account.contacts[customer] = replace(old, email=f"new.{customer[7:]}@example.com", phone=phone)
        return ContactSeen(customer, self._contacts[customer], self._stamp())

    def _disputed(self, happening: Happening) -> SourceEvent | None:
        if self.truth(happening.invoice) is None or self._open_disputes(happening.invoice):
            return None
        charge = f"ch_{happening.invoice}"
        self.account.traces[FetchKind.CHARGE, charge] = Traced(happening.customer, (happening.invoice,))
        number = sum(dispute.charge == charge for dispute in self.account.disputes.values())
        dispute_id = f"dp_{happening.invoice}_{number}"
        return self._dispute(DisputeSeen(dispute_id, is_open=True, charge=charge, payment_intent=None, stamp=self._stamp()))

    def _undisputed(self, happening: Happening) -> SourceEvent | None:
        for dispute in self._open_disputes(happening.invoice):
            return self._dispute(replace(dispute, is_open=False, stamp=self._stamp()))
        return None

    def _dispute(self, dispute: DisputeSeen) -> SourceEvent:
        self.account.disputes[dispute.dispute_id] = dispute
        return dispute

    def _open_disputes(self, invoice: str) -> list[DisputeSeen]:
        return [dispute for dispute in self.account.disputes.values() if dispute.is_open and dispute.charge == f"ch_{invoice}"]

    def _stamp(self) -> datetime:
        """Stripe's stamps are whole seconds."""
        return self._true_time().replace(microsecond=0)


def thinned(news: SourceEvent) -> SourceEvent:
    """The same news without their content: only what they are about."""
    match news:
        case InvoiceSeen(snapshot):
            return NeedsFetch(FetchKind.INVOICE, snapshot.invoice_id, snapshot.customer, snapshot.stamp)
        case ContactSeen(customer=customer, stamp=stamp):
            return NeedsFetch(FetchKind.CUSTOMER, customer.partition(":")[2], customer, stamp)
        case _:
            return news


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
