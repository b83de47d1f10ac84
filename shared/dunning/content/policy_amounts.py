"""Amounts by currency, and late fees, as a policy writes them."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from dunning.content.policy_values import currency_code, day_of_calendar, decimal_text, minor_amount, percentage
from dunning.content.sections import Section
from dunning.domain.errors import Rejected
from dunning.domain.fees import Amounts, Basis, FeeMode, LateFee

EXAMPLE_AMOUNTS = '{EUR: "25.00", default: "25.00"}'
_EXAMPLE_FEE = '{percent: "1.5", basis: contract}'
_EXAMPLE_RATES = '{2025-12-31: "3.75"}'
_PERCENTAGES = ("percent", "interest_per_day", "interest_per_year")
_BY_CONTRACT = ("fixed", *_PERCENTAGES, "minimum")
_KEYS = frozenset({*_BY_CONTRACT, "cap", "basis", "mode", "rates", "booked_to", "tax_code"})
_EXAMPLES_TAX_CODE = {"xero": '{xero: "NONE"}', "quickbooks": '{quickbooks: "NON"}'}
_EXAMPLES_BOOKED_TO = {"xero": '{xero: "260"}', "quickbooks": '{quickbooks: "19"}'}


def read_amounts(section: Section, key: str, example: str = EXAMPLE_AMOUNTS) -> Amounts | None:
    """Amounts in major units by currency, with a default for the others; or one text for all. None when absent or refused."""
    if key in section.values and not isinstance(section.values[key], dict):
        try:
            return Amounts({}, Decimal(decimal_text(section.values[key])))
        except Rejected as error:
            section.refuse(key, f"{error}, or by currency, as {example}")
            return None
    amounts = section.section(key, example)
    if amounts is None:
        return None
    by_currency: dict[str, int] = {}
    default: Decimal | None = None
    for name, value in amounts.values.items():
        try:
            if name == "default":
                default = Decimal(decimal_text(value))
            else:
                by_currency[name] = minor_amount(value, currency_code(name))
        except Rejected as error:
            amounts.refuse(name, str(error))
    if not amounts.values:
        section.refuse(key, f"names no amount: write {example}, or remove it")
    return Amounts(by_currency, default)


def read_late_fee(step: Section) -> LateFee | None:
    """A step's late fee; None when absent or refused."""
    fee = step.section("late_fee", _EXAMPLE_FEE)
    if fee is None or not step.uses("late_fee", "late_fee"):
        return None
    fee.only(_KEYS)
    basis = fee.choice("basis", {basis.value: basis for basis in Basis}, Basis.CONTRACT)
    if "basis" not in fee.values:
        fee.refuse("basis", f"missing: say by what right, as basis: {' or '.join(Basis)}")
    found = LateFee(
        basis=basis,
        mode=fee.choice("mode", {mode.value: mode for mode in FeeMode}, FeeMode.PROPOSE),
        fixed=read_amounts(fee, "fixed"),
        percent=_percentage(fee, "percent"),
        interest_per_day=_percentage(fee, "interest_per_day"),
        interest_per_year=_percentage(fee, "interest_per_year"),
        minimum=read_amounts(fee, "minimum"),
        cap=read_amounts(fee, "cap"),
        booked_to=_by_source(fee, "booked_to", _EXAMPLES_BOOKED_TO),
        tax_code=_by_source(fee, "tax_code", _EXAMPLES_TAX_CODE),
        rates=_rates(fee),
    )
    if basis is Basis.CONTRACT:
        _refuse_half_a_contract(fee)
    else:
        _refuse_what_the_law_sets(fee, basis)
    _refuse_a_minimum_over_the_cap(fee, found)
    return found


def _percentage(fee: Section, key: str) -> Decimal | None:
    if key not in fee.values:
        return None
    try:
        return percentage(fee.values[key])
    except Rejected as error:
        fee.refuse(key, str(error))
        return None


def _by_source(fee: Section, key: str, examples: Mapping[str, str]) -> Mapping[str, str]:
    """What a fee's line needs at Xero and at QuickBooks; Stripe needs none."""
    section = fee.section(key, examples["xero"])
    if section is None:
        return {}
    section.only(examples)
    if not section.values:
        fee.refuse(key, f"names nothing: write {examples['xero']}, or remove it")
    found = {source: section.text(source, example) for source, example in examples.items()}
    return {source: code.strip() for source, code in found.items() if code}


def _rates(fee: Section) -> Mapping[date, Decimal]:
    section = fee.section("rates", _EXAMPLE_RATES)
    rates: dict[date, Decimal] = {}
    for key, value in (section.values if section else {}).items():
        try:
            rates[day_of_calendar(key)] = Decimal(0) if value in (0, "0", "0.00") else percentage(value)
        except Rejected as error:
            fee.refuse(f"rates.{key}", str(error))
    return rates


def _refuse_half_a_contract(fee: Section) -> None:
    if not fee.values.keys() & {"fixed", *_PERCENTAGES}:
        fee.refuse(None, "charges nothing: give it fixed, percent, interest_per_day or interest_per_year")
    if "interest_per_day" in fee.values and "interest_per_year" in fee.values:
        fee.refuse("interest_per_day", "interest by the day and by the year at once: keep one")
    if "rates" in fee.values:
        fee.refuse("rates", "reference rates belong to statutory_uk and statutory_eu: remove it")


def _refuse_what_the_law_sets(fee: Section, basis: Basis) -> None:
    for key in _BY_CONTRACT:
        if key in fee.values:
            fee.refuse(key, f"{basis.value} sets what may be charged: remove it, or write basis: contract")
    if not fee.values.get("rates"):
        whose = "the Bank of England's base rate" if basis is Basis.STATUTORY_UK else "the ECB's reference rate"
        fee.refuse("rates", f"missing: give {whose} by the day from which it was in force, as {_EXAMPLE_RATES}")


def _refuse_a_minimum_over_the_cap(fee: Section, found: LateFee) -> None:
    if found.minimum is None or found.cap is None:
        return
    for currency in sorted({*found.minimum.by_currency, *found.cap.by_currency, "EUR"}):
        least, most = found.minimum.in_currency(currency), found.cap.in_currency(currency)
        if least is not None and most is not None and least > most:
            fee.refuse("minimum", f"is more than the cap in {currency}: lower it, or raise the cap")
            return
