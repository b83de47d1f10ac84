"""OAuth 2 access tokens, renewed ahead of time by exactly one worker (RFC 6749, section 6).

A refresh token is worth one use: the answer brings the next, which is stored before its access token is used. When that answer
is lost, the old one is tried again: Xero takes it for another 30 minutes (developer.xero.com/faq/oauth2). Intuit promises no such
grace: "the latest refresh_token returned to you" is the one to use (developer.intuit.com, authentication FAQ), unused it lives
100 days, and no consent longer than five years (github.com/intuit/QuickBooks-V3-Java-SDK, release 6.5.4). Where the old one
is refused the connection has ended, and a person connects it again.
A worker that dies while it holds the lease keeps the others waiting for at most `LEASE`; they go on with the old access token
as long as that is good. Each consent with a secret of its own has a lease of its own: none waits for another's renewal.

A good token costs no call to AWS. One that is to be renewed is looked for by the index, where a newer consent shows, and once more
under the lease, in its own secret alone.

A token that is refused before its time is renewed once. Where the new one is refused, too, the trouble lies elsewhere, and each further
renewal would only be another version of a secret: all workers leave it alone for some hours. What is renewed ahead of its end goes on,
so whatever opens again is open at the latest then, and a new consent, which has a secret of its own, at once.
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
from dunning.providers.oauth_grants import Entry, Grant, Index, Reference
from dunning.providers.oauth_secrets import App

AHEAD = timedelta(minutes=5)
LEASE = timedelta(seconds=60)
REFUSED_IS_TRIED_AGAIN_AFTER = timedelta(hours=1)
IN_VAIN_IS_TRIED_AGAIN_AFTER = timedelta(hours=6)
_SHORTEST_USE = timedelta(seconds=15)
_POLLS = 20
_POLL_SECONDS = 0.5
_LOOKS = 4
_OTHERWISE = timedelta(seconds=60)


class Secrets(Protocol):
    """Where registrations and tokens are kept."""

    def app(self) -> App:
        """Our registration."""
        ...

    def index(self) -> Index:
        """Which consents there are now."""
        ...

    def grant(self, secret: str) -> Grant | None:
        """The tokens in a consent's own secret, as they are now; None where they are not there (any more)."""
        ...

    def store_index(self, index: Index) -> None:
        """Keep the index."""
        ...

    def store_grant(self, secret: str, grant: Grant) -> None:
        """Keep a consent's tokens in its own secret."""
        ...


class TokenLeases(Protocol):
    """Who may write what `secret` names (None: a provider's index, with all that it holds): one at a time. All raise Retryable."""

    def take(self, provider: str, secret: str | None, worker: str, now: datetime, until: datetime) -> bool:
        """Whether the lease is ours now."""
        ...

    def give_back(self, provider: str, secret: str | None, worker: str) -> None:
        """End our lease; harmless when it is not ours any more."""
        ...

    def refused(self, provider: str, account: str) -> tuple[str, datetime] | None:
        """The fingerprint of the refresh token of an account that was refused last, and when."""
        ...

    def note_refused(self, provider: str, account: str, fingerprint: str, at: datetime) -> None:
        """Remember it."""
        ...

    def renewed_in_vain(self, provider: str, secret: str | None) -> datetime | None:
        """When what `secret` holds was last renewed before its time and refused all the same; None: never."""
        ...

    def note_renewed_in_vain(self, provider: str, secret: str | None, at: datetime) -> None:
        """Remember it, until another consent takes the secret's place."""
        ...


@dataclass(frozen=True, slots=True)
class _Found:
    """A consent's tokens, and where they are kept: in a secret of their own, or (None) in the index."""

    accounts: tuple[str, ...]
    secret: str | None
    grant: Grant


