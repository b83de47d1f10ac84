"""Local time: calendar days at a time of day, and the hours in which a customer may be written to."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dunning.domain.policy import ALL_DAY, Window

_MINUTES_OF_A_DAY = 1440


def zone_of(name: str | None, fallback: str) -> ZoneInfo:
    """The customer's zone, or the policy's when the customer has none that is known."""
    for candidate in (name, fallback):
        try:
            if candidate:
                return ZoneInfo(candidate)
        except (KeyError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")


def at_local(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a local time of day.

    A time that a change to summer time skips is read with the offset before it (02:30 becomes 03:30); one that comes twice
    means its first coming (PEP 495, fold=0).
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def local_date(at: datetime, zone: ZoneInfo) -> date:
    """The calendar date of an instant, there."""
    return at.astimezone(zone).date()


def minutes_of_day(at: datetime) -> int:
    """Whole minutes after local midnight of an aware local time."""
    return at.hour * 60 + at.minute


def intersection(windows: Iterable[Window]) -> Window:
    """The span in which all are open; ALL_DAY for none."""
    found = ALL_DAY
    for window in windows:
        found = Window(max(found.start, window.start), min(found.end, window.end))
    return found


def window_of(channels: Iterable[str], windows: Mapping[str, Window]) -> Window:
    """The window that binds a message on these channels; when two never overlap, the first channel's binds."""
    bound = [windows.get(channel, ALL_DAY) for channel in channels]
    both = intersection(bound)
    return both if both.start < both.end else bound[0]


def is_open(at: datetime, window: Window, zone: ZoneInfo) -> bool:
    """Whether an instant lies in the window, customer-local."""
    return window.start <= minutes_of_day(at.astimezone(zone)) < window.end


def openings(day: date, window: Window, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants at which the window opens on a local day: the same twice, but where the clock is put back over it."""
    start = time(window.start // 60, window.start % 60)
    return at_local(day, start, zone), at_local(day, start.replace(fold=1), zone)


def moved(at: datetime, window: Window, zone: ZoneInfo, own_time: time | None = None) -> datetime:
    """The first allowed instant not before `at`: the same day if the window is open or still opens, else the next day,
    at `own_time` if that lies in the window, otherwise at its opening.

    A day whose opening is swallowed by a change to summer time, with the window closed after it, is passed over.
    """
    if is_open(at, window, zone):
        return at
    today = local_date(at, zone)
    occasions = [*openings(today, window, zone)]
    for tomorrow in (today + timedelta(days=1), today + timedelta(days=2)):
        occasions += [at_local(tomorrow, own_time, zone)] if own_time else []
        occasions += openings(tomorrow, window, zone)
    return next(occasion for occasion in occasions if occasion >= at and is_open(occasion, window, zone))
