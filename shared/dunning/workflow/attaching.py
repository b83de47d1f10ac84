"""The documents of invoices for a mail (`attach: invoice_pdf`): never another customer's, never larger than mailboxes take.

A document that its source does not give for the moment puts the mail off, a few times; then the reminder goes without it and says so in
the log: to be reminded without a copy is better than never. So does one that does not exist, or is too large.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dunning.domain.case import Case
from dunning.domain.errors import NotYet, Permanent, Refused, Rejected, Retryable
from dunning.domain.invoice import Invoice
from dunning.workflow.mail_ports import Attachment, DocumentSource

MOST_DELAYS = 3
"""Refusals in a row (1, 2 and 4 minutes apart) after which a mail goes without what cannot be had."""

MOST_DOCUMENTS = 10
MOST_BYTES = 5 * 1024 * 1024
"""All documents of one mail; as base64 a third more, which is below the 10 MB that many mailboxes take."""

_PDF = b"%PDF-"


@dataclass(frozen=True, slots=True)
class Attached:
    """What goes with a mail, and what is worth noting of what does not."""

    attachments: tuple[Attachment, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Attacher:
    """Gets the documents; `sources` by name, as far as they give any."""

    sources: Mapping[str, DocumentSource] = field(default_factory=dict)

    def __call__(self, invoice_ids: Sequence[str], case: Case) -> Attached:
        """The documents of these invoices. Raises Refused while it is worth waiting for one, NotYet until it is its turn."""
        found: list[Attachment] = []
        missing: list[str] = []
        left = MOST_BYTES
        for place, invoice_id in enumerate(invoice_ids):
            invoice = case.invoices[invoice_id]
            content = self._document(invoice, case) if place < MOST_DOCUMENTS else None
            if content is None or len(content) > left:
                missing.append(invoice.number)
                continue
            left -= len(content)
            found.append(Attachment(f"{_file_name(invoice.number)}.pdf", content))
        note = f"without the PDF of {', '.join(missing)}: it could not be had, or is too large" if missing else None
        return Attached(tuple(found), note)

    def _document(self, invoice: Invoice, case: Case) -> bytes | None:
        source = self.sources.get(invoice.source)
        if source is None:
            return None
        try:
            content = source.fetch_pdf(invoice.id, case.profile.customer)
        except NotYet:
            raise
        except Retryable as exc:
            if case.profile.retries < MOST_DELAYS:
                raise Refused(f"the PDF of invoice {invoice.id} is not to be had now") from exc
            return None
        except (Permanent, Rejected):
            return None
        return content if content is not None and content.startswith(_PDF) else None


def _file_name(number: str) -> str:
    """An invoice number as the name of a file: what file systems do not take becomes a dash."""
    return "".join(char if char.isalnum() or char in "-_." else "-" for char in number).strip("-.")[:80] or "invoice"
