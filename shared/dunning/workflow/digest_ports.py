"""What the daily digest needs of the outside world, beside what all use cases need."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from dunning.domain.digest import Digest, Happened, OpenAmount
from dunning.workflow.ports import Policies, RenderedEmail


class Digests(Protocol):
    """What a daily digest is made of, and the note that it went out. All raise Retryable."""

    def happened(self, since: datetime, until: datetime) -> Iterable[Happened]:
        """What digests tell of, in [since, until)."""
        ...

    def owed(self) -> Iterable[OpenAmount]:
        """What is open now."""
        ...

    def asked(self) -> Iterable[str]:
        """The customers (full ids) of whom an invoice waits for a person's answer, each once."""
        ...

    def begin(self, day: str, owner: str, now: datetime) -> bool:
        """Note that `owner` sends a day's digest; False when another does, or did. Again by the same owner: True."""
        ...

    def take_back(self, day: str, owner: str) -> None:
        """What this owner noted surely did not go out; another's note stays."""
        ...


class DigestRenderer(Protocol):
    """Turns a digest into a mail."""

    def digest(self, digest: Digest) -> RenderedEmail:
        """Subject, text and HTML; raises Permanent when the template fails."""
        ...


class DigestPolicies(Policies, Protocol):
    """The loaded policies, with those whom they name."""

    def digest_to(self) -> tuple[str, ...]:
        """Everybody whom a policy names for the daily digest, each once."""
        ...
