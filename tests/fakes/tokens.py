"""Tokens of an accounting provider in memory, and the lease by which one worker renews them."""

import threading
from dataclasses import replace
from datetime import datetime

from dunning.domain.errors import Retryable
from dunning.domain.request_meter import Meter
from dunning.providers.oauth_secrets import App, Grant, Grants


class Vault:
    """The secrets in memory."""

    def __init__(self, *grants: Grant) -> None:
        self.held = Grants(grants)
        self.stores = 0
        self.fails = 0

    def app(self) -> App:
        return App("local-client", "local-secret", ("key",))

    def grants(self) -> Grants:
        return self.held

    def store(self, grants: Grants) -> None:
        self.stores += 1
        if self.fails:
            self.fails -= 1
            raise Retryable("Secrets Manager is down")
        self.held = grants


class Leases:
    """The lease in memory, with DynamoDB's promise: one wins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[str, datetime] | None = None
        self.noted: dict[str, tuple[str, datetime]] = {}

    def take(self, provider: str, worker: str, now: datetime, until: datetime) -> bool:
        with self._lock:
            if self._held is not None and self._held[1] > now and self._held[0] != worker:
                return False
            self._held = worker, until
            return True

    def give_back(self, provider: str, worker: str) -> None:
        with self._lock:
            if self._held is not None and self._held[0] == worker:
                self._held = None

    def refused(self, provider: str, account: str) -> tuple[str, datetime] | None:
        return self.noted.get(account)

    def note_refused(self, provider: str, account: str, fingerprint: str, at: datetime) -> None:
        self.noted[account] = fingerprint, at


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
