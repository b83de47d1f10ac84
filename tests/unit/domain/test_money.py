from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.domain.money import Money, minor_digits, minor_units, nearest_minor, to_minor

CURRENCIES = st.sampled_from(["EUR", "USD", "JPY", "KRW", "KWD", "BHD"])


@pytest.mark.parametrize(
    ("minor", "currency", "major"),
    [
        (1200_50, "EUR", "1200.50"),
        (0, "EUR", "0.00"),
        (-5_00, "GBP", "-5.00"),
        (1200, "JPY", "1200"),
        (50000, "KRW", "50000"),
        (1200_500, "KWD", "1200.500"),
        (1, "BHD", "0.001"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(minor: int, currency: str, major: str) -> None:
    assert str(Money(minor, currency).as_decimal()) == major


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("5.00", "EUR", 500),
        ("5", "EUR", 500),
        ("5.00", "JPY", 5),
        ("5.50", "JPY", 6),
        ("0.01", "JPY", 1),
        ("5.00", "KWD", 5_000),
        ("0", "JPY", 0),
    ],
)
def test_a_minimum_written_once_for_all_currencies_is_rounded_up_where_a_currency_has_no_such_part(
    text: str, currency: str, minor: int
) -> None:
    assert minor_units(text, currency) == minor


@pytest.mark.parametrize(("amount", "currency"), [("0.001", "EUR"), ("0.5", "JPY"), ("0.0001", "KWD")])
def test_an_amount_finer_than_its_currency_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match=f"more decimals than {currency}"):
        to_minor(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("1332.72", "JPY", 1333),
        ("1332.50", "JPY", 1333),
        ("1332.49", "JPY", 1332),
        ("0.49", "KRW", 0),
        ("0.5", "KRW", 1),
        ("-0.4", "JPY", 0),
        ("0.30000000000000004", "USD", 30),
        ("1.005", "USD", 101),
        ("119.99999999999999", "EUR", 12000),
        ("5.684341886080802e-14", "USD", 0),
        ("12.3456", "KWD", 12346),
        ("12.34", "KWD", 12340),
        ("1e-400", "USD", 0),
        ("999999999999999.99", "USD", 99999999999999999),
    ],
)
def test_an_amount_of_books_that_are_finer_than_a_currency_is_rounded_half_up(amount: str, currency: str, minor: int) -> None:
    assert nearest_minor(Decimal(amount), currency) == minor


@pytest.mark.parametrize("amount", ["1e15", "-1e15", "1e400", "9" * 4000, "0." + "3" * 4000, "0.4" + "9" * 28])
def test_an_amount_that_cannot_be_true_is_not_rounded_either(amount: str) -> None:
    with pytest.raises(ValueError, match="cannot be true"):
        nearest_minor(Decimal(amount), "JPY")


@given(st.integers(1 - 10**15, 10**15 - 1), CURRENCIES)
def test_no_amount_changes_on_its_way_to_major_units_and_back(minor: int, currency: str) -> None:
    assert to_minor(Money(minor, currency).as_decimal(), currency) == minor


@given(st.integers(0, 10**9), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_rounding_up_never_lowers_a_minimum_and_never_by_a_whole_unit(cents: int, currency: str) -> None:
    written = Decimal(cents).scaleb(-2)
    rounded = Money(minor_units(str(written), currency), currency).as_decimal()
    assert 0 <= rounded - written < Decimal(1).scaleb(-minor_digits(currency))
