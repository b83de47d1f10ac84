"""Notes at Stripe: metadata keys of the invoice, for a finalised invoice takes nothing else (docs.stripe.com/api/invoices/update).

Stripe has no conditional update, but an update leaves alone the keys that it does not name (docs.stripe.com/metadata): each note is
a key of its own, so of two that two functions write at once none is lost.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from dunning.domain.notes import Note
from dunning.providers.json_reading import child, text
from dunning.providers.stripe_api import StripeApi

LAST = "dunning_last"
_OURS = re.compile(r"dunning_(?P<id>[0-9A-HJKMNP-TV-Z]{26})")
MOST_KEYS = 50
LONGEST_VALUE = 500
"""Of one object's metadata (docs.stripe.com/metadata)."""

MOST_NOTES = 20
_LEFT_FREE = 10
"""Keys that others who write at the same moment may add: two functions, five notes each."""


class StripeNotes:
    """A NoteWriter. `dunning_last` is the newest note; `dunning_<id>` each of the latest twenty."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def write(self, invoice_id: str, account: str | None, notes: Sequence[Note]) -> str:
        """Add what is not there yet; what is older than all there is room for is left out."""
        path = f"/v1/invoices/{quote(invoice_id, safe='')}"
        invoice = self._api.find(path)
        if invoice is None:
            return "Stripe has no such invoice"
        metadata = child(invoice, "metadata") or {}
        known = _ids(metadata)
        room = min(MOST_NOTES, MOST_KEYS - len(metadata.keys() - {LAST, *map(_key, known)}) - 1 - _LEFT_FREE)
        if room < 1:
            return f"no room: the invoice has {len(metadata)} metadata keys"
        texts = {note.id: note.text[:LONGEST_VALUE] for note in notes}
        kept = set(sorted(known | texts.keys())[-room:])
        added = (texts.keys() & kept) - known
        if not added:
            return "noted before"
        newest = max(added)
        last = {LAST: texts[newest]} if newest == max(kept) else {}
        changes = {**last, **{_key(one): texts[one] for one in sorted(added)}, **{_key(one): "" for one in sorted(known - kept)}}
        return self._noted(path, newest, changes)

    def _noted(self, path: str, newest: str, changes: Mapping[str, str]) -> str:
        # Stripe takes a key once, and only with the same content at the same place; one activity may be about several invoices.
        key = f"dunning-{newest}-{hashlib.sha256(f'{path} {json.dumps(changes)}'.encode()).hexdigest()[:16]}"
        found = self._api.post(path, {"metadata": changes}, key)
        if found is None:
            return "Stripe has no such invoice"
        now = child(found, "metadata") or {}
        latest = max(_ids(now), default="")
        if latest > newest and LAST in changes:
            # Another function has written meanwhile: whoever comes last sees both.
            return self._noted(path, latest, {LAST: text(now, _key(latest)) or ""})
        return "noted"


def _key(note_id: str) -> str:
    return f"dunning_{note_id}"


def _ids(metadata: Mapping[str, object]) -> set[str]:
    return {found["id"] for name in metadata if (found := _OURS.fullmatch(name))}
