"""Errors say what to do next, never only what went wrong."""


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
    """Another worker holds this customer, or its timer is not due: there is nothing to do here."""


class Conflict(DunningError):
    """What was read has changed meanwhile: load again, decide again, write again."""


class Refused(Retryable):
    """A channel refused a message (4xx, throttled): it surely was not sent."""


class OutcomeUnknown(Retryable):
    """A channel did not answer, or answered 5xx: the message may have been sent."""
