"""Links by which a customer ends mail."""

from datetime import UTC, datetime, timedelta

import pytest

from dunning.channels.unsubscribe_links import GOOD_FOR, SignedUnsubscribeLinks
from dunning.domain.errors import Refused, Rejected, Retryable

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
CUSTOMER = "quickbooks:1111:Ünï/+ 7"


def links(key: bytes = b"a key of the tests", base: str = "https://portal.example/") -> SignedUnsubscribeLinks:
    return SignedUnsubscribeLinks(lambda: key, base)


def token(customer: str = CUSTOMER) -> str:
    url = links().url(customer, NOW)
    assert url is not None
    assert url.startswith("https://portal.example/u/")
    return url.rpartition("/")[2]


def test_a_link_names_one_customer_and_can_stand_in_an_address() -> None:
    assert links().customer(token(), NOW) == CUSTOMER
    assert set(token()) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert token("stripe:cus_1") != token("stripe:cus_2")


def test_a_link_is_good_for_ninety_days_and_no_longer() -> None:
    assert links().customer(token(), NOW + GOOD_FOR) == CUSTOMER
    with pytest.raises(Rejected, match="too old"):
        links().customer(token(), NOW + GOOD_FOR + timedelta(seconds=1))


@pytest.mark.parametrize("changed", [token()[:-1], "A" + token()[1:], token().partition(".")[0], token() + "!", "ü", ""])
def test_a_link_that_was_changed_is_refused(changed: str) -> None:
    with pytest.raises(Rejected):
        links().customer(changed, NOW)


def test_a_mark_of_one_customer_does_not_open_another() -> None:
    mine, other = token("stripe:cus_1").split("."), token("stripe:cus_2").split(".")
    with pytest.raises(Rejected):
        links().customer(f"{other[0]}.{mine[1]}", NOW)


def test_another_key_makes_all_links_invalid() -> None:
    with pytest.raises(Rejected):
        links(b"another key of tests").customer(token(), NOW)


def test_without_a_page_there_is_no_link() -> None:
    assert links(base="").url(CUSTOMER, NOW) is None


def test_a_mail_waits_for_a_key_that_cannot_be_had_now() -> None:
    def unreachable() -> bytes:
        raise Retryable("no answer")

    with pytest.raises(Refused):
        SignedUnsubscribeLinks(unreachable, "https://portal.example").url(CUSTOMER, NOW)
