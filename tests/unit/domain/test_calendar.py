from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.domain.calendar import at_local, intersection, is_open, local_date, moved, window_of, zone_of
from dunning.domain.policy import ALL_DAY, Window
from tests.unit.domain.builders import utc

ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "Africa/Cairo",
    ]
).map(ZoneInfo)
INSTANTS = st.integers(0, 20 * 366 * 1440).map(lambda minutes: utc("2010-01-01 00:00") + timedelta(minutes=minutes))
WINDOWS = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda span: span[0] < span[1]).map(lambda span: Window(*span))
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0, fold=0))
"""As a policy writes them: of an hour that comes twice, the first."""


def hours(text: str) -> Window:
    """A window written as "08:00-18:00"."""
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
    return Window(start, end)


@pytest.mark.parametrize(
    ("zone", "day", "at", "instant"),
    [
        ("Europe/Berlin", "2026-01-15", "09:00", "2026-01-15 08:00"),
        ("Europe/Berlin", "2026-07-15", "09:00", "2026-07-15 07:00"),
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29 01:30"),  # skipped: it is 03:30 then
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25 00:30"),  # comes twice: the first
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08 07:30"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01 05:30"),
        ("Asia/Kathmandu", "2026-03-17", "09:00", "2026-03-17 03:15"),
        ("Pacific/Kiritimati", "2026-03-17", "09:00", "2026-03-16 19:00"),
        ("Africa/Cairo", "2026-04-24", "00:00", "2026-04-23 22:00"),  # a midnight that does not exist
    ],
)
def test_nine_in_the_morning_is_nine_there(zone: str, day: str, at: str, instant: str) -> None:
    assert at_local(date.fromisoformat(day), time.fromisoformat(at), ZoneInfo(zone)) == utc(instant)


@pytest.mark.parametrize(
    ("known", "fallback", "used"),
    [
        ("Asia/Tokyo", "Europe/London", "Asia/Tokyo"),
        (None, "Europe/London", "Europe/London"),
        ("", "Europe/London", "Europe/London"),
        ("Middle/Earth", "Europe/London", "Europe/London"),
        ("../etc/passwd", "Europe/London", "Europe/London"),
        ("Middle/Earth", "No/Where", "UTC"),
    ],
)
def test_a_zone_that_is_not_known_falls_back_to_the_policys(known: str | None, fallback: str, used: str) -> None:
    assert zone_of(known, fallback).key == used


@pytest.mark.parametrize(
    ("local", "window", "own_time", "becomes"),
    [
        ("2026-03-17 09:00", "08:00-18:00", None, "2026-03-17 09:00"),
        ("2026-03-17 08:00", "08:00-18:00", None, "2026-03-17 08:00"),  # the opening is in
        ("2026-03-17 07:59", "08:00-18:00", None, "2026-03-17 08:00"),
        ("2026-03-17 17:59", "08:00-18:00", None, "2026-03-17 17:59"),
        ("2026-03-17 18:00", "08:00-18:00", None, "2026-03-18 08:00"),  # the end is out
        ("2026-03-17 18:00", "08:00-18:00", "09:00", "2026-03-18 09:00"),
        ("2026-03-17 18:00", "08:00-18:00", "20:00", "2026-03-18 08:00"),  # its own time lies outside
        ("2026-03-17 06:00", "08:00-18:00", "09:00", "2026-03-17 08:00"),  # still opens today
        ("2026-03-17 23:59", "08:00-24:00", None, "2026-03-17 23:59"),
        ("2026-02-28 20:00", "08:00-18:00", "09:00", "2026-03-01 09:00"),  # month end
        ("2028-02-28 20:00", "08:00-18:00", "09:00", "2028-02-29 09:00"),  # leap day
        ("2026-12-31 20:00", "08:00-18:00", "09:00", "2027-01-01 09:00"),
        ("2026-03-28 20:00", "08:00-18:00", "09:00", "2026-03-29 09:00"),  # 12 hours later, not 13: the clock went forward
        ("2026-03-28 20:00", "02:00-03:00", "02:30", "2026-03-30 02:30"),  # on the 29th that hour does not exist
        ("2026-03-28 20:00", "02:00-08:00", "02:30", "2026-03-29 03:30"),
    ],
)
def test_what_may_not_be_sent_now_waits_for_the_next_allowed_occasion(local: str, window: str, own_time: str | None, becomes: str) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    at = datetime.fromisoformat(local).replace(tzinfo=berlin)
    own = time.fromisoformat(own_time) if own_time else None
    assert moved(at, hours(window), berlin, own).astimezone(berlin) == datetime.fromisoformat(becomes).replace(tzinfo=berlin)


def test_an_opening_that_comes_twice_is_waited_for_again() -> None:
    second_ten_past_two = utc("2026-10-25 01:10")
    assert moved(second_ten_past_two, hours("02:30-03:00"), ZoneInfo("Europe/Berlin")) == utc("2026-10-25 01:30")


@given(INSTANTS, WINDOWS, ZONES, st.none() | TIMES)
def test_moving_never_goes_back_and_always_ends_inside_the_window(at: datetime, window: Window, zone: ZoneInfo, own: time | None) -> None:
    later = moved(at, window, zone, own)
    assert later >= at
    assert is_open(later, window, zone)


@given(INSTANTS, WINDOWS, ZONES, st.none() | TIMES)
def test_what_has_been_moved_is_not_moved_again(at: datetime, window: Window, zone: ZoneInfo, own: time | None) -> None:
    once = moved(at, window, zone, own)
    assert moved(once, window, zone, own) == once


@given(INSTANTS, ZONES, st.none() | TIMES)
def test_moving_keeps_the_day_whenever_the_window_still_opens(at: datetime, zone: ZoneInfo, own: time | None) -> None:
    """Noon to eight is touched by no change of the clock."""
    afternoon = Window(12 * 60, 20 * 60)
    days = (local_date(moved(at, afternoon, zone, own), zone) - local_date(at, zone)).days
    assert days == (at.astimezone(zone).hour >= 20)


@given(st.dates(date(2012, 1, 1), date(2030, 12, 31)), TIMES, ZONES)
def test_a_local_time_lies_on_its_day_or_is_put_forward_by_the_gap_alone(day: date, at: time, zone: ZoneInfo) -> None:
    there = at_local(day, at, zone).astimezone(zone)
    wanted = datetime.combine(day, at)
    assert timedelta(0) <= there.replace(tzinfo=None) - wanted <= timedelta(hours=1)


def test_hours_bind_together_only_where_both_are_open() -> None:
    assert intersection([hours("08:00-18:00"), hours("10:00-20:00")]) == hours("10:00-18:00")
    assert intersection([]) == ALL_DAY


@pytest.mark.parametrize(
    ("channels", "bound"),
    [
        (("email", "sms"), "10:00-18:00"),
        (("email",), "08:00-18:00"),
        (("sms",), "10:00-20:00"),
        ((), "00:00-24:00"),
        (("fax",), "00:00-24:00"),
    ],
)
def test_mail_and_sms_in_one_step_wait_for_the_hours_of_both(channels: tuple[str, ...], bound: str) -> None:
    assert window_of(channels, {"email": hours("08:00-18:00"), "sms": hours("10:00-20:00")}) == hours(bound)


def test_hours_that_never_meet_leave_those_of_the_first_channel() -> None:
    assert window_of(("email", "sms"), {"email": hours("08:00-10:00"), "sms": hours("12:00-20:00")}) == hours("08:00-10:00")
