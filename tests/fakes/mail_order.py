"""The note of who waits for SES's quota, in memory."""

from dunning.domain.mail_order import Waiting


class MemoryWaitingMails:
    """workflow.mail_order.WaitingMails. `reads` counts how often it was asked, `writes` how often it was told."""

    def __init__(self) -> None:
        self.known: Waiting | None = None
        self.reads = 0
        self.writes = 0
        self.failure: Exception | None = None

    def read(self) -> Waiting | None:
        """As the last turn left it."""
        self.reads += 1
        if self.failure:
            raise self.failure
        return self.known

    def put(self, waiting: Waiting) -> None:
        """Keep it, unless a later turn has written."""
        self.writes += 1
        if self.failure:
            raise self.failure
        if self.known is None or self.known.as_of <= waiting.as_of:
            self.known = waiting
