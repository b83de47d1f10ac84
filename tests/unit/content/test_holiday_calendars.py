"""On which days people work, by country and part."""

import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context

import pytest

from dunning.content.holiday_calendars import HolidayCalendar
from dunning.domain.errors import Permanent, Rejected


@pytest.mark.parametrize(
    ("code", "day", "closed"),
    [
        ("GB", "2026-04-07", None),
        ("GB", "2026-03-07", "weekend"),
        ("GB", "2026-04-06", "Easter Monday"),
        ("GB-SCT", "2026-04-06", None),
        ("GB", "2026-01-02", None),
        ("GB-SCT", "2026-01-02", "New Year Holiday"),
        ("GB", "2026-08-31", "Late Summer Bank Holiday"),
        ("GB-SCT", "2026-08-31", None),
        ("GB-NIR", "2026-03-17", "Saint Patrick's Day"),
        ("GB", "2026-12-28", "Boxing Day (observed)"),  # the 26th is a Saturday
        ("US", "2026-07-03", "Independence Day (observed)"),  # the 4th is a Saturday
        ("US", "2026-11-26", "Thanksgiving Day"),
        ("DE", "2026-01-06", None),
        ("DE-BY", "2026-01-06", "Epiphany"),
        ("DE", "2026-10-03", "German Unity Day"),
        ("FR", "2026-07-14", "National Day"),
        ("AT", "2026-10-26", "National Day"),
        ("JP", "2026-05-06", "Substitute Holiday"),
        ("SA", "2026-03-08", None),  # a Sunday: the week begins
        ("SA", "2026-03-06", "weekend"),  # a Friday
        ("CN", "2026-02-14", None),  # a Saturday that is worked for the days of the Spring Festival
    ],
)
def test_a_day_is_worked_or_not_where_the_customer_is(code: str, day: str, closed: str | None) -> None:
    calendar = HolidayCalendar.of(code)
    assert calendar.closed_because(date.fromisoformat(day)) == closed
    assert calendar.is_workday(date.fromisoformat(day)) == (closed is None)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("England", '"England" is not a country: write its ISO code, as GB, or GB-SCT'),
        ("gb", "is not a country"),
        ("XX", 'no calendar of holidays for "XX"'),
        ("GB-SCO", 'GB has no part "SCO"; did you mean "SCT"? (known: ENG, NIR, SCT, WLS)'),
    ],
)
def test_a_calendar_that_does_not_exist_is_refused(code: str, problem: str) -> None:
    with pytest.raises(Rejected) as refused:
        HolidayCalendar.of(code).check()
    assert problem in str(refused.value)


def test_a_calendar_that_was_never_checked_stops_the_work_and_says_what_to_mend() -> None:
    with pytest.raises(Permanent, match='calendar XX: no calendar of holidays for "XX"'):
        HolidayCalendar.of("XX").is_workday(date(2026, 1, 1))


def test_calendars_of_one_code_are_equal() -> None:
    assert HolidayCalendar.of("GB-SCT") == HolidayCalendar.of("GB-SCT") != HolidayCalendar.of("GB")


def imports_the_holidays() -> bool:
    HolidayCalendar.of("GB")
    return "holidays" in sys.modules


def test_naming_a_calendar_does_not_import_the_holidays() -> None:
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as fresh_process:
        assert not fresh_process.submit(imports_the_holidays).result()
