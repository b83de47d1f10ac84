"""OAuth 2 access tokens, renewed ahead of time by exactly one worker (RFC 6749, section 6).

A refresh token is worth one use: the answer brings the next, which is stored before its access token is used. When that answer
is lost, the old one is tried again: Xero takes it for another 30 minutes (developer.xero.com/faq/oauth2). Intuit promises no such
grace: "the latest refresh_token returned to you" is the one to use (developer.intuit.com, authentication FAQ), unused it lives
100 days, and no consent longer than five years (github.com/intuit/QuickBooks-V3-Java-SDK, release 6.5.4). Where the old one
is refused the connection has ended, and a person connects it again.
A worker that dies while it holds the lease keeps the others waiting for at most `LEASE`; they go on with the old access token
as long as that is good.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from dunning.domain.errors import Disconnected, NotConnected, Retryable, Unauthorised
from dunning.providers.http_client import HttpAnswer, HttpClient, retry_at
from dunning.providers.json_reading import integer, text
from dunning.providers.oauth_secrets import App, Grant, Grants

AHEAD = timedelta(minutes=5)
LEASE = timedelta(seconds=60)
REFUSED_IS_TRIED_AGAIN_AFTER = timedelta(hours=1)
_SHORTEST_USE = timedelta(seconds=15)
_POLLS = 20
_POLL_SECONDS = 0.5
_OTHERWISE = timedelta(seconds=60)


class Secrets(Protocol):
    """Where registrations and tokens are kept."""

    def app(self) -> App:
        """Our registration."""
        ...

    def grants(self) -> Grants:
        """The tokens as they are now."""
        ...

    def store(self, grants: Grants) -> None:
        """Keep the tokens."""
        ...


class TokenLeases(Protocol):
    """Who may renew a provider's tokens: one worker at a time. All raise Retryable."""

    def take(self, provider: str, worker: str, now: datetime, until: datetime) -> bool:
        """Whether the lease is ours now."""
        ...

    def give_back(self, provider: str, worker: str) -> None:
        """End our lease; harmless when it is not ours any more."""
        ...

    def refused(self, provider: str, account: str) -> tuple[str, datetime] | None:
        """The fingerprint of the refresh token of an account that was refused last, and when."""
        ...

    def note_refused(self, provider: str, account: str, fingerprint: str, at: datetime) -> None:
        """Remember it."""
        ...


