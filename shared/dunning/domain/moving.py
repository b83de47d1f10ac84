"""The rule of moving (DESIGN §7) with weekends and public holidays: never back, never lost, never outside the hours."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dunning.domain.calendar import at_local, is_open, local_date, openings
from dunning.domain.policy import Window
from dunning.domain.work_calendar import WorkCalendar, first_workday


def is_allowed(at: datetime, window: Window, zone: ZoneInfo, calendar: WorkCalendar) -> bool:
    """Whether an instant lies on a workday there, within the window."""
    return is_open(at, window, zone) and calendar.is_workday(local_date(at, zone))


def moved_to_workday(at: datetime, window: Window, zone: ZoneInfo, calendar: WorkCalendar, own_time: time | None = None) -> datetime:
    """The first allowed instant not before `at`: the same local day if that is a workday and the window is open or still opens;
    else the next workday, at `own_time` if that lies in the window, otherwise at its opening.

    The same as `calendar.moved` where every day is a workday. Raises Permanent for a calendar without workdays.
    """
    if is_allowed(at, window, zone, calendar):
        return at
    occasions = _occasions(local_date(at, zone), window, zone, calendar, own_time)
    return next(occasion for occasion in occasions if occasion >= at and is_allowed(occasion, window, zone, calendar))


def _occasions(today: date, window: Window, zone: ZoneInfo, calendar: WorkCalendar, own_time: time | None) -> Iterator[datetime]:
    yield from openings(today, window, zone)
    day = today
    while True:
        day = first_workday(day + timedelta(days=1), calendar)
        if own_time:
            yield at_local(day, own_time, zone)
        yield from openings(day, window, zone)
