"""Notes at Xero: records in the invoice's history (developer.xero.com, History and notes)."""

from collections.abc import Sequence
from urllib.parse import quote

from dunning.domain.errors import NotOffered, Retryable
from dunning.domain.notes import Note
from dunning.providers.json_reading import items, text
from dunning.providers.oauth_api import OAuthApi
from dunning.providers.xero import XERO_BASE, spare

LONGEST_DETAILS = 450
_NOT_OFFERED = (405, 501)


class XeroNotes:
    """A NoteWriter. Records are only ever added, so nothing can be overwritten; our own are found by their ids."""

    def __init__(self, api: OAuthApi) -> None:
        self._api = api

    def write(self, invoice_id: str, account: str | None, notes: Sequence[Note]) -> str:
        """Add the notes that the history does not hold yet, in one request. They wait while the rest of a day is kept for reminders."""
        with self._api.pace.turn(account or "", 2):
            return self._written(invoice_id, account or "", notes)

    def _written(self, invoice_id: str, tenant: str, notes: Sequence[Note]) -> str:
        path = f"{XERO_BASE}/Invoices/{quote(invoice_id, safe='')}/History"
        headers = {"xero-tenant-id": tenant}
        answer = self._api.get(tenant, path, {}, headers, tells=lambda answer: answer.status in (404, *_NOT_OFFERED))
        again = spare(self._api, tenant, answer)
        if answer.status == 404:
            return "Xero has no such invoice"
        if answer.status in _NOT_OFFERED:
            raise NotOffered(f"Xero's histories cannot be read here: {answer.status}")
        known = " ".join(text(record, "Details") or "" for record in items(answer.json() or {}, "HistoryRecords"))
        missing = [note for note in notes if note.id not in known]
        if not missing:
            return "noted before"
        if again is not None:
            raise Retryable("what Xero still takes today is kept for reminders", again)
        records = [{"Details": _details(note)} for note in missing]
        key = f"{max(note.id for note in missing)}-{len(missing)}-{invoice_id}"
        spare(self._api, tenant, self._api.send("PUT", tenant, path, {}, {"HistoryRecords": records}, {**headers, "Idempotency-Key": key}))
        return "noted"


def _details(note: Note) -> str:
    room = LONGEST_DETAILS - (len(note.line) - len(note.text))
    return Note(note.id, note.text[:room]).line
