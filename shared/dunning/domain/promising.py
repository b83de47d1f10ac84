"""Promises to pay: given, kept, broken (DESIGN §7). Pure; the hold `promise` lasts until the grace after the promised day is over."""

from dataclasses import dataclass
from datetime import date, datetime

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.bounds import with_notice
from dunning.domain.calendar import local_date
from dunning.domain.case import Case, Notice
from dunning.domain.errors import Rejected
from dunning.domain.evolving import replace
from dunning.domain.holding import Held, with_hold, without_hold
from dunning.domain.holds import Hold, HoldKind, without
from dunning.domain.invoice import Invoice
from dunning.domain.money import Money
from dunning.domain.part_payments import is_credit
from dunning.domain.policy import Policy, PromiseRules
from dunning.domain.promise import Promise
from dunning.domain.spans import end_of_day
from dunning.domain.timing import customer_zone

USUAL = PromiseRules()
"""What may be promised where the policy does not say."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a customer says: the date (their own calendar, included), and the sum in minor units (None: all that is due)."""

    until: date
    amount: int | None = None


def promised(case: Case, invoice: Invoice, word: Word, policy: Policy, now: datetime, actor: str) -> Held:
    """Hold an invoice until the promised date and its grace are over. The same promise again changes nothing.

    Raises Rejected, saying why and what would do: an invoice that owes nothing, a sum that is not part of what is due, a date in
    the past or too far ahead, one promise too many.
    """
    rules = policy.promise or USUAL
    if not invoice.is_open or invoice.amount_due <= 0:
        raise Rejected(f"invoice {invoice.number} owes nothing ({invoice.status.value}): there is nothing to promise")
    promise = Promise(word.until, invoice.amount_due if word.amount is None else word.amount, invoice.amount_due)
    if invoice.promise and (invoice.promise.until, invoice.promise.amount) == (promise.until, promise.amount):
        return case, ()
    zone = customer_zone(case.profile.contact, policy)
    _require_allowed(invoice, promise, rules, local_date(now, zone))
    hold = Hold(now, end_of_day(promise.until, rules.grace, zone, policy.calendar), f"pays {promise.in_words(invoice.currency)}")
    given = replace(invoice, promise=promise, promises_made=invoice.promises_made + 1)
    held, logged = with_hold(given, HoldKind.PROMISE, hold, actor)
    return case.with_invoice(held), logged


def _require_allowed(invoice: Invoice, promise: Promise, rules: PromiseRules, today: date) -> None:
    due = f"{invoice.money_due.as_decimal()} {invoice.currency}"
    if not 0 < promise.amount <= invoice.amount_due:
        amount = Money(promise.amount, invoice.currency).as_decimal()
        raise Rejected(f"{amount} {invoice.currency} cannot be promised for invoice {invoice.number}: {due} are due")
    if promise.until < today:
        raise Rejected(f"{promise.until} lies in the past: promise a date from {today} on")
    days = (promise.until - today).days
    if days > rules.max_days:
        raise Rejected(f"{promise.until} is {days} days ahead, and the policy allows {rules.max_days} (promise.max_days): promise sooner")
    if invoice.promises_made >= rules.max_count:
        raise Rejected(
            f"invoice {invoice.number} was promised {invoice.promises_made} times already, and the policy allows {rules.max_count}"
            " (promise.max_count): hold the case instead, or let the plan go on"
        )


def with_credit_told(known: Invoice, seen: Invoice) -> Invoice:
    """The invoice as `seen`; a credit note that took off a part since it was `known` keeps no promise, it leaves less to be promised."""
    if seen.promise is None or not is_credit(known, seen):
        return seen
    return replace(seen, promise=seen.promise.less(known.amount_due - seen.amount_due))


def with_promise_kept(invoice: Invoice, now: datetime, actor: str) -> tuple[Invoice, tuple[Activity, ...]]:
    """The invoice, with its promise fulfilled if at least the promised sum has arrived; what is left over goes on in its plan."""
    promise = invoice.promise
    if promise is None or not promise.is_kept(invoice.amount_due):
        return invoice, ()
    kept = replace(invoice, promise=None, promise_broken=False)
    return without_hold(kept, HoldKind.PROMISE, f"kept: {promise.in_words(invoice.currency)}", now, actor)


def broken(case: Case, invoice: Invoice, now: datetime, actor: str) -> Held:
    """The grace is over and the money did not come: the plan goes on, and the team is told once."""
    if invoice.promise is None:
        freed, logged = without_hold(invoice, HoldKind.PROMISE, "its time is over", now, actor)
        return case.with_invoice(freed), logged
    words = f"broken: {invoice.promise.in_words(invoice.currency)} did not arrive"
    after = replace(invoice, promise=None, promise_broken=True, holds=without(invoice.holds, HoldKind.PROMISE))
    reason = f"a promise for invoice {invoice.number} was {words}"
    notice = Notice(reason, now, (invoice.id,))
    profile = with_notice(case.profile, f"promise:{invoice.id}:{invoice.promise.until}", notice)
    released = Activity(now, ActivityType.RELEASED, f"{HoldKind.PROMISE.value}: {words}", (invoice.id,), None, actor)
    return case.with_profile(profile).with_invoice(after), (released,)
