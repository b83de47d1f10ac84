"""Late fees in the life of a case: what a step charges, what waits to be written to its source, and what rides with what."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dunning.domain.bounds import with_notice
from dunning.domain.calendar import local_date
from dunning.domain.case import Case, Notice
from dunning.domain.evolving import replace
from dunning.domain.fee_records import Fee, FeeState, fee_id
from dunning.domain.fees import Debt, FeeMode, FeeRefused, LateFee, late_fee
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Invoice, Status
from dunning.domain.money import Money, smallest_at
from dunning.domain.policy import Policy
from dunning.domain.timing import customer_zone, effective_due_date

WRITTEN_BY = frozenset({"stripe", "quickbooks", "xero"})
"""The sources that a fee can be written to as an invoice."""

LEFT_OVER_AFTER = timedelta(hours=72)
"""How long a customer who paid an invoice gets for its fee, before a person must say what becomes of it."""

NO_LATE_FEE = "no late fee: "
"""How the log begins to say why a step had none."""

FeesOwed = Mapping[tuple[str, str], int]
"""Minor units by the invoice (bare id) that the fees are on and their currency."""

_PROPOSAL = "fee:"
_LEFT_OVER = "fee_left:"


@dataclass(frozen=True, slots=True)
class Debtor:
    """What a fee must know of who owes: the date there, and whether fees are lawful."""

    today: date
    is_business: bool
    is_disputed: bool


def reckoned(invoice: Invoice, due_date: date | None, step: str, terms: LateFee, debtor: Debtor, now: datetime) -> Fee | FeeRefused:
    """The fee of a step as it runs, or why there is none. A step has one fee ever: also one that was declined is not proposed again."""
    if invoice.fee_of(step) is not None:
        return FeeRefused("this step has had its fee")
    if due_date is None:
        return FeeRefused("the invoice has no due date")
    if terms.mode is FeeMode.APPLY and invoice.source not in WRITTEN_BY:
        return FeeRefused(f"there is nowhere to write a fee on invoices of the source {invoice.source}: use mode: propose")
    # What lapsed was never charged; what was declined is forgiven, with its days.
    counted = [fee for fee in invoice.fees if fee.state is not FeeState.LAPSED]
    debt = Debt(
        amount_due=invoice.amount_due,
        currency=invoice.currency,
        due_date=due_date,
        is_business=debtor.is_business,
        is_disputed=debtor.is_disputed,
        is_fee=invoice.is_fee,
        charged_until=max((fee.charged_until for fee in counted if fee.charged_until), default=None),
        compensated=any(fee.compensated for fee in counted),
        smallest=smallest_at(invoice.source, invoice.currency),
    )
    found = late_fee(terms, debt, debtor.today)
    if isinstance(found, FeeRefused):
        return found
    state = FeeState.ACCEPTED if terms.mode is FeeMode.APPLY else FeeState.PROPOSED
    return Fee(step, state, found.amount, debtor.today, now, found.lines, found.charged_until, found.compensated)


def fee_as_it_stands(case: Case, invoice: Invoice, policy: Policy, step: str, terms: LateFee, now: datetime) -> Fee | FeeRefused:
    """The fee of a step that runs at `now` (UTC), on what the case knows then of the invoice and of who owes it, or why there is none."""
    contact = case.profile.contact
    debtor = Debtor(
        today=local_date(now, customer_zone(contact, policy)),
        is_business=bool(contact.is_business),
        is_disputed=case.profile.is_disputed or HoldKind.DISPUTE in invoice.holds,
    )
    # What the customer's credit covers is not overdue.
    owing = replace(invoice, amount_due=invoice.amount_due - case.covered.get(invoice.id, 0))
    return reckoned(owing, effective_due_date(invoice, policy), step, terms, debtor, now)


def in_words(fee: Fee, currency: str) -> str:
    """A fee as logs say it: `EUR 18.00 (1.5 % of EUR 1,200.00: EUR 18.0000)`."""
    reckoning = "; ".join(fee.lines[:-1])
    return money_in_words(fee.amount, currency) + (f" ({reckoning})" if reckoning else "")


def money_in_words(minor: int, currency: str) -> str:
    """Minor units as logs say them: `EUR 1,200.00`."""
    return f"{currency} {Money(minor, currency).as_decimal():,f}"


def fees_to_charge(case: Case) -> tuple[tuple[Invoice, Fee], ...]:
    """The accepted fees that are to be written to their source, oldest first; none while the case or the invoice is held."""
    if case.profile.is_held:
        return ()
    found = [
        (invoice, fee)
        for invoice in case.invoices.values()
        if invoice.fees and invoice.is_open and not invoice.is_held
        for fee in invoice.fees
        if fee.state is FeeState.ACCEPTED
    ]
    return tuple(sorted(found, key=lambda pair: (pair[1].at, pair[0].id, pair[1].step)))


def riders(case: Case, invoice_id: str) -> tuple[Invoice, ...]:
    """The open invoices of the fees on an invoice, oldest first: they are told of where it is."""
    found = [fee for fee in case.invoices.values() if fee.fee_for == invoice_id and fee.is_open and fee.amount_due > 0]
    return tuple(sorted(found, key=lambda fee: (fee.issued_at or fee.stamp, fee.id)))


def fees_owed(case: Case) -> FeesOwed:
    """What is owed of late fees: the messages about their invoices ask for them, too."""
    owed = Counter[tuple[str, str]]()
    for fee in case.invoices.values():
        if fee.fee_for and fee.is_open:
            owed[fee.fee_for, fee.currency] += max(0, fee.amount_due)
    return owed


def parent_of(fee: Invoice, case: Case, policy_of: Callable[[Invoice], Policy]) -> tuple[Invoice, str] | None:
    """The invoice and the step whose fee this is; None when the case does not hold it."""
    for invoice in case.invoices.values():
        steps = dict.fromkeys([*(known.step for known in invoice.fees), *(step.id for step in policy_of(invoice).steps)])
        step = next((step for step in steps if fee_id(invoice.customer, invoice.id, step) == fee.fee_id), None)
        if step is not None and not invoice.is_fee:
            return invoice, step
    return None


def applied(parent: Invoice, step: str, fee: Invoice, now: datetime) -> Invoice:
    """The parent, knowing that the fee of this step stands at its source. One that we know nothing of any more counts to the full."""
    known = parent.fee_of(step) or Fee(
        step, FeeState.APPLIED, fee.total, fee.stamp.date(), now, charged_until=fee.stamp.date(), compensated=True
    )
    return parent.with_fee(replace(known, state=FeeState.APPLIED, at=now, invoice=fee.id))


def lapsed(invoice: Invoice, now: datetime) -> tuple[Invoice, tuple[Fee, ...]]:
    """A closed invoice without the fees that were not charged on it yet, and which these were."""
    found = tuple(fee for fee in invoice.fees if fee.state in (FeeState.PROPOSED, FeeState.ACCEPTED))
    for fee in found:
        invoice = invoice.with_fee(replace(fee, state=FeeState.LAPSED, at=now))
    return invoice, found


def proposal_key(invoice_id: str, step: str) -> str:
    """The key of the notice that a fee waits for a person."""
    return f"{_PROPOSAL}{step}:{invoice_id}"


def is_proposal(key: str) -> bool:
    """Whether a notice is such a one."""
    return key.startswith(_PROPOSAL)


def with_left_over_task(case: Case, parent_id: str, now: datetime) -> Case:
    """The case with a task for the fees that a customer who paid their invoice left open: to chase them alone would be petty."""
    parent, left = case.invoices.get(parent_id), riders(case, parent_id)
    if parent is None or parent.status is not Status.PAID or not left:
        return case
    owed = ", ".join(f"{fee.number} ({money_in_words(fee.amount_due, fee.currency)})" for fee in left)
    reason = f"invoice {parent.number} is paid, and its late fee is not: {owed}. Collect it, or waive it by voiding that invoice"
    notice = Notice(reason, now + LEFT_OVER_AFTER, tuple(fee.id for fee in left))
    return case.with_profile(with_notice(case.profile, f"{_LEFT_OVER}{parent_id}", notice))


def is_moot(case: Case, key: str) -> bool:
    """Whether a notice about fees has nothing to say any more: answered, lapsed, paid."""
    if key.startswith(_LEFT_OVER):
        parent = case.invoices.get(key.removeprefix(_LEFT_OVER))
        return parent is None or parent.status is not Status.PAID or not riders(case, parent.id)
    if not is_proposal(key):
        return False
    step, _, invoice_id = key.removeprefix(_PROPOSAL).partition(":")
    invoice = case.invoices.get(invoice_id)
    fee = invoice.fee_of(step) if invoice else None
    return fee is None or fee.state is not FeeState.PROPOSED
