"""Tokens of an accounting provider in memory, and the leases by which one worker renews them."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime
from itertools import count

from dunning.domain.errors import Retryable
from dunning.domain.request_meter import Meter
from dunning.providers.oauth_grants import Grant, Index, Reference
from dunning.providers.oauth_secrets import App


class Vault:
    """The secrets in memory: an index, and a secret for each consent. `writes`: how often each was written, the index as None."""

    def __init__(self, *grants: Grant) -> None:
        self.held: dict[str, Grant] = {}
        self.listed = Index(())
        self.writes: Counter[str | None] = Counter()
        self.reads: list[str | None] = []
        self.fails = 0
        self._numbers = count(1)
        for grant in grants:
            self.connect(grant)

    @classmethod
    def of_an_earlier_release(cls, *grants: Grant) -> "Vault":
        """With all tokens in the index."""
        made = cls()
        made.listed = Index(grants)
        return made

    def connect(self, grant: Grant) -> str:
        """A consent, in a secret of its own; those whose accounts it took over are gone."""
        secret = f"dunning/{next(self._numbers)}"
        self.held[secret] = grant
        self.listed = Index((*self.listed.without(grant.accounts).entries, Reference(grant.accounts, secret)))
        for gone in self.held.keys() - self.listed.secrets:
            del self.held[gone]
        return secret

    @property
    def grants(self) -> tuple[Grant, ...]:
        """All tokens, wherever they are."""
        return tuple(self.held[entry.secret] if isinstance(entry, Reference) else entry for entry in self.listed.entries)

    def app(self) -> App:
        return App("local-client", "local-secret", ("key",))

    def index(self) -> Index:
        self.reads.append(None)
        return self.listed

    def grant(self, secret: str) -> Grant | None:
        self.reads.append(secret)
        return self.held.get(secret)

    def store_index(self, index: Index) -> None:
        self._write(None)
        self.listed = index

    def store_grant(self, secret: str, grant: Grant) -> None:
        self._write(secret)
        if secret not in self.held:
            raise Retryable("another consent took its place")
        self.held[secret] = grant

    def _write(self, secret: str | None) -> None:
        self.writes[secret] += 1
        if self.fails:
            self.fails -= 1
            raise Retryable("Secrets Manager is down")


class Leases:
    """The leases in memory, with DynamoDB's promise: one wins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str | None], tuple[str, datetime]] = {}
        self.noted: dict[str, tuple[str, datetime]] = {}
        self.in_vain: dict[str | None, datetime] = {}

    def take(self, provider: str, secret: str | None, worker: str, now: datetime, until: datetime) -> bool:
        with self._lock:
            held = self._held.get((provider, secret))
            if held is not None and held[1] > now and held[0] != worker:
                return False
            self._held[provider, secret] = worker, until
            return True

    def give_back(self, provider: str, secret: str | None, worker: str) -> None:
        with self._lock:
            held = self._held.get((provider, secret))
            if held is not None and held[0] == worker:
                del self._held[provider, secret]

    def refused(self, provider: str, account: str) -> tuple[str, datetime] | None:
        return self.noted.get(account)

    def note_refused(self, provider: str, account: str, fingerprint: str, at: datetime) -> None:
        self.noted[account] = fingerprint, at

    def renewed_in_vain(self, provider: str, secret: str | None) -> datetime | None:
        return self.in_vain.get(secret)

    def note_renewed_in_vain(self, provider: str, secret: str | None, at: datetime) -> None:
        self.in_vain[secret] = at


class MemoryMeters:
    """providers.http_client_pace.Meters in memory, safe under threads."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], Meter] = {}
        self._lock = threading.Lock()

    def read(self, source: str, account: str) -> Meter:
        """The meter of an account."""
        with self._lock:
            return self.held.get((source, account), Meter())

    def save(self, source: str, account: str, meter: Meter) -> Meter | None:
        """Write it, unless somebody else did since it was read."""
        with self._lock:
            there = self.held.get((source, account), Meter())
            if there.version != meter.version:
                return there
            self.held[source, account] = replace(meter, version=meter.version + 1)
            return None
