"""What consents gave, and its shape in Secrets Manager: one secret a consent, and one a provider that lists them.

    the index     {"grants": [{"accounts": ["…"], "secret": "STACK/xero/01JN…"}]}
    each consent  {"accounts": ["…"], "refresh_token": "…", "access_token": "…", "expires_at": "2026-03-02T08:00:00Z"}
Each renewal is a version of its secret, of which Secrets Manager keeps about 100 and removes none younger than a day
(docs.aws.amazon.com/secretsmanager, quotas); around the clock a consent is renewed 27 times a day at QuickBooks, 58 at Xero.
Earlier releases kept all tokens in the index itself. Such a grant is read and renewed there until `dunning connect` moves it out.
Which accounts a consent opens the index says: those in its own secret are as it was given, and a newer consent may have taken some over.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from dunning.providers.json_reading import JsonObject, iso_instant, items, text


@dataclass(frozen=True, slots=True)
class Grant:
    """What one consent gave: the companies or tenants, and the tokens that open them. `expires_at` (UTC): of the access token.

    Xero's consent covers all the tenants that were ticked, and these must share it, for it renews as one.
    """

    accounts: tuple[str, ...]
    refresh_token: str = field(repr=False)
    access_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None

    def valid_until(self, instant: datetime) -> str | None:
        """The access token, if it is still good at this instant."""
        return self.access_token if self.expires_at is not None and self.expires_at > instant else None


@dataclass(frozen=True, slots=True)
class Reference:
    """A consent in the index: the accounts that it opens now, and the name of the secret that holds its tokens."""

    accounts: tuple[str, ...]
    secret: str


Entry = Grant | Reference
"""What the index holds of a consent; the tokens themselves where an earlier release put them."""


@dataclass(frozen=True, slots=True)
class Index:
    """All consents of one provider."""

    entries: tuple[Entry, ...]

    @property
    def accounts(self) -> tuple[str, ...]:
        """Every connected company or tenant, in a steady order."""
        return tuple(sorted({account for entry in self.entries for account in entry.accounts}))

    def of(self, account: str) -> Entry | None:
        """The consent that opens an account; the last one, should a person have consented twice."""
        return next((entry for entry in reversed(self.entries) if account in entry.accounts), None)

    def renewed(self, old: Grant, new: Grant) -> "Index":
        """With the tokens of one consent, which are kept here, replaced."""
        return replace(self, entries=tuple(new if entry == old else entry for entry in self.entries))

    def without(self, accounts: tuple[str, ...]) -> "Index":
        """Before a newer consent that opens these accounts; one that opens nothing any more is dropped."""
        left = (replace(entry, accounts=tuple(name for name in entry.accounts if name not in accounts)) for entry in self.entries)
        return Index(tuple(entry for entry in left if entry.accounts))

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the secrets that it points to."""
        return frozenset(entry.secret for entry in self.entries if isinstance(entry, Reference))


def index_text(index: Index) -> str:
    """The index as it is kept."""
    return json.dumps({"grants": [_entry_json(entry) for entry in index.entries]})


def grant_text(grant: Grant) -> str:
    """A consent's tokens as they are kept."""
    return json.dumps(_entry_json(grant))


def read_index(content: JsonObject) -> Index:
    """The index; what stands there without an account, or without tokens or a secret, opens nothing and is left out."""
    found = (read_grant(row) or _reference(row) for row in items(content, "grants"))
    return Index(tuple(entry for entry in found if entry is not None))


def read_grant(content: JsonObject) -> Grant | None:
    """A consent's tokens; None where there are none."""
    accounts, refresh_token = _accounts(content), text(content, "refresh_token")
    if accounts is None or refresh_token is None:
        return None
    return Grant(accounts, refresh_token, text(content, "access_token"), iso_instant(content, "expires_at"))


def _reference(content: JsonObject) -> Reference | None:
    accounts, secret = _accounts(content), text(content, "secret")
    return None if accounts is None or secret is None else Reference(accounts, secret)


def _accounts(content: JsonObject) -> tuple[str, ...] | None:
    accounts = content.get("accounts")
    return tuple(name for name in accounts if isinstance(name, str) and name) if isinstance(accounts, list) else None


def _entry_json(entry: Entry) -> dict[str, object]:
    if isinstance(entry, Reference):
        return {"accounts": list(entry.accounts), "secret": entry.secret}
    return {
        "accounts": list(entry.accounts),
        "refresh_token": entry.refresh_token,
        "access_token": entry.access_token,
        "expires_at": entry.expires_at.astimezone(UTC).isoformat() if entry.expires_at else None,
    }
