"""What a mail needs of the outside world beside its words: copies, documents, a link that ends it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Attachment:
    """A PDF that goes with a mail."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Addressing:
    """Beside the main addresses of a mail: copies, the name of the one of us who signs, and the page that ends mail to this customer."""

    cc: tuple[str, ...] = ()
    sender: str | None = None
    unsubscribe_url: str | None = None


PLAIN = Addressing()


@runtime_checkable
class DocumentSource(Protocol):
    """A provider that has its invoices as PDF files."""

    def fetch_pdf(self, invoice_id: str, customer: str) -> bytes | None:
        """The invoice's PDF, once the source has confirmed that it is this customer's (full id); None when there is none.

        Raises Retryable, Permanent.
        """
        ...


class UnsubscribeLinks(Protocol):
    """Signed links by which a customer ends mail."""

    def url(self, customer: str, now: datetime) -> str | None:
        """A link that names this customer only, and expires; None where there is no page for it. Raises Retryable."""
        ...
