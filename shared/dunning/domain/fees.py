"""Late fees: what may be charged on an overdue invoice by a date, and why; or why nothing may.

Computed exactly and rounded once, at the end, half up to the minor unit (EUR 0.005 is a cent, JPY 0.5 a yen). Interest is simple:
it counts whole days from the day after the due date up to and including the day of the fee, on what is owed that day, and a year
has 365 of them. A fee has an invoice of its own, so no interest is ever taken on a fee. Where its source takes coarser amounts than the
currency has (`money.smallest_at`), the sum is rounded down to such a one, in the debtor's favour.

Statutory schemes, for debts between businesses:
UK: Late Payment of Commercial Debts (Interest) Act 1998, ss. 4, 5A and 6; SI 2002/1675, art. 4: 8 % over the Bank of England's base
rate of the 31 December or 30 June before interest starts to run (the rate stays, however long it runs), and once £40, £70 or £100.
EU: Directive 2011/7/EU, arts. 2, 3 and 6: 8 points over the ECB's rate of 1 January or 1 July, each half-year at its own, and once €40.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from dunning.domain.money import Money, minor_digits

STATUTORY_POINTS = Decimal(8)
DAYS_OF_A_YEAR = 365
RATE_IS_GOOD_FOR = timedelta(days=366)
"""An entry of the table of rates that is older than this on the day that counts must be confirmed by a newer one."""

_UK_SUMS = ((1_000_00, 40_00), (10_000_00, 70_00))
_UK_HIGHEST_SUM = 100_00
_EU_SUM = 40_00


class Basis(StrEnum):
    """By what right a fee is charged."""

    CONTRACT = "contract"
    STATUTORY_UK = "statutory_uk"
    STATUTORY_EU = "statutory_eu"


class FeeMode(StrEnum):
    """Whether a person accepts the fee first."""

    PROPOSE = "propose"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class Amounts:
    """An amount for each currency in its minor units; `default`, in major units, for the currencies that are not listed."""

    by_currency: Mapping[str, int] = field(default_factory=dict)
    default: Decimal | None = None

    def in_currency(self, currency: str) -> int | None:
        """Minor units, half up where the default is finer than the currency; None when nothing is said of this currency."""
        if currency in self.by_currency or self.default is None:
            return self.by_currency.get(currency)
        return _rounded(Fraction(self.default) * 10 ** minor_digits(currency))


@dataclass(frozen=True, slots=True)
class LateFee:
    """What a policy charges at one step. Percentages are of the overdue amount: `percent` once, the interests for each day.

    `rates` is the reference rate in percent by the day from which it was in force; the statutory bases need it. `minimum` and
    `cap` bound each fee. `booked_to` maps a source to what the fee's invoice is booked to there: an account's code in Xero, an
    item's id in QuickBooks; `tax_code` to the tax of its line: a TaxType in Xero, the value of a TaxCodeRef in QuickBooks.
    """

    basis: Basis
    mode: FeeMode = FeeMode.PROPOSE
    fixed: Amounts | None = None
    percent: Decimal | None = None
    interest_per_day: Decimal | None = None
    interest_per_year: Decimal | None = None
    minimum: Amounts | None = None
    cap: Amounts | None = None
    booked_to: Mapping[str, str] = field(default_factory=dict)
    tax_code: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[date, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Debt:
    """One overdue invoice as fees see it; `amount_due` in minor units.

    `charged_until`: the last day for which an earlier fee took interest. `compensated`: the statutory sum was charged before.
    `smallest`: the minor units of which a fee must be a multiple, to be written to its source.
    """

    amount_due: int
    currency: str
    due_date: date
    is_business: bool
    is_disputed: bool = False
    is_fee: bool = False
    charged_until: date | None = None
    compensated: bool = False
    smallest: int = 1


@dataclass(frozen=True, slots=True)
class FeeProposal:
    """A fee in minor units, and how it was reckoned, line by line.

    `charged_until` and `compensated` go into the next fee's Debt, so that no day and no sum is charged twice.
    """

    amount: int
    currency: str
    lines: tuple[str, ...]
    charged_until: date | None
    compensated: bool = False


@dataclass(frozen=True, slots=True)
class FeeRefused:
    """Why no fee is charged."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Part:
    """Minor units, exact, and their reckoning in words."""

    minor: Fraction
    words: str


