"""While SES's quota of the day is spent, mails go in the order in which they fell due, whoever was told to send them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from dunning.domain.case import Profile
from dunning.domain.errors import OthersFirst, Permanent, Retryable
from dunning.domain.mail_order import Waiting
from dunning.workflow.ports import Clock

TURNS_EVERY = timedelta(minutes=10)
"""How far apart the turns of the wheel are; one is on the hour."""


class WaitingMails(Protocol):
    """The one note of who waits for SES's quota. Both raise Retryable, and Permanent where we may not use the table."""

    def read(self) -> Waiting | None:
        """As the last turn left it, run out or not; None where none ever did."""
        ...

    def put(self, waiting: Waiting) -> None:
        """Keep it in place of the last turn's; the word of a later turn stays."""
        ...


@dataclass(frozen=True, slots=True)
class MailOrder:
    """Asked before the mail of a customer whom not the wheel let go: it costs one read."""

    waiting: WaitingMails
    clock: Clock

    def wait(self, profile: Profile) -> None:
        """Return when nobody waits who stands before this customer. Raises OthersFirst."""
        try:
            known = self.waiting.read()
        except (Retryable, Permanent):
            # A note that cannot be read keeps no reminder back.
            return
        now = self.clock()
        if known is not None and known.keeps_back((profile.due_since or now, profile.customer), now):
            raise OthersFirst("others have waited longer for SES's quota", _next_turn(now))


def _next_turn(now: datetime) -> datetime:
    """Near enough for each turn until then to see who stands there."""
    return now.replace(minute=now.minute - now.minute % 10, second=0, microsecond=0) + TURNS_EVERY
