"""While SES's quota of the day is spent, mails go in the order in which they fell due, whoever was told to send them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from dunning.domain.case import Profile
from dunning.domain.errors import OthersFirst, Permanent, Retryable
from dunning.domain.mail_order import Waiting
from dunning.workflow.ports import Clock
from dunning.workflow.waking import NEAR

TURNS_EVERY = timedelta(minutes=10)
"""How far apart the turns of the wheel are; one is on the hour."""

_TO_SETTLE = timedelta(minutes=1)
"""As long as a worker may take to put its timer down."""


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
            raise OthersFirst("others have waited longer for SES's quota", _next_look(now))


def _next_look(now: datetime) -> datetime:
    """The first turn that is too far away for a message: the wheel alone finds it, and lets it go in its turn."""
    earliest = now + NEAR + _TO_SETTLE
    turn = earliest.replace(minute=earliest.minute - earliest.minute % 10, second=0, microsecond=0)
    return turn if turn == earliest else turn + TURNS_EVERY