class _Impossible(Exception):
    """No fee can be reckoned; the text is the reason."""


def late_fee(terms: LateFee, debt: Debt, today: date) -> FeeProposal | FeeRefused:
    """The fee on a debt, reckoned up to and including `today` (a date where the debtor is)."""
    reason = _barred(terms, debt, today)
    if reason is not None:
        return FeeRefused(reason)
    try:
        parts = _contractual(terms, debt, today) if terms.basis is Basis.CONTRACT else _statutory(terms, debt, today)
        return _bounded(terms, debt, today, parts)
    except _Impossible as impossible:
        return FeeRefused(str(impossible))


def _barred(terms: LateFee, debt: Debt, today: date) -> str | None:
    if debt.is_fee:
        return "a fee bears no fee"
    if debt.amount_due <= 0:
        return "nothing is owed"
    if today <= debt.due_date:
        return f"not overdue before {_day(debt.due_date + timedelta(days=1))}"
    if debt.is_disputed:
        return "the amount is disputed"
    if terms.basis is not Basis.CONTRACT and not debt.is_business:
        return "the statutory scheme is for debts between businesses, and this customer is not known to be one"
    own = {Basis.STATUTORY_UK: "GBP", Basis.STATUTORY_EU: "EUR"}.get(terms.basis)
    if own is not None and debt.currency != own:
        return f"the statutory sums are set in {own}, and this invoice is in {debt.currency}: agree a fee by contract"
    return None


def _contractual(terms: LateFee, debt: Debt, today: date) -> list[_Part]:
    parts: list[_Part] = []
    if terms.fixed is not None:
        fixed = _named(terms.fixed, "fixed fee", debt.currency)
        parts.append(_Part(Fraction(fixed), f"fixed fee: {_money(fixed, debt.currency)}"))
    if terms.percent is not None:
        share = debt.amount_due * Fraction(terms.percent) / 100
        parts.append(_part(share, f"{_percent(terms.percent)} of {_money(debt.amount_due, debt.currency)}", debt.currency))
    since = _interest_since(debt)
    if terms.interest_per_day is not None:
        parts += _interest(debt, terms.interest_per_day, "day", since, today)
    if terms.interest_per_year is not None:
        parts += _interest(debt, terms.interest_per_year, "year", since, today)
    return parts


def _statutory(terms: LateFee, debt: Debt, today: date) -> list[_Part]:
    parts: list[_Part] = []
    if not debt.compensated:
        owed, minor = (_EU_SUM, "EUR") if terms.basis is Basis.STATUTORY_EU else (_uk_sum(debt.amount_due), "GBP")
        parts.append(_Part(Fraction(owed), f"fixed sum by law: {_money(owed, minor)}"))
    since = _interest_since(debt)
    if terms.basis is Basis.STATUTORY_UK:
        reference = _before_half_year(debt.due_date + timedelta(days=1))
        return parts + _over_reference(terms, debt, reference, since, today)
    while since <= today:
        half_year = _half_year(since)
        until = min(today, _half_year(half_year + timedelta(days=190)) - timedelta(days=1))
        parts += _over_reference(terms, debt, half_year, since, until)
        since = until + timedelta(days=1)
    return parts


def _over_reference(terms: LateFee, debt: Debt, reference: date, since: date, until: date) -> list[_Part]:
    rate = _rate_on(terms.rates, reference)
    source = "the Bank of England's" if terms.basis is Basis.STATUTORY_UK else "the ECB's"
    words = f" ({STATUTORY_POINTS} points over {source} {_percent(rate)} of {_day(reference)})"
    return _interest(debt, rate + STATUTORY_POINTS, "year", since, until, words)