@dataclass(slots=True)
class TokenKeeper:
    """Access tokens of one provider. `pause` waits for another worker's renewal, `new_id` names this attempt.

    Raises NotConnected when we hold no consent for an account, Disconnected when that has ended, or our registration is refused
    or missing; Retryable when the token endpoint does not answer or another worker's renewal takes too long.
    """

    source: str
    secrets: Secrets
    leases: TokenLeases
    http: HttpClient
    token_url: str
    clock: Callable[[], datetime]
    pause: Callable[[float], None]
    new_id: Callable[[datetime], str]
    _known: Grants = field(default_factory=lambda: Grants(()))
    _unstored: dict[str, Grant] = field(default_factory=dict)

    def accounts(self) -> tuple[str, ...]:
        """Every connected account."""
        self._known = self.secrets.grants()
        return self._known.accounts

    def access_token(self, account: str) -> str:
        """A token that opens this account now."""
        grant = self._known.of(account)
        token = grant.valid_until(self.clock() + AHEAD) if grant else None
        return token or self._renewed(account, None)

    def another_than(self, account: str, refused: str) -> str:
        """A token in place of one that the provider refused before its time."""
        return self._renewed(account, refused)

    def _renewed(self, account: str, refused: str | None) -> str:
        for _ in range(_POLLS):
            grant = self._read(account)
            soon = self._good(grant, AHEAD, refused)
            if soon is not None:
                return soon
            worker = self.new_id(self.clock())
            if self.leases.take(self.source, worker, self.clock(), self.clock() + LEASE):
                try:
                    return self._renew(account, refused)
                except Unauthorised as exc:
                    # Whatever a person must mend, to the account it means the same: nobody can look at it.
                    raise exc if isinstance(exc, Disconnected) else Disconnected(self.source, account, str(exc)) from exc
                except Retryable:
                    still = self._good(grant, _SHORTEST_USE, refused)
                    if still is None:
                        raise
                    return still
                finally:
                    self.leases.give_back(self.source, worker)
            still = self._good(grant, _SHORTEST_USE, refused)
            if still is not None:
                return still
            self.pause(_POLL_SECONDS)
        raise Retryable(f"another worker has been renewing {self.source}'s tokens for too long", self.clock() + LEASE)

    def _good(self, grant: Grant, ahead: timedelta, refused: str | None) -> str | None:
        token = grant.valid_until(self.clock() + ahead)
        return token if token != refused else None

    def _read(self, account: str) -> Grant:
        self._known = self.secrets.grants()
        grant = self._known.of(account)
        if grant is None:
            raise NotConnected(
                self.source, account, f"{self.source} account {account} is not connected: run `dunning connect {self.source}`"
            )
        return grant

    def _renew(self, account: str, refused: str | None) -> str:
        """Holding the lease. Another may have renewed between our look and our lease."""
        grant = self._read(account)
        soon = self._good(grant, AHEAD, refused)
        if soon is not None:
            return soon
        unstored = self._unstored.get(grant.refresh_token)
        if unstored is not None:
            return self._store(grant, unstored)
        self._check_worth_trying(account, grant)
        asked_at = self.clock()
        answer = self._ask(grant.refresh_token)
        content = answer.json() or {}
        if answer.status == 200 and (token := text(content, "access_token")) is not None:
            lives = timedelta(seconds=integer(content, "expires_in") or 1800)
            new = replace(
                grant,
                access_token=token,
                expires_at=asked_at + lives,
                refresh_token=text(content, "refresh_token") or grant.refresh_token,
            )
            return self._store(grant, new)
        raise self._refusal(account, grant, answer, text(content, "error"))

    def _store(self, old: Grant, new: Grant) -> str:
        """The rotated refresh token first; should that fail, this process still knows it at its next attempt."""
        self._unstored[old.refresh_token] = new
        self.secrets.store(self._known.renewed(old, new))
        del self._unstored[old.refresh_token]
        self._known = self._known.renewed(old, new)
        return new.access_token or ""

    def _check_worth_trying(self, account: str, grant: Grant) -> None:
        """A token once refused is asked about again only after an hour: a revoked connection must not cost a request an event."""
        known = self.leases.refused(self.source, account)
        if known and known[0] == _fingerprint(grant) and self.clock() < known[1] + REFUSED_IS_TRIED_AGAIN_AFTER:
            raise self._disconnected(account)

    def _ask(self, refresh_token: str) -> HttpAnswer:
        app = self.secrets.app()
        credentials = b64encode(f"{app.client_id}:{app.client_secret}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Accept": "application/json"}
        return self.http.post_form(self.token_url, {"grant_type": "refresh_token", "refresh_token": refresh_token}, headers)

    def _refusal(self, account: str, grant: Grant, answer: HttpAnswer, error: str | None) -> Retryable:
        said = f"{self.source}'s token endpoint answered {answer.status}" + (f" ({error})" if error else "")
        if error == "invalid_grant" and answer.status in (400, 401):
            if self._read(account).refresh_token != grant.refresh_token:
                return Retryable(f"{self.source}'s tokens were renewed by another worker meanwhile", self.clock())
            for each in grant.accounts:
                self.leases.note_refused(self.source, each, _fingerprint(grant), self.clock())
            return self._disconnected(account)
        if answer.status in (400, 401, 403):
            return Unauthorised(f"{said}: compare client_id and client_secret with the app at the provider")
        return Retryable(said, retry_at(answer, self.clock(), _OTHERWISE))

    def _disconnected(self, account: str) -> Disconnected:
        return Disconnected(
            self.source,
            account,
            f"{self.source} account {account} was disconnected, or its consent ran out: run `dunning connect {self.source}` again",
        )


def _fingerprint(grant: Grant) -> str:
    """Tells refresh tokens apart without keeping one in the table."""
    return hashlib.sha256(grant.refresh_token.encode()).hexdigest()[:32]
