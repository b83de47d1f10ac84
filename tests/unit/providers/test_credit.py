"""Credit as Stripe writes it, and as sums of what accounting systems hold."""

from decimal import Decimal

import pytest

from dunning.providers.credits import summed
from dunning.providers.stripe_objects import credit_of


@pytest.mark.parametrize(
    ("customer", "credit"),
    [
        ({"balance": -5000, "currency": "usd"}, {"USD": 5000}),
        ({"balance": -5000, "currency": "jpy"}, {"JPY": 5000}),
        ({"balance": -500000, "currency": "isk"}, {"ISK": 5000}),
        ({"balance": 5000, "currency": "usd"}, {}),
        ({"balance": -5000, "currency": None}, {}),
        ({}, {}),
    ],
)
def test_a_negative_balance_at_stripe_is_credit(customer: dict[str, object], credit: dict[str, int]) -> None:
    assert credit_of(customer) == credit


def test_open_amounts_are_summed_by_currency_and_what_cannot_be_read_is_left_out() -> None:
    rows: list[tuple[str | None, dict[str, object], str]] = [
        ("usd", {"Balance": Decimal("10.10")}, "Balance"),
        ("USD", {"UnappliedAmt": Decimal("0.20")}, "UnappliedAmt"),
        ("KWD", {"Balance": "1.234"}, "Balance"),
        ("JPY", {"RemainingCredit": Decimal("1332.72")}, "RemainingCredit"),
        ("KRW", {"Balance": Decimal("1e400")}, "Balance"),
        ("USD", {"Balance": Decimal(-3)}, "Balance"),
        (None, {"Balance": Decimal(9)}, "Balance"),
    ]
    assert summed(rows) == {"USD": 1030, "KWD": 1234, "JPY": 1333}
