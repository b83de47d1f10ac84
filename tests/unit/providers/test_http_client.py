from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dunning.providers.http_client import HttpAnswer, retry_at

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