def _interest(debt: Debt, rate: Decimal, per: str, since: date, until: date, words: str = "") -> list[_Part]:
    days = (until - since).days + 1
    if days <= 0:
        return []
    exact = debt.amount_due * Fraction(rate) / 100 * days / (DAYS_OF_A_YEAR if per == "year" else 1)
    span = f"{days} day, {_day(since)}" if days == 1 else f"{days} days, {_day(since)} to {_day(until)}"
    return [_part(exact, f"{_percent(rate)} a {per}{words} on {_money(debt.amount_due, debt.currency)} for {span}", debt.currency)]


def _bounded(terms: LateFee, debt: Debt, today: date, parts: list[_Part]) -> FeeProposal | FeeRefused:
    exact = sum((part.minor for part in parts), Fraction())
    amount, lines = _rounded(exact), [part.words for part in parts]
    if not parts:
        return FeeRefused("interest was already charged up to today")
    if terms.minimum is not None and amount < (minimum := _named(terms.minimum, "minimum", debt.currency)):
        amount = minimum
        lines.append(f"raised to the minimum of {_money(minimum, debt.currency)}")
        exact = Fraction(minimum)
    if terms.cap is not None and amount > (cap := _named(terms.cap, "cap", debt.currency)):
        amount = cap
        lines.append(f"held to the cap of {_money(cap, debt.currency)}")
        exact = Fraction(cap)
    if debt.smallest > 1 and amount != (taken := int(exact // debt.smallest) * debt.smallest):
        amount = taken
        lines.append(f"rounded down to {_money(amount, debt.currency)}, to whole steps of {_money(debt.smallest, debt.currency)}")
    if amount <= 0:
        return FeeRefused(f"the fee comes to less than the smallest amount in {debt.currency}")
    by_law = terms.basis is not Basis.CONTRACT
    takes_interest = by_law or terms.interest_per_day is not None or terms.interest_per_year is not None
    until = today if takes_interest else debt.charged_until
    lines.append(f"late fee: {_money(amount, debt.currency)}")
    return FeeProposal(amount, debt.currency, tuple(lines), until, debt.compensated or by_law)


def _interest_since(debt: Debt) -> date:
    return max(debt.due_date, debt.charged_until or debt.due_date) + timedelta(days=1)


def _named(amounts: Amounts, what: str, currency: str) -> int:
    minor = amounts.in_currency(currency)
    if minor is None:
        raise _Impossible(f"the policy names no {what} in {currency}")
    return minor


def _uk_sum(owed: int) -> int:
    return next((charged for below, charged in _UK_SUMS if owed < below), _UK_HIGHEST_SUM)


def _half_year(day: date) -> date:
    """The first day of the half-year."""
    return date(day.year, 1 if day.month <= 6 else 7, 1)


def _before_half_year(day: date) -> date:
    """The 31 December or 30 June before the half-year."""
    return _half_year(day) - timedelta(days=1)


def _rate_on(rates: Mapping[date, Decimal], day: date) -> Decimal:
    known = max((since for since in rates if since <= day), default=None)
    if known is None or day - known > RATE_IS_GOOD_FOR:
        raise _Impossible(f"the policy's rates do not say which one was in force on {_day(day)}: add it")
    return rates[known]


def _part(exact: Fraction, words: str, currency: str) -> _Part:
    """A part shows two digits more than its currency has: only the sum is rounded."""
    finer = Decimal(_rounded(exact * 100)).scaleb(-minor_digits(currency) - 2)
    return _Part(exact, f"{words}: {currency} {finer:,f}")


def _rounded(exact: Fraction) -> int:
    """Half up."""
    return int((exact + Fraction(1, 2)) // 1)


def _money(minor: int, currency: str) -> str:
    return f"{currency} {Money(minor, currency).as_decimal():,f}"


def _percent(rate: Decimal) -> str:
    return f"{rate} %"


def _day(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"
