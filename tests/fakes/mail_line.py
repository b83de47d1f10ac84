"""The end of the line of mails, in memory."""

from datetime import UTC, datetime, timedelta


class MemoryMailPlaces:
    """workflow.mail_line.MailPlaces. `taken` counts the places that were given."""

    def __init__(self) -> None:
        self._ends = datetime(1970, 1, 1, tzinfo=UTC)
        self.taken = 0
        self.failure: Exception | None = None

    def take(self, earliest: datetime, room: timedelta) -> datetime:
        """The next place."""
        if self.failure:
            raise self.failure
        self.taken += 1
        place = self._ends if earliest < self._ends <= earliest + timedelta(days=1) else earliest
        self._ends = place + room
        return place