@dataclass(frozen=True, slots=True)
class _Refused:
    """The access token that a provider refused, if it did, and whether it was good before."""

    token: str | None = None
    was_good: bool = False


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
    _index: Index = field(default_factory=lambda: Index(()))
    _held: dict[str, Grant] = field(default_factory=dict)
    _unstored: dict[str, Grant] = field(default_factory=dict)
    _forced: dict[str, str | None] = field(default_factory=dict)
    """Access tokens that were made before their time, and the secrets that hold them."""

    def accounts(self) -> tuple[str, ...]:
        """Every connected account."""
        self._index = self.secrets.index()
        return self._index.accounts

    def access_token(self, account: str) -> str:
        """A token that opens this account now."""
        entry = self._index.of(account)
        grant = self._held.get(entry.secret) if isinstance(entry, Reference) else entry
        token = grant.valid_until(self.clock() + AHEAD) if grant else None
        return token or self._renewed(account, _Refused())

    def another_than(self, account: str, refused: str, *, was_good: bool = False) -> str:
        """A token in place of one that the provider refused before its time; the same where a new one was refused, too, lately.

        `was_good`: it opened the very same before, so it was ended, and another is worth asking for.
        """
        return self._renewed(account, _Refused(refused, was_good))

    def renewed_in_vain(self, account: str, token: str) -> None:
        """The provider refuses this token, too, which came in place of another."""
        if token in self._forced:
            self.leases.note_renewed_in_vain(self.source, self._forced.pop(token), self.clock())

    def _renewed(self, account: str, refused: _Refused) -> str:
        try:
            return self._renewed_by_one(account, refused)
        except Unauthorised as exc:
            # Whatever a person must mend, to the account it means the same: nobody can look at it.
            raise exc if isinstance(exc, Disconnected) else Disconnected(self.source, account, str(exc)) from exc

    def _renewed_by_one(self, account: str, refused: _Refused) -> str:
        found = self._look(account)
        for _ in range(_POLLS):
            soon = self._good(found.grant, AHEAD, refused)
            if soon is not None:
                return soon
            worker = self.new_id(self.clock())
            if self.leases.take(self.source, found.secret, worker, self.clock(), self.clock() + LEASE):
                try:
                    token = self._renew(account, found, refused)
                except Unauthorised:
                    raise
                except Retryable:
                    token = self._good(found.grant, _SHORTEST_USE, refused)
                    if token is None:
                        raise
                finally:
                    self.leases.give_back(self.source, found.secret, worker)
            else:
                token = self._good(found.grant, _SHORTEST_USE, refused)
            if token is not None:
                return token
            self.pause(_POLL_SECONDS)
            found = self._again(account, found)
        raise Retryable(f"another worker has been renewing {self.source}'s tokens for too long", self.clock() + LEASE)

    def _good(self, grant: Grant, ahead: timedelta, refused: _Refused) -> str | None:
        token = grant.valid_until(self.clock() + ahead)
        return token if token != refused.token else None

    def _look(self, account: str) -> _Found:
        """What opens an account now, by the index. It may be replaced between our two reads, or just not be shown everywhere yet."""
        for look in range(_LOOKS):
            if look:
                self.pause(_POLL_SECONDS)
            self._index = self.secrets.index()
            entry = self._index.of(account)
            if entry is None:
                break
            found = self._read(entry)
            if found is not None:
                return found
        raise NotConnected(self.source, account, f"{self.source} account {account} is not connected: run `dunning connect {self.source}`")

    def _read(self, entry: Entry) -> _Found | None:
        """The tokens of a consent as they are now; None when another took its place."""
        if isinstance(entry, Grant):
            return _Found(entry.accounts, None, entry)
        grant = self.secrets.grant(entry.secret)
        if grant is None:
            return None
        self._held[entry.secret] = grant
        return _Found(entry.accounts, entry.secret, grant)

    def _again(self, account: str, found: _Found) -> _Found:
        """What opens the account, a moment later: of a secret of its own that alone is read."""
        now = self._read(Reference(found.accounts, found.secret)) if found.secret else None
        return now or self._look(account)

    def _renew(self, account: str, found: _Found, refused: _Refused) -> str | None:
        """Holding the lease. Another may have renewed between our look and our lease; None where the tokens moved away from it."""
        now = self._again(account, found)
        soon = self._good(now.grant, AHEAD, refused)
        if soon is not None or now.secret != found.secret:
            return soon
        grant = now.grant
        is_before_its_time = refused.token is not None and grant.valid_until(self.clock() + AHEAD) is not None
        if is_before_its_time and not refused.was_good and self._was_in_vain(found.secret):
            return refused.token
        unstored = self._unstored.get(grant.refresh_token)
        if unstored is not None:
            return self._store(now, unstored)
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
            if is_before_its_time:
                self._forced[token] = found.secret
            return self._store(now, new)
        raise self._refusal(account, now, answer, text(content, "error"))

    def _store(self, old: _Found, new: Grant) -> str:
        """The rotated refresh token first; should that fail, this process still knows it at its next attempt."""
        self._unstored[old.grant.refresh_token] = new
        if old.secret is None:
            renewed = self._index.renewed(old.grant, new)
            self.secrets.store_index(renewed)
            self._index = renewed
        else:
            self.secrets.store_grant(old.secret, new)
            self._held[old.secret] = new
        del self._unstored[old.grant.refresh_token]
        return new.access_token or ""

    def _was_in_vain(self, secret: str | None) -> bool:
        known = self.leases.renewed_in_vain(self.source, secret)
        return known is not None and self.clock() < known + IN_VAIN_IS_TRIED_AGAIN_AFTER

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

    def _refusal(self, account: str, found: _Found, answer: HttpAnswer, error: str | None) -> Retryable:
        said = f"{self.source}'s token endpoint answered {answer.status}" + (f" ({error})" if error else "")
        if error == "invalid_grant" and answer.status in (400, 401):
            if self._look(account).grant.refresh_token != found.grant.refresh_token:
                return Retryable(f"{self.source}'s tokens were renewed by another worker meanwhile", self.clock())
            for each in found.accounts:
                self.leases.note_refused(self.source, each, _fingerprint(found.grant), self.clock())
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
