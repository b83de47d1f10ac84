from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dunning.domain.errors import Retryable
from dunning.providers.http_client import HttpAnswer, retry_at
from dunning.providers.http_client_pace import Limit, Pace

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def asks_for(retry_after: str | None) -> datetime:
    headers = {"retry-after": retry_after} if retry_after is not None else {}
    return retry_at(HttpAnswer(429, headers, b""), NOW, MINUTE)


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("41", 41),
        ("Mon, 02 Mar 2026 08:02:00 GMT", 120),
        (None, 60),
        ("soon", 60),
        ("", 60),
        ("-5", 60),
        ("Mon, 02 Mar 2026 07:00:00 GMT", 1),
        ("99999999999999", 86400),
    ],
)
def test_a_provider_is_asked_again_when_it_says(retry_after: str | None, seconds: int) -> None:
    assert asks_for(retry_after) == NOW + timedelta(seconds=seconds)


def test_amounts_are_read_exactly() -> None:
    assert HttpAnswer(200, {}, b'{"Balance": 1018.10}').json() == {"Balance": Decimal("1018.10")}


@pytest.mark.parametrize("content", [b"", b"[]", b"<html>", b'{"Balance": NaN}', b"[" * 100_000])
def test_what_is_no_json_object_is_none(content: bytes) -> None:
    assert HttpAnswer(200, {}, content).json() is None


class Paced:
    """A pace of two a second and three a minute."""

    def __init__(self) -> None:
        self.now = NOW
        self.pace = Pace("xero", [Limit(2, timedelta(seconds=1)), Limit(3, MINUTE)], lambda: self.now)

    def refused_until(self, account: str = "acme") -> datetime | None:
        with pytest.raises(Retryable) as refused:
            self.pace.take(account)
        return refused.value.retry_at


def test_every_limit_is_kept_account_by_account() -> None:
    paced = Paced()
    paced.pace.take("acme")
    paced.pace.take("acme")
    assert paced.refused_until() == NOW + timedelta(seconds=1)
    paced.pace.take("beta")
    paced.now += timedelta(seconds=1)
    paced.pace.take("acme")
    assert paced.refused_until() == NOW + MINUTE
    paced.now = NOW + MINUTE
    paced.pace.take("acme")


def test_what_the_provider_says_goes_before_our_own_count() -> None:
    paced = Paced()
    paced.pace.closed("acme", NOW + timedelta(hours=2))
    paced.pace.closed("acme", NOW + timedelta(hours=1))
    assert paced.refused_until() == NOW + timedelta(hours=2)
    paced.pace.take("beta")


def test_a_share_of_a_limit_is_never_nothing() -> None:
    assert Limit(10, MINUTE).shared(0.25) == Limit(2, MINUTE)
    assert Limit(1, MINUTE).shared(0.25) == Limit(1, MINUTE)
