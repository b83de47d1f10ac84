"""Errors say what to do next, never only what went wrong."""

from datetime import datetime


class DunningError(Exception):
    """Root of every error this package raises on purpose."""


class Rejected(DunningError):
    """Bad input: answer 4xx, change nothing. The message names the place and the remedy."""


class Retryable(DunningError):
    """The same attempt may succeed later: move the timer and try again."""


class Unauthorised(Retryable):
    """A source refuses our credentials: a person must mend them, and until then nothing is lost."""


class Permanent(DunningError):
    """No retry will help: park the case for a person."""


class AlreadyClaimed(DunningError):
    """Another worker holds this customer, or its timer is not due: there is nothing to do here.

    `due_at` (UTC) is when the timer stands, where that is known.
    """

    def __init__(self, message: str, due_at: datetime | None = None) -> None:
        super().__init__(message)
        self.due_at = due_at


class Conflict(DunningError):
    """What was read has changed meanwhile: load again, decide again, write again."""


class Refused(Retryable):
    """A channel refused a message (4xx, throttled): it surely was not sent."""


class OutcomeUnknown(Retryable):
    """A channel did not answer, or answered 5xx: the message may have been sent."""
