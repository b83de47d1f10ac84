"""Errors say what to do next, never only what went wrong."""

from datetime import datetime


class DunningError(Exception):
    """Root of every error this package raises on purpose."""


class Rejected(DunningError):
    """Bad input: answer 4xx, change nothing. The message names the place and the remedy."""


class Retryable(DunningError):
    """The same attempt may succeed later: move the timer and try again. `retry_at` (UTC): not before then, where that is known."""

    def __init__(self, message: str = "", retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class NotYet(Retryable):
    """Our own count of a source's limits says when it is our turn (`retry_at`): nobody was asked, and nothing has failed."""

    def __init__(self, message: str, retry_at: datetime) -> None:
        super().__init__(message, retry_at)
        self.turn_at = retry_at


class MailLater(NotYet):
    """The account's mails of this second are given away: this one has a second of its own (`turn_at`), which is kept for it."""


class OthersFirst(NotYet):
    """Others' mail has waited longer for SES's quota: this one stands in line, and the wheel looks at all who do at `turn_at`."""


class Unauthorised(Retryable):
    """A source refuses our credentials: a person must mend them, and until then nothing is lost."""


class Disconnected(Unauthorised):
    """A source's account is not connected, or no longer: it goes on by itself once a person has connected it (again)."""

    def __init__(self, source: str, account: str, message: str) -> None:
        super().__init__(message)
        self.source = source
        self.account = account


class NotPermitted(Disconnected):
    """A source refuses a call of an account whose tokens it renews: the account was taken from us, or its consent lacks this one right."""


class NotConnected(Disconnected):
    """We hold no consent for this account: it was never connected, unless we have cases of it."""


class Permanent(DunningError):
    """No retry will help: park the case for a person."""


class UnreadableInvoice(Permanent):
    """A source tells of an invoice what is not understood, an amount of 1e300 for one: that invoice waits for a person, and no other."""


class Unreadable(Permanent):
    """A row of our table cannot be read, as what a newer release wrote after going back to an older one. It names the row only."""


class NotOffered(Permanent):
    """A source has no such call at all: there is nothing to do, and nothing to mend."""


class Unforeseen(DunningError):
    """Work on one thing failed as nobody foresaw: its neighbours go on, it is tried again alone, and then a person hears of it."""


class AlreadyClaimed(DunningError):
    """Another worker holds this customer, or its timer is not due: there is nothing to do here.

    `due_at` (UTC) is when the timer stands, where that is known.
    """

    def __init__(self, message: str, due_at: datetime | None = None) -> None:
        super().__init__(message)
        self.due_at = due_at


class Conflict(DunningError):
    """What was read has changed meanwhile: load again, decide again, write again."""


class BelongsElsewhere(Conflict):
    """An invoice is in another customer's case (`customer`, full id): only its source can say whose it is."""

    def __init__(self, message: str, customer: str) -> None:
        super().__init__(message)
        self.customer = customer


class Refused(Retryable):
    """A channel refused a message (4xx, throttled): it surely was not sent."""


class Throttled(Refused):
    """A channel takes no more now: its rate is exceeded, or its quota spent."""


class OutcomeUnknown(Retryable):
    """A channel did not answer, or answered 5xx: the message may have been sent."""
