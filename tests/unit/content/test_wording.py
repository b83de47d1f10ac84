"""Amounts, dates and counts as people read them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.content.wording import count, long_date, money, money_with_code, one_line, web_address


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [
        (120000, "USD", "$1,200.00"),
        (98000, "EUR", "€980.00"),
        (5, "GBP", "£0.05"),
        (12000, "JPY", "¥12,000"),
        (1234, "KWD", "KWD 1.234"),
        (123456789, "CHF", "CHF 1,234,567.89"),
        (700, "CLP", "CLP 700"),
        (0, "USD", "$0.00"),
        (-500, "EUR", "-€5.00"),
    ],
)
def test_an_amount_has_its_currency_and_the_right_decimals(minor: int, currency: str, shown: str) -> None:
    assert money(minor, currency) == shown


def test_an_amount_can_be_written_in_ascii() -> None:
    assert money_with_code(98000, "EUR") == "EUR 980.00"


@given(st.integers(-(10**15), 10**15), st.sampled_from(["USD", "JPY", "KWD"]))
def test_no_digit_of_an_amount_is_lost(minor: int, currency: str) -> None:
    digits = "".join(char for char in money(minor, currency) if char.isdigit())
    assert int(digits) == abs(minor)


def test_a_date_is_written_out() -> None:
    assert long_date(date(2026, 3, 2)) == "2 March 2026"
    assert long_date(date(2028, 2, 29)) == "29 February 2028"


def test_one_day_is_not_days() -> None:
    assert [count(n, "day") for n in (0, 1, 2, 1000)] == ["0 days", "1 day", "2 days", "1,000 days"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada\r\nBcc: victim@example.com", "Ada Bcc: victim@example.com"),
        ("  two\t\tgaps ", "two gaps"),
        ("a\u2028b\u0085c\x00d", "a b c d"),
        ("evil\u202etxt.exe", "evil txt.exe"),
        ("Zoë 金 क्\u200dष", "Zoë 金 क्\u200dष"),
    ],
)
def test_text_from_outside_becomes_one_harmless_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


@pytest.mark.parametrize(
    "link", [None, "", "javascript:alert(1)", "data:text/html,x", "https://a.example/ b", 'https://a.example/"x', "//a.example"]
)
def test_what_is_no_web_address_is_no_link(link: str | None) -> None:
    assert web_address(link) is None


def test_a_web_address_stays_as_it_is() -> None:
    assert web_address("https://invoice.stripe.com/i/acct_1/x_y?s=ap&t=1#z") == "https://invoice.stripe.com/i/acct_1/x_y?s=ap&t=1#z"
