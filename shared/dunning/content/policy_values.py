"""The small values of a policy: times of day, windows, durations, amounts. Each parser raises Rejected with the remedy."""

import re
from datetime import date, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from dunning.content.suggestions import did_you_mean
from dunning.domain.errors import Rejected
from dunning.domain.money import minor_digits, to_minor
from dunning.domain.policy import BusinessDays, Days, Span, Window

_TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_DAYS = re.compile(r"([0-9]{1,4})d")
_BUSINESS_DAYS = re.compile(r"([0-9]{1,3})bd")
_ELAPSED = re.compile(r"([0-9]{1,5})([hm])")
_CURRENCY = re.compile(r"[A-Z]{3}")
_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,3})?")
_PERCENTAGE = re.compile(r"[0-9]{1,3}(\.[0-9]{1,6})?")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_MIDNIGHT_AFTER = "24:00"


def timezone(text: str) -> str:
    """The name of a zone of the IANA database."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = did_you_mean(text, available_timezones()).partition(" (known")[0]
        raise Rejected(f'no time zone "{text}"{near or ": give an IANA name, as Europe/London"}') from error
    return text


def time_of_day(text: str) -> time:
    """A local time of day, "00:00" to "23:59"."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise Rejected(f'"{text}" is not a time of day: write hours and minutes with two digits each, as "09:00"')
    return time(int(match[1]), int(match[2]))


def window(text: str) -> Window:
    """A span of the day, end exclusive; the end may be "24:00"."""
    start, dash, end = text.partition("-")
    if not dash:
        raise Rejected(f'"{text}" is not a span of the day: write "08:00-18:00"')
    span = Window(_minutes(start), 1440 if end == _MIDNIGHT_AFTER else _minutes(end))
    if span.start >= span.end:
        raise Rejected(f'"{text}" ends before it starts: a window lies within one day, from 00:00 to {_MIDNIGHT_AFTER}')
    return span


def _minutes(text: str) -> int:
    moment = time_of_day(text)
    return moment.hour * 60 + moment.minute


def days(text: str) -> int:
    """Calendar days, written "7d"."""
    match = _DAYS.fullmatch(text)
    if match is None:
        raise Rejected(f'"{text}" is not a number of calendar days: write "7d"')
    return int(match[1])


def calendar_or_business_days(text: str) -> Days | BusinessDays:
    """Days of either kind, written "7d" or "5bd"."""
    if match := _BUSINESS_DAYS.fullmatch(text):
        return BusinessDays(int(match[1]))
    if match := _DAYS.fullmatch(text):
        return Days(int(match[1]))
    raise Rejected(f'"{text}" is not a number of calendar days or business days: write "7d" or "5bd"')


def elapsed(text: str) -> timedelta:
    """A time that elapses, written "48h" or "90m"."""
    match = _ELAPSED.fullmatch(text)
    if match is None:
        raise Rejected(f'"{text}" is not a duration: write hours or minutes, as "48h" or "90m"')
    return timedelta(hours=int(match[1])) if match[2] == "h" else timedelta(minutes=int(match[1]))


def span(text: str) -> Span:
    """How long something lasts, in any unit: "7d", "5bd", "48h", "90m"."""
    if _ELAPSED.fullmatch(text):
        return elapsed(text)
    try:
        return calendar_or_business_days(text)
    except Rejected as error:
        raise Rejected(f'"{text}" is not a duration: write "2d", "2bd" (business days), "48h" or "90m"') from error


def some_time(text: str) -> Span:
    """As `span`, but not nothing."""
    found = span(text)
    if found in (timedelta(), Days(0), BusinessDays(0)):
        raise Rejected(f'"{text}" is no time at all: write at least "1m"')
    return found


def day_of_calendar(text: str) -> date:
    """A date, written "2026-01-31"."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Rejected(f'"{text}" is not a date: write year, month and day, as "2026-01-31"') from error


def mail_address(text: str) -> str:
    """An address, bare, as people write it."""
    if len(text) > 254 or _ADDRESS.fullmatch(text) is None:
        raise Rejected(f'"{text}" is not a mail address: write it bare, as finance@example.com')
    return text


def percentage(value: object) -> Decimal:
    """More than nothing and at most a hundred, exact; a whole number will do, a fraction must be in quotes."""
    if isinstance(value, float):
        raise Rejected(f'{value} may lose digits when read as a number: put it in quotes, as "{value}"')
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or _PERCENTAGE.fullmatch(text) is None or not 0 < Decimal(text) <= 100:
        raise Rejected(f'{value!r} is not a percentage: write a number of at most 100 in quotes, as "1.5"')
    return Decimal(text)


def decimal_text(value: object) -> str:
    """An amount in major units as exact text; a whole number will do, a fraction must be in quotes."""
    if isinstance(value, float):
        raise Rejected(f'{value} loses cents when read as a number: put it in quotes, as "{value:.2f}"')
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or _AMOUNT.fullmatch(text) is None:
        raise Rejected(f'{value!r} is not an amount: write it in quotes, as "5.00"')
    return text


def currency_code(text: str) -> str:
    """An ISO 4217 code that stands for money somewhere, today or once."""
    if _CURRENCY.fullmatch(text) is None:
        raise Rejected("neither default nor a currency: write its three capital letters, as USD")
    from babel.numbers import list_currencies  # a policy that names no currency does not pay for the list

    known = list_currencies()
    if text not in known:
        near = did_you_mean(text, known).partition(" (known")[0]
        raise Rejected(f'no currency "{text}"{near or ": write its ISO 4217 code, as USD"}')
    return text


def minor_amount(value: object, currency: str) -> int:
    """The amount in minor units of the currency."""
    text = decimal_text(value)
    try:
        return to_minor(Decimal(text), currency)
    except ValueError as error:
        raise Rejected(f'"{text}" has more decimals than {currency} has: write {minor_digits(currency)}') from error
