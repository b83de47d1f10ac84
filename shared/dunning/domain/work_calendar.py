"""Days on which a customer may be written to, and counting in them."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol, runtime_checkable

from dunning.domain.errors import Permanent

_ONE_DAY = timedelta(days=1)
_LONGEST_CLOSURE = 60


class WorkCalendar(Protocol):
    """Weekends and public holidays somewhere."""

    def is_workday(self, day: date) -> bool:
        """Whether people work there on this day."""
        ...


@runtime_checkable
class NamingCalendar(Protocol):
    """A calendar that knows why people rest."""

    def closed_because(self, day: date) -> str | None:
        """The holiday's name, or "weekend"; None on a workday."""
        ...


@dataclass(frozen=True, slots=True)
class EveryDay:
    """The calendar of a policy that names none: every day will do."""

    def is_workday(self, day: date) -> bool:
        """Always."""
        return True


EVERY_DAY = EveryDay()


def closed_because(day: date, calendar: WorkCalendar) -> str | None:
    """Why people do not work there on this day; None when they do."""
    if calendar.is_workday(day):
        return None
    named = calendar.closed_because(day) if isinstance(calendar, NamingCalendar) else None
    return named or "a day of rest"


def first_workday(day: date, calendar: WorkCalendar) -> date:
    """The day itself if people work then, else the next one on which they do.

    Raises Permanent for a calendar that knows none within 60 days.
    """
    return _workday(day, _ONE_DAY, calendar)


def plus_workdays(day: date, count: int, calendar: WorkCalendar) -> date:
    """The `count`-th workday after a day; before it when negative. The day itself, whatever it is, for 0.

    Raises Permanent for a calendar that knows none within 60 days.
    """
    direction = _ONE_DAY if count > 0 else -_ONE_DAY
    for _ in range(abs(count)):
        day = _workday(day + direction, direction, calendar)
    return day


def workdays_between(start: date, end: date, calendar: WorkCalendar) -> int:
    """How many workdays lie after `start`, up to and including `end`; 0 when `end` is not later."""
    days = (start + timedelta(days=number) for number in range(1, (end - start).days + 1))
    return sum(calendar.is_workday(day) for day in days)


def _workday(day: date, direction: timedelta, calendar: WorkCalendar) -> date:
    for distance in range(_LONGEST_CLOSURE):
        candidate = day + distance * direction
        if calendar.is_workday(candidate):
            return candidate
    raise Permanent(f"the calendar has no working day within {_LONGEST_CLOSURE} days of {day}: mend the policy's calendar")
