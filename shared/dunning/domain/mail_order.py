"""The order in which mails go while SES's quota of the day is spent: by when they fell due."""

from dataclasses import dataclass
from datetime import datetime

Place = tuple[datetime, str]
"""Where a customer stands among those who wait: since when its timer is due (UTC), then its full id."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Who had to wait when the wheel turned at `as_of`: whoever stands at the place `first`, or behind. Nobody any more from `until` on."""

    first: Place
    as_of: datetime
    until: datetime

    def stands(self, now: datetime) -> bool:
        """Whether it still holds."""
        return now < self.until

    def keeps_back(self, place: Place, now: datetime) -> bool:
        """Whether others have waited longer than who stands there, and wait still."""
        return self.stands(now) and place >= self.first
