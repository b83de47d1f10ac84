"""Notes at QuickBooks: lines below what the bookkeeper wrote into the invoice's private note.

A `requestid` once used gets its first answer again, changing nothing (blogs.intuit.com/2015/04/06/15346), so each names the
version that it changes; what was written is looked for before every write all the same.
"""

import logging
from collections.abc import Sequence
from urllib.parse import quote

from dunning.domain.errors import NotOffered, Retryable
from dunning.domain.notes import Note, holds_all, with_lines
from dunning.providers.http_client import HttpAnswer
from dunning.providers.json_reading import JsonObject, child, text
from dunning.providers.oauth_api import OAuthApi
from dunning.providers.quickbooks import MINOR_VERSION, company_path, error_codes

LONGEST_NOTE = 4000
"""Of PrivateNote (developer.intuit.com, Invoice)."""

_NOT_FOUND = "610"
_STALE = "5010"
"""Stale Object Error, for a SyncToken that is not the newest (knowledgebase.curbwaste.com/quickbooks-online-error-codes)."""

_BOOKS_CLOSED = frozenset({"6200", "6210"})
"""Account Period Closed, without and with a password for changes (developer.intuit.com, error codes): no API call gets past either."""

_ATTEMPTS = 4
_LOG = logging.getLogger(__name__)


class QuickBooksNotes:
    """A NoteWriter. A sparse update, for whatever else it left out would be emptied; on the version read, or read again."""

    def __init__(self, api: OAuthApi) -> None:
        self._api = api

    def write(self, invoice_id: str, account: str | None, notes: Sequence[Note]) -> str:
        """Add what the private note does not hold yet; our oldest lines give way, the bookkeeper's never.

        Where theirs leave no room, nothing is written, and the log warns.
        """
        with self._api.pace.turn(account or "", 2):
            return self._written(invoice_id, account or "", notes)

    def _written(self, invoice_id: str, company: str, notes: Sequence[Note]) -> str:
        for _ in range(_ATTEMPTS):
            invoice = self._invoice(company, invoice_id)
            if invoice is None:
                return "QuickBooks has no such invoice"
            memo = invoice.get("PrivateNote")
            written = memo if isinstance(memo, str) else ""
            if holds_all(written, notes):
                return "noted before"
            grown = with_lines(written, notes, LONGEST_NOTE)
            if grown is None:
                _LOG.warning("the private note of QuickBooks' invoice %s in company %s is full: not noted", invoice_id, company)
                return f"no room: the private note has {len(written)} of {LONGEST_NOTE} characters"
            change = {"Id": invoice_id, "SyncToken": text(invoice, "SyncToken") or "0", "sparse": True, "PrivateNote": grown}
            newest = max(note.id for note in notes)
            params = {**MINOR_VERSION, "requestid": f"{newest}-{change['SyncToken']}"}
            answer = self._api.send("POST", company, f"{company_path(company)}/invoice", params, change, tells=_tells)
            if _BOOKS_CLOSED & error_codes(answer):
                raise NotOffered(f"QuickBooks' books are closed for the time of invoice {invoice_id}, which takes no notes any more")
            if _STALE not in error_codes(answer):
                return "noted" if _NOT_FOUND not in error_codes(answer) else "QuickBooks has no such invoice"
        raise Retryable(f"QuickBooks' invoice {invoice_id} changes faster than it can be noted")

    def _invoice(self, company: str, invoice_id: str) -> JsonObject | None:
        path = f"{company_path(company)}/invoice/{quote(invoice_id, safe='')}"
        answer = self._api.get(company, path, MINOR_VERSION, tells=_tells)
        if _NOT_FOUND in error_codes(answer):
            return None
        found = child(answer.json(), "Invoice")
        if found is None:
            raise Retryable(f"QuickBooks answered {path} without Invoice")
        return None if found.get("status") == "Deleted" else found


def _tells(answer: HttpAnswer) -> bool:
    return bool({_NOT_FOUND, _STALE, *_BOOKS_CLOSED} & error_codes(answer))
