"""EventBridge's schedule expressions."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.domain.errors import Rejected
from infra.local.cron import parse_schedule

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("cron(0/10 * * * ? *)", "2026-03-04T12:10"),
        ("cron(5/10 * * * ? *)", "2026-03-04T12:05"),
        ("cron(0 4 * * ? *)", "2026-03-05T04:00"),
        ("cron(30 6,18 * * ? *)", "2026-03-04T18:30"),
        ("cron(0 9 ? * MON-FRI *)", "2026-03-05T09:00"),
        ("cron(0 9 ? * 1 *)", "2026-03-08T09:00"),
        ("cron(0 0 29 2 ? *)", "2028-02-29T00:00"),
        ("cron(15 10 1 JAN,JUL ? 2026-2030)", "2026-07-01T10:15"),
        ("rate(1 minute)", "2026-03-04T12:01"),
        ("rate(7 hours)", "2026-03-04T19:00"),
        ("rate(2 days)", "2026-03-06T12:00"),
    ],
)
def test_the_next_firing_after_wednesday_noon(expression: str, following: str) -> None:
    assert parse_schedule(expression, NOON).after(NOON) == datetime.fromisoformat(following).replace(tzinfo=UTC)


def test_a_schedule_whose_years_are_over_never_fires() -> None:
    assert parse_schedule("cron(0 0 * * ? 2020-2025)", NOON).after(NOON) is None


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1971 < moment.year < 2190), st.integers(1, 59))
def test_a_firing_every_so_many_minutes_is_after_the_last_and_never_skips(moment: datetime, step: int) -> None:
    following = parse_schedule(f"cron(0/{step} * * * ? *)", moment).after(moment)
    assert following is not None
    assert timedelta() < following - moment <= timedelta(minutes=step)
    assert following.minute % step == 0


@pytest.mark.parametrize(
    "expression",
    ["cron(0/10 * * * ?)", "cron(61 * * * ? *)", "cron(0 0 L * ? *)", "cron(0 0 ? * 2#1 *)", "rate(5 fortnights)", "every day"],
)
def test_what_is_not_understood_is_refused_with_its_text(expression: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse_schedule(expression, NOON)
    assert repr(expression) in str(refused.value)
