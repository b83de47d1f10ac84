"""EventBridge's schedule expressions: `rate(5 minutes)` and `cron(0/10 * * * ? *)`, in UTC."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dunning.domain.errors import Rejected

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_CRON = re.compile(r"cron\(([^()]+)\)")
_MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
_DAYS = "SUN MON TUE WED THU FRI SAT".split()
_FIELDS: Sequence[tuple[str, int, int, Sequence[str]]] = (
    ("minutes", 0, 59, ()),
    ("hours", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 1, 7, _DAYS),
    ("year", 1970, 2199, ()),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """Every so often, from when the rule was made."""

    every: timedelta
    since: datetime

    def after(self, instant: datetime) -> datetime | None:
        """The first firing after an instant."""
        return self.since + ((instant - self.since) // self.every + 1) * self.every


@dataclass(frozen=True, slots=True)
class Cron:
    """At these minutes of these hours of the days that all of month, day and year allow. Day of week: 1 is Sunday."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]

    def after(self, instant: datetime) -> datetime | None:
        """The first firing after an instant; None when there is none any more."""
        moment = instant.replace(second=0, microsecond=0) + timedelta(minutes=1)
        while moment.year <= max(self.years):
            if self._day_matches(moment):
                time = self._time_from(moment.hour, moment.minute)
                if time is not None:
                    return moment.replace(hour=time[0], minute=time[1])
            moment = moment.replace(hour=0, minute=0) + timedelta(days=1)
        return None

    def _day_matches(self, day: datetime) -> bool:
        weekday = day.isoweekday() % 7 + 1
        return day.day in self.days and day.month in self.months and weekday in self.weekdays and day.year in self.years

    def _time_from(self, hour: int, minute: int) -> tuple[int, int] | None:
        for allowed in self.hours:
            if allowed == hour:
                left = next((later for later in self.minutes if later >= minute), None)
                if left is not None:
                    return allowed, left
            elif allowed > hour:
                return allowed, self.minutes[0]
        return None


def parse_schedule(expression: str, made_at: datetime) -> Rate | Cron:
    """Read a schedule expression. Raises Rejected, also for `L`, `W` and `#`, which are not understood here."""
    if rate := _RATE.fullmatch(expression):
        return Rate(timedelta(**{f"{rate[2]}s": int(rate[1])}), made_at.astimezone(UTC))
    cron = _CRON.fullmatch(expression)
    parts = cron[1].split() if cron else []
    if len(parts) != len(_FIELDS):
        raise Rejected(f"schedule {expression!r}: write rate(10 minutes) or cron(minutes hours day-of-month month day-of-week year)")
    minutes, hours, days, months, weekdays, years = (_values(part, *field, expression) for part, field in zip(parts, _FIELDS, strict=True))
    return Cron(tuple(sorted(minutes)), tuple(sorted(hours)), days, months, weekdays, years)


def _values(part: str, name: str, low: int, high: int, words: Sequence[str], expression: str) -> frozenset[int]:
    found: set[int] = set()
    for piece in part.upper().split(","):
        span, _, step = piece.partition("/")
        first, _, last = span.partition("-")
        try:
            start = low if first in {"*", "?"} else _number(first, low, words)
            end = _number(last, low, words) if last else high if step or first in {"*", "?"} else start
            found.update(range(start, end + 1, int(step or 1)))
        except ValueError:
            raise Rejected(f"schedule {expression!r}: {name} {piece!r} is not understood") from None
    if not found or min(found) < low or max(found) > high:
        raise Rejected(f"schedule {expression!r}: {name} {part!r} is not within {low} to {high}")
    return frozenset(found)


def _number(text: str, low: int, words: Sequence[str]) -> int:
    return words.index(text) + low if text in words else int(text)
