"""Business days, and moving to the next of them."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.domain.calendar import is_open, local_date, moved
from dunning.domain.errors import Permanent
from dunning.domain.moving import is_allowed, moved_to_workday
from dunning.domain.policy import Window
from dunning.domain.work_calendar import EVERY_DAY, first_workday, plus_workdays, workdays_between
from tests.unit.domain.test_calendar import INSTANTS, TIMES, WINDOWS, ZONES, hours

SATURDAY, SUNDAY, FRIDAY = 5, 6, 4


@dataclass(frozen=True)
class Closed:
    """A calendar of these weekdays and holidays off."""

    weekend: frozenset[int] = frozenset({SATURDAY, SUNDAY})
    holidays: frozenset[date] = frozenset()

    def is_workday(self, day: date) -> bool:
        return day.weekday() not in self.weekend and day not in self.holidays


EASTER = Closed(holidays=frozenset({date(2026, 4, 3), date(2026, 4, 6)}))
"""Good Friday and Easter Monday of 2026, as in England."""

HOLIDAYS = st.frozensets(st.dates(date(2010, 1, 1), date(2030, 12, 31)), max_size=200) | st.just(EASTER.holidays)
CALENDARS = st.builds(
    Closed, st.sampled_from([frozenset({SATURDAY, SUNDAY}), frozenset({FRIDAY, SATURDAY}), frozenset({SUNDAY})]), HOLIDAYS
)
DAYS = st.dates(date(2011, 1, 1), date(2029, 12, 31))


@pytest.mark.parametrize(
    ("day", "count", "becomes"),
    [
        ("2026-03-10", 2, "2026-03-12"),  # Tuesday to Thursday
        ("2026-03-12", 2, "2026-03-16"),  # Thursday to Monday
        ("2026-03-14", 1, "2026-03-16"),  # from a Saturday, Monday is the first
        ("2026-03-13", 5, "2026-03-20"),
        ("2026-04-02", 1, "2026-04-07"),  # Maundy Thursday to Tuesday: Easter is over
        ("2026-04-02", 2, "2026-04-08"),
        ("2026-03-16", -1, "2026-03-13"),
        ("2026-04-07", -1, "2026-04-02"),
        ("2026-03-14", 0, "2026-03-14"),
    ],
)
def test_business_days_are_counted_over_weekends_and_holidays(day: str, count: int, becomes: str) -> None:
    assert plus_workdays(date.fromisoformat(day), count, EASTER) == date.fromisoformat(becomes)


@pytest.mark.parametrize(
    ("local", "own_time", "becomes"),
    [
        ("2026-03-17 09:00", "09:00", "2026-03-17 09:00"),  # a Tuesday
        ("2026-03-14 09:00", "09:00", "2026-03-16 09:00"),  # Saturday to Monday
        ("2026-03-14 06:00", "09:00", "2026-03-16 09:00"),
        ("2026-03-14 06:00", None, "2026-03-16 08:00"),  # no time of its own: the opening
        ("2026-03-14 06:00", "20:00", "2026-03-16 08:00"),  # its own time lies outside the window
        ("2026-03-13 06:00", "09:00", "2026-03-13 08:00"),  # Friday, the window still opens
        ("2026-03-13 18:00", "09:00", "2026-03-16 09:00"),  # Friday, closed
        ("2026-04-03 09:00", "09:00", "2026-04-07 09:00"),  # Good Friday to Tuesday
        ("2026-04-02 18:00", "09:00", "2026-04-07 09:00"),
        ("2026-03-28 09:00", "09:00", "2026-03-30 09:00"),  # the clock goes forward on the Sunday between
        ("2026-10-24 09:00", "09:00", "2026-10-26 09:00"),  # and back
    ],
)
def test_what_falls_on_a_day_off_waits_for_the_next_day_of_work(local: str, own_time: str | None, becomes: str) -> None:
    london = ZoneInfo("Europe/London")
    own = time.fromisoformat(own_time) if own_time else None
    at = datetime.fromisoformat(local).replace(tzinfo=london)
    later = moved_to_workday(at, hours("08:00-18:00"), london, EASTER, own)
    assert later.astimezone(london) == datetime.fromisoformat(becomes).replace(tzinfo=london)


@given(INSTANTS, WINDOWS, ZONES, CALENDARS, st.none() | TIMES)
def test_moving_ends_on_a_workday_within_the_window_and_never_back(
    at: datetime, window: Window, zone: ZoneInfo, calendar: Closed, own: time | None
) -> None:
    later = moved_to_workday(at, window, zone, calendar, own)
    assert later >= at
    assert is_open(later, window, zone)
    assert calendar.is_workday(local_date(later, zone))


@given(INSTANTS, WINDOWS, ZONES, CALENDARS, st.none() | TIMES)
def test_what_has_been_moved_stays(at: datetime, window: Window, zone: ZoneInfo, calendar: Closed, own: time | None) -> None:
    once = moved_to_workday(at, window, zone, calendar, own)
    assert moved_to_workday(once, window, zone, calendar, own) == once


@given(INSTANTS, ZONES, CALENDARS, st.none() | TIMES)
def test_no_workday_is_passed_over_on_which_it_might_have_gone(at: datetime, zone: ZoneInfo, calendar: Closed, own: time | None) -> None:
    """Noon to eight is touched by no change of the clock; Samoa once left out a whole day."""
    afternoon = Window(12 * 60, 20 * 60)
    today, landed = local_date(at, zone), local_date(moved_to_workday(at, afternoon, zone, calendar, own), zone)
    between = [today + timedelta(days=n) for n in range((landed - today).days)]
    skipped = [day for day in between if calendar.is_workday(day) and not (day == today and at.astimezone(zone).hour >= 20)]
    assert skipped in ([], [date(2011, 12, 30)])


@given(INSTANTS, WINDOWS, ZONES, st.none() | TIMES)
def test_where_every_day_will_do_it_is_the_old_rule(at: datetime, window: Window, zone: ZoneInfo, own: time | None) -> None:
    assert moved_to_workday(at, window, zone, EVERY_DAY, own) == moved(at, window, zone, own)


@given(DAYS, st.integers(1, 30), CALENDARS)
def test_so_many_business_days_later_so_many_lie_between(day: date, count: int, calendar: Closed) -> None:
    later = plus_workdays(day, count, calendar)
    assert calendar.is_workday(later)
    assert workdays_between(day, later, calendar) == count


@given(DAYS, st.integers(1, 30), CALENDARS)
def test_from_a_workday_there_and_back_is_the_same_day(day: date, count: int, calendar: Closed) -> None:
    start = first_workday(day, calendar)
    assert plus_workdays(plus_workdays(start, count, calendar), -count, calendar) == start


@given(DAYS, st.integers(-60, 60))
def test_where_every_day_will_do_business_days_are_days(day: date, count: int) -> None:
    assert plus_workdays(day, count, EVERY_DAY) == day + timedelta(days=count)


def test_a_calendar_without_a_workday_ends_the_search() -> None:
    never = Closed(weekend=frozenset(range(7)))
    with pytest.raises(Permanent, match="no working day within 60 days"):
        plus_workdays(date(2026, 3, 10), 1, never)
    with pytest.raises(Permanent, match="no working day within 60 days"):
        moved_to_workday(datetime(2026, 3, 10, 9, tzinfo=ZoneInfo("UTC")), hours("08:00-18:00"), ZoneInfo("UTC"), never)


def test_an_instant_is_allowed_on_a_workday_within_the_hours() -> None:
    london = ZoneInfo("Europe/London")
    noon = datetime(2026, 4, 2, 12, tzinfo=london)
    assert is_allowed(noon, hours("08:00-18:00"), london, EASTER)
    assert not is_allowed(noon + timedelta(days=1), hours("08:00-18:00"), london, EASTER)
    assert not is_allowed(noon + timedelta(hours=7), hours("08:00-18:00"), london, EASTER)
