"""The end of a span of time: days compare local dates, hours elapse (DESIGN §7)."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dunning.domain.calendar import at_local, local_date
from dunning.domain.policy import BusinessDays, Days, Span
from dunning.domain.work_calendar import WorkCalendar, plus_workdays


def end_of_span(at: datetime, span: Span, zone: ZoneInfo, calendar: WorkCalendar) -> datetime:
    """The first instant (UTC) after a span: the start of the local day so many days later. A span of no days ends at once."""
    match span:
        case timedelta():
            return at + span
        case Days(count=count) | BusinessDays(count=count) if count == 0:
            return at
        case _:
            return at_local(later_day(local_date(at, zone), span, calendar), time(), zone)


def end_of_day(day: date, grace: Span, zone: ZoneInfo, calendar: WorkCalendar) -> datetime:
    """The first instant (UTC) after a local day and the grace that follows it: days of grace are whole days."""
    if isinstance(grace, timedelta):
        return at_local(day + timedelta(days=1), time(), zone) + grace
    return at_local(later_day(day, grace, calendar) + timedelta(days=1), time(), zone)


def later_day(day: date, span: Days | BusinessDays, calendar: WorkCalendar) -> date:
    """So many days, or workdays, later."""
    return plus_workdays(day, span.count, calendar) if isinstance(span, BusinessDays) else day + timedelta(days=span.count)
