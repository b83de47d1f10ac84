"""Notes at Stripe: two metadata keys of the invoice, for a finalised invoice takes nothing else (docs.stripe.com/api/invoices/update).

Stripe has no conditional update. Notes that belong together come together; of two that are written in the same second by two
functions the log may lose one.
"""

import hashlib
from collections.abc import Sequence
from urllib.parse import quote

from dunning.domain.notes import Note, newest_id, with_lines
from dunning.providers.json_reading import child, text
from dunning.providers.stripe_api import StripeApi

LAST = "dunning_last"
LOG = "dunning_log"
SEPARATOR = " | "
MOST_KEYS = 50
LONGEST_VALUE = 500
"""Of one object's metadata (docs.stripe.com/api/metadata)."""


class StripeNotes:
    """A NoteWriter. `dunning_last` is the newest note, `dunning_log` the latest of them with their ids."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def write(self, invoice_id: str, account: str | None, notes: Sequence[Note]) -> str:
        """Add what the log does not hold yet; what is older than all it has room for is left out."""
        path = f"/v1/invoices/{quote(invoice_id, safe='')}"
        invoice = self._api.find(path)
        if invoice is None:
            return "Stripe has no such invoice"
        metadata = child(invoice, "metadata") or {}
        log = text(metadata, LOG) or ""
        grown = with_lines(log, notes, LONGEST_VALUE, SEPARATOR)
        if grown is None:
            return "noted before"
        if len({*metadata, LAST, LOG}) > MOST_KEYS:
            return f"no room: the invoice has {len(metadata)} metadata keys"
        newest = max(notes, key=lambda note: note.id)
        last = {LAST: newest.text[:LONGEST_VALUE]} if newest.id > newest_id(log, SEPARATOR) else {}
        # Stripe takes a key once, and only with the same content at the same place: what is written follows from the log that
        # was read, and one activity may be about several invoices.
        key = f"dunning-{newest.id}-{hashlib.sha256(f'{path} {grown}'.encode()).hexdigest()[:16]}"
        found = self._api.post(path, {"metadata": {**last, LOG: grown}}, key)
        return "noted" if found is not None else "Stripe has no such invoice"
