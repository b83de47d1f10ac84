"""The notes of which day's digest went out, in memory."""

from datetime import datetime

from dunning.domain.errors import Retryable


class MemoryDigestNotes:
    """The noting part of workflow.digest_ports.Digests. `loses`: so many answers to a note that was written; `keeps`: so many notes
    that were to be taken back."""

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self.loses = 0
        self.keeps = 0

    def begin(self, day: str, owner: str, now: datetime) -> bool:
        """Note who sends a day's digest. Raises what a lost answer looks like when all attempts had none."""
        noted = self._owners.setdefault(day, owner)
        if self.loses:
            self.loses -= 1
            raise Retryable("no answer")
        return noted == owner

    def take_back(self, day: str, owner: str) -> None:
        """Another's note stays. Raises what a table that refuses looks like."""
        if self.keeps:
            self.keeps -= 1
            raise Retryable("the table refuses")
        if self._owners.get(day) == owner:
            del self._owners[day]
