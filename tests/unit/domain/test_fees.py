"""Late fees, worked out by hand to the cent."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.domain.fees import Amounts, Basis, Debt, FeeProposal, FeeRefused, LateFee, late_fee

BASE_RATE = {date(2025, 5, 8): Decimal("4.25"), date(2025, 8, 7): Decimal("4.00"), date(2025, 12, 18): Decimal("3.75")}
ECB_RATE = {date(2025, 6, 11): Decimal("2.15"), date(2026, 1, 1): Decimal("2.15"), date(2026, 7, 1): Decimal("2.40")}
"""The table for tests: the entry of July 2026 is invented, so that a half-year with another rate can be shown."""

UK = LateFee(Basis.STATUTORY_UK, rates=BASE_RATE)
EU = LateFee(Basis.STATUTORY_EU, rates=ECB_RATE)


def contract(
    *,
    fixed: Amounts | None = None,
    percent: str | None = None,
    per_day: str | None = None,
    per_year: str | None = None,
    minimum: Amounts | None = None,
    cap: Amounts | None = None,
) -> LateFee:
    """A fee by contract, with its percentages as written."""
    rates = [None if text is None else Decimal(text) for text in (percent, per_day, per_year)]
    return LateFee(Basis.CONTRACT, fixed=fixed, percent=rates[0], interest_per_day=rates[1], interest_per_year=rates[2],
                   minimum=minimum, cap=cap)  # fmt: skip


def each(**by_currency: int) -> Amounts:
    """Amounts in minor units by currency."""
    return Amounts(by_currency)


def owing(amount: int, currency: str, due: str) -> Debt:
    return Debt(amount, currency, date.fromisoformat(due), is_business=True)


@dataclass(frozen=True)
class Worked:
    """One line of the table: what is owed, since when, the day of the fee, the terms, and the fee in minor units."""

    owed: int
    currency: str
    due: str
    today: str
    terms: LateFee
    fee: int


WORKED = [
    # Fixed and percent. 1.5 % of 1,200.00 is 18.00; 1.5 % of 333.33 is 4.99995, so 5.00; of 0.33 it is 0.00495, nothing.
    Worked(1_200_00, "EUR", "2026-03-10", "2026-03-20", contract(fixed=each(EUR=25_00)), 25_00),
    Worked(1_200_00, "EUR", "2026-03-10", "2026-03-20", contract(percent="1.5"), 18_00),
    Worked(333_33, "EUR", "2026-03-10", "2026-03-20", contract(percent="1.5"), 5_00),
    Worked(1_200_00, "EUR", "2026-03-10", "2026-03-20", contract(fixed=each(EUR=25_00), percent="1.5"), 43_00),
    # Half up: 2.5 % of 0.20 is 0.005, a cent; 2.5 % of 0.60 is 0.015, two cents (not to the even one).
    Worked(20, "EUR", "2026-03-10", "2026-03-20", contract(percent="2.5"), 1),
    Worked(60, "EUR", "2026-03-10", "2026-03-20", contract(percent="2.5"), 2),
    # Once, at the end: 0.4 + 0.4 of a cent is 0.8, a cent; rounded one by one it would be nothing.
    Worked(40, "EUR", "2026-03-10", "2026-03-11", contract(percent="1", per_day="1"), 1),
    # Interest per day: 0.05 % x 10 days x 1,000.00 = 5.00. The due date itself bears none: one day late is one day.
    Worked(1_000_00, "USD", "2026-03-10", "2026-03-20", contract(per_day="0.05"), 5_00),
    Worked(1_000_00, "USD", "2026-03-10", "2026-03-11", contract(per_day="0.05"), 50),
    # Interest per year: 9 % x 1,000.00 x 30/365 = 7.397..; a whole year is 90.00; a leap year has 366 days of 1/365.
    Worked(1_000_00, "USD", "2026-03-10", "2026-04-09", contract(per_year="9"), 7_40),
    Worked(1_000_00, "USD", "2026-03-10", "2027-03-10", contract(per_year="9"), 90_00),
    Worked(1_000_00, "USD", "2027-12-31", "2028-12-31", contract(per_year="9"), 90_25),
    # Across the change of the clocks a day is a day: 29 March 2026 in Europe.
    Worked(1_000_00, "EUR", "2026-03-27", "2026-03-30", contract(per_day="1"), 30_00),
    # Simple, not compound: 1 % a day for 100 days is 100 %, not 170 %.
    Worked(100_00, "EUR", "2026-03-10", "2026-06-18", contract(per_day="1"), 100_00),
    # Minimum and cap.
    Worked(100_00, "EUR", "2026-03-10", "2026-03-20", contract(percent="1.5", minimum=each(EUR=5_00)), 5_00),
    Worked(100_000_00, "EUR", "2026-03-10", "2026-03-20", contract(percent="1.5", cap=each(EUR=250_00)), 250_00),
    Worked(1_000_00, "EUR", "2026-03-10", "2026-03-20", contract(percent="1.5", minimum=each(EUR=5_00), cap=each(EUR=250_00)), 15_00),
    # Yen have no cents: 1.5 % of 12,345 is 185.175, so 185; of 12,367 it is 185.505, so 186. Dinars have a thousand fils.
    Worked(12_345, "JPY", "2026-03-10", "2026-03-20", contract(percent="1.5"), 185),
    Worked(12_367, "JPY", "2026-03-10", "2026-03-20", contract(percent="1.5"), 186),
    Worked(1_234_567, "KWD", "2026-03-10", "2026-03-20", contract(percent="1.5"), 18_519),
    Worked(50_000, "JPY", "2026-03-10", "2026-03-20", contract(fixed=Amounts({}, Decimal("25.50"))), 26),
    Worked(50_000, "KWD", "2026-03-10", "2026-03-20", contract(fixed=Amounts({}, Decimal("25.50"))), 25_500),
    # UK: due 31 January 2026, so the base rate of 31 December 2025: 3.75 %. 11.75 % x 999.99 x 28/365 = 9.0136.. and 40.00.
    Worked(999_99, "GBP", "2026-01-31", "2026-02-28", UK, 49_01),
    # One penny more is a debt from 1,000: 9.0137.. and 70.00. One below 10,000: 90.1369.. and 70.00. From 10,000: 100.00.
    Worked(1_000_00, "GBP", "2026-01-31", "2026-02-28", UK, 79_01),
    Worked(9_999_99, "GBP", "2026-01-31", "2026-02-28", UK, 160_14),
    Worked(10_000_00, "GBP", "2026-01-31", "2026-02-28", UK, 190_14),
    # Due 30 June: interest starts on 1 July, so the rate of 30 June counts: 12.25 % x 1,000 x 30/365 = 10.0685.
    Worked(1_000_00, "GBP", "2025-06-30", "2025-07-30", UK, 80_07),
    # It stays 12.25 % into the next half-years: 1,000 x 12.25 % x 245/365 = 82.2260.
    Worked(1_000_00, "GBP", "2025-06-30", "2026-03-02", UK, 152_23),
    # Due 29 June 2025: interest starts on the 30th, still in the first half-year, whose rate is not in the table: see below.
    # EU: 10.15 % x 1,000 x 30/365 = 8.3424 and 40.00.
    Worked(1_000_00, "EUR", "2026-01-31", "2026-03-02", EU, 48_34),
    # Each half-year at its own rate: 10.15 % for 30 days of June, 10.40 % for 31 of July: 8.3424 + 8.8328 = 17.1752.
    Worked(1_000_00, "EUR", "2026-05-31", "2026-07-31", EU, 57_18),
    # Over the turn of the year: 31 days of December and 31 of January at 10.15 %: 17.2410.
    Worked(1_000_00, "EUR", "2025-11-30", "2026-01-31", EU, 57_24),
]


@pytest.mark.parametrize("case", WORKED, ids=[f"{c.terms.basis} {c.currency} {c.owed} {c.due} {c.today}" for c in WORKED])
def test_a_fee_is_right_to_the_cent(case: Worked) -> None:
    fee = late_fee(case.terms, owing(case.owed, case.currency, case.due), date.fromisoformat(case.today))
    assert isinstance(fee, FeeProposal)
    assert (fee.amount, fee.currency) == (case.fee, case.currency)


LATE = owing(1_200_00, "EUR", "2026-03-10")
THAT_DAY = date(2026, 3, 20)


@pytest.mark.parametrize(
    ("terms", "debt", "reason"),
    [
        (contract(percent="1.5"), replace(LATE, amount_due=0), "nothing is owed"),
        (contract(percent="1.5"), replace(LATE, amount_due=-5), "nothing is owed"),
        (contract(percent="1.5"), replace(LATE, due_date=THAT_DAY), "not overdue before 21 March 2026"),
        (contract(percent="1.5"), replace(LATE, is_disputed=True), "the amount is disputed"),
        (contract(percent="1.5"), replace(LATE, is_fee=True), "a fee bears no fee"),
        (contract(percent="1.5"), replace(LATE, amount_due=33), "the fee comes to less than the smallest amount in EUR"),
        (contract(fixed=each(USD=25_00)), LATE, "the policy names no fixed fee in EUR"),
        (contract(percent="1.5", cap=each(USD=25_00)), LATE, "the policy names no cap in EUR"),
        (contract(percent="1.5", minimum=each(USD=25_00)), LATE, "the policy names no minimum in EUR"),
        (contract(per_day="1"), replace(LATE, charged_until=THAT_DAY), "interest was already charged up to today"),
        (EU, replace(LATE, is_business=False), "the statutory scheme is for debts between businesses"),
        (EU, replace(LATE, is_disputed=True), "the amount is disputed"),
        (EU, replace(LATE, charged_until=THAT_DAY, compensated=True), "interest was already charged up to today"),
        (EU, replace(LATE, currency="USD"), "the statutory sums are set in EUR, and this invoice is in USD"),
        (UK, LATE, "the statutory sums are set in GBP, and this invoice is in EUR"),
        (UK, owing(100_00, "GBP", "2025-06-29"), "do not say which one was in force on 31 December 2024: add it"),
        (replace(UK, rates={date(2019, 1, 1): Decimal("0.75")}), owing(100_00, "GBP", "2026-01-31"), "in force on 31 December 2025"),
        (replace(EU, rates={}), LATE, "in force on 1 January 2026: add it"),
    ],
)
def test_a_fee_that_may_not_be_charged_is_refused_with_its_reason(terms: LateFee, debt: Debt, reason: str) -> None:
    fee = late_fee(terms, debt, THAT_DAY)
    assert isinstance(fee, FeeRefused)
    assert reason in fee.reason


def test_consumers_and_unknown_customers_may_agree_a_fee_by_contract() -> None:
    assert isinstance(late_fee(contract(percent="1.5"), replace(LATE, is_business=False), THAT_DAY), FeeProposal)


def test_the_reckoning_can_be_read() -> None:
    fee = late_fee(UK, owing(999_99, "GBP", "2026-01-31"), date(2026, 2, 28))
    assert isinstance(fee, FeeProposal)
    law, interest, total = fee.lines
    assert law == "fixed sum by law: GBP 40.00"
    assert interest.startswith("11.75 % a year (8 points over the Bank of England's 3.75 % of 31 December 2025) on GBP 999.99 for 28 days,")
    assert interest.endswith(" 1 February 2026 to 28 February 2026: GBP 9.0136")
    assert total == "late fee: GBP 49.01"


def test_a_cap_says_that_it_bound() -> None:
    fee = late_fee(contract(percent="10", cap=each(EUR=50_00)), LATE, THAT_DAY)
    assert isinstance(fee, FeeProposal)
    assert fee.lines == ("10 % of EUR 1,200.00: EUR 120.0000", "held to the cap of EUR 50.00", "late fee: EUR 50.00")


def test_a_second_statutory_fee_takes_the_new_days_and_no_second_sum() -> None:
    debt = owing(1_000_00, "EUR", "2026-01-31")
    first = late_fee(EU, debt, date(2026, 3, 2))
    assert isinstance(first, FeeProposal)
    second = late_fee(EU, replace(debt, charged_until=first.charged_until, compensated=first.compensated), date(2026, 4, 1))
    assert isinstance(second, FeeProposal)
    assert (first.amount, second.amount) == (48_34, 8_34)


def test_a_fixed_fee_leaves_the_days_before_it_to_a_later_interest() -> None:
    fixed = late_fee(contract(fixed=each(EUR=25_00)), LATE, THAT_DAY)
    assert isinstance(fixed, FeeProposal)
    assert fixed.charged_until is None


PERCENT = st.integers(0, 5_000).map(lambda hundredths: Decimal(hundredths).scaleb(-2))
SOME = st.integers(0, 500_00).map(lambda minor: Amounts({"EUR": minor, "GBP": minor, "JPY": minor}))
CONTRACTS = st.builds(
    LateFee, st.just(Basis.CONTRACT), fixed=st.none() | SOME, percent=PERCENT, interest_per_day=st.none() | PERCENT,
    interest_per_year=st.none() | PERCENT, minimum=st.none() | SOME, cap=st.none() | SOME,
)  # fmt: skip
TERMS = st.one_of(st.tuples(CONTRACTS, st.sampled_from(["EUR", "JPY"])), st.just((EU, "EUR")), st.just((UK, "GBP")))
DAYS = st.dates(date(2026, 1, 2), date(2026, 12, 30))


def charged(terms: LateFee, debt: Debt, today: date) -> int:
    fee = late_fee(terms, debt, today)
    return fee.amount if isinstance(fee, FeeProposal) else 0


@given(TERMS, st.integers(0, 10**9), st.integers(0, 10**9), DAYS, st.integers(-5, 200))
def test_more_money_owed_never_means_fewer_fees(terms: tuple[LateFee, str], less: int, more: int, due: date, days: int) -> None:
    lower, higher = (Debt(amount, terms[1], due, is_business=True) for amount in sorted((less, more)))
    today = due + timedelta(days=days)
    assert charged(terms[0], lower, today) <= charged(terms[0], higher, today)


@given(TERMS, st.integers(1, 10**9), DAYS, st.integers(1, 100), st.integers(1, 100))
def test_a_later_day_never_means_fewer_fees(terms: tuple[LateFee, str], owed: int, due: date, days: int, more: int) -> None:
    debt = Debt(owed, terms[1], due, is_business=True)
    sooner = due + timedelta(days=days)
    assert charged(terms[0], debt, sooner) <= charged(terms[0], debt, sooner + timedelta(days=more))


@given(st.integers(1, 10**7), DAYS, st.integers(1, 90), st.integers(1, 90))
def test_interest_charged_in_two_parts_is_that_of_the_whole_but_for_a_cents_rounding(owed: int, due: date, days: int, more: int) -> None:
    terms, debt = contract(per_year="9"), Debt(owed, "EUR", due, is_business=True)
    middle = due + timedelta(days=days)
    end = middle + timedelta(days=more)
    parts = charged(terms, debt, middle) + charged(terms, replace(debt, charged_until=middle), end)
    assert abs(parts - charged(terms, debt, end)) <= 1


def test_a_minimum_that_the_source_cannot_take_is_rounded_down_as_every_fee_is_and_the_reckoning_says_so() -> None:
    """In the debtor's favour (docs/late-fees.md): whoever wants no less names a minimum that the source takes."""
    dinars = replace(owing(10_000, "KWD", "2026-03-10"), smallest=10)
    for minimum, amount in ((1_005, 1_000), (1_010, 1_010)):
        fee = late_fee(contract(percent="1.5", minimum=each(KWD=minimum)), dinars, THAT_DAY)
        assert isinstance(fee, FeeProposal)
        assert fee.amount == amount
        raised, *rounded, _ = fee.lines[1:]
        assert raised == f"raised to the minimum of KWD 1.{minimum - 1000:03d}"
        assert rounded == (["rounded down to KWD 1.000, to whole steps of KWD 0.010"] if minimum % 10 else [])
