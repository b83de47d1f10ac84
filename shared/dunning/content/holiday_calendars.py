"""Weekends and public holidays by country and subdivision, as the `holidays` package knows them.

The package costs about a second to import, so it is imported when a day is first looked at, not when a policy is loaded.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from dunning.content.suggestions import did_you_mean
from dunning.domain.errors import Permanent, Rejected

if TYPE_CHECKING:
    from holidays import HolidayBase

_USUAL_PARTS = {"GB": "ENG"}
"""What a country's own code stands for where hardly a holiday is common to all parts: for GB, Easter Monday is not (Scotland works)."""

_CODE = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")


@dataclass(frozen=True)
class HolidayCalendar:
    """The calendar of a country ("GB": England and Wales) or of a part of one ("GB-SCT"). Equal when the code is.

    Implements `domain.work_calendar.WorkCalendar`; `check` raises Rejected, the others Permanent for a code that nobody knows.
    """

    code: str

    @classmethod
    def of(cls, text: str) -> "HolidayCalendar":
        """The calendar of a code, which is looked up only when asked to be checked. Raises Rejected for what cannot be one."""
        if _CODE.fullmatch(text) is None:
            raise Rejected(f'"{text}" is not a country: write its ISO code, as GB, or GB-SCT for a part of it')
        return cls(text)

    def check(self) -> None:
        """Look the code up. Raises Rejected with the nearest names."""
        from holidays import list_supported_countries

        country, _, part = self.code.partition("-")
        countries = list_supported_countries(include_aliases=False)
        if country not in countries:
            raise Rejected(f'no calendar of holidays for "{country}": write another country\'s, or remove it')
        if part and part not in countries[country]:
            raise Rejected(f'{country} has no part "{part}"{did_you_mean(part, countries[country])}')

    def is_workday(self, day: date) -> bool:
        """Neither weekend nor public holiday there; a Saturday that is worked in exchange for another day counts."""
        known = self._known
        if day not in known:
            known[day] = self._holidays.is_working_day(day)
        return known[day]

    def closed_because(self, day: date) -> str | None:
        """The holiday's name, or "weekend"; None on a workday."""
        if self.is_workday(day):
            return None
        return self._holidays.get(day) or "weekend"

    @cached_property
    def _known(self) -> dict[date, bool]:
        """The days looked at so far: a plan asks for the same few again and again."""
        return {}

    @cached_property
    def _holidays(self) -> "HolidayBase":
        from holidays import country_holidays

        try:
            self.check()
        except Rejected as error:
            raise Permanent(f"calendar {self.code}: {error}: mend the policy") from error
        country, _, part = self.code.partition("-")
        return country_holidays(country, subdiv=part or _USUAL_PARTS.get(country), language="en_US")
