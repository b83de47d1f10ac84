"""OAuth 2 with a browser: ask for consent, take the answer, exchange its code (RFC 6749, 4.1; RFC 7636; RFC 8252)."""

import hashlib
import hmac
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

from dunning.domain.errors import Rejected
from dunning.providers.http_client import HttpAnswer, HttpClient
from dunning.providers.json_reading import integer, parse_array, text
from dunning.providers.oauth_grants import Grant
from dunning.providers.oauth_secrets import App

Query = Mapping[str, str]
AnswerTo = Callable[[str], Query]
"""Show a person the address where they consent; the query that the provider sends them back with. Raises Rejected."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider asks for consent, and what we ask for. `with_pkce`: whether it takes a code challenge."""

    name: str
    title: str
    authorize_url: str
    token_url: str
    api_base: str
    scopes: str
    with_pkce: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: what only we and, by way of the browser, the provider know."""

    state: str = field(repr=False)
    verifier: str = field(repr=False)

    @classmethod
    def new(cls) -> "Attempt":
        """A fresh one."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        """S256 of the verifier."""
        return urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Consent:
    """Asks once. Raises Rejected, naming the remedy, when it is refused, mixed up or not answered; nothing is stored here."""

    provider: Provider
    app: App
    redirect_uri: str
    http: HttpClient
    now: Callable[[], datetime]

    def ask(self, answer_to: AnswerTo) -> Grant:
        """The accounts that were opened to us, and their tokens. Raises Rejected, Retryable."""
        attempt = Attempt.new()
        answer = answer_to(self._address(attempt))
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise Rejected("the answer does not belong to this attempt (its state differs): close old windows and run the command again")
        if "error" in answer:
            refused = answer["error"] == "access_denied"
            raise Rejected("the consent was refused" if refused else f"{self.provider.title} answered {answer['error'][:80]!r}")
        if not answer.get("code"):
            raise Rejected(f"{self.provider.title} sent no code: run the command again")
        asked_at = self.now()
        content = self._exchanged(answer["code"], attempt)
        access, refresh = text(content, "access_token"), text(content, "refresh_token")
        if access is None or refresh is None:
            raise Rejected(f"{self.provider.title} gave no refresh token: ask for offline access, scopes {self.provider.scopes!r}")
        lives = timedelta(seconds=integer(content, "expires_in") or 1800)
        return Grant(self._accounts(answer, access), refresh, access, asked_at + lives)

    def _address(self, attempt: Attempt) -> str:
        query = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.provider.scopes,
            "state": attempt.state,
            **({"code_challenge": attempt.challenge, "code_challenge_method": "S256"} if self.provider.with_pkce else {}),
        }
        return f"{self.provider.authorize_url}?{urlencode(query)}"

    def _exchanged(self, code: str, attempt: Attempt) -> Mapping[str, object]:
        credentials = b64encode(f"{self.app.client_id}:{self.app.client_secret}".encode()).decode()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            **({"code_verifier": attempt.verifier} if self.provider.with_pkce else {}),
        }
        answer = self.http.post_form(self.provider.token_url, form, {"Authorization": f"Basic {credentials}", "Accept": "application/json"})
        content = answer.json()
        if answer.status == 200 and content is not None:
            return content
        raise Rejected(
            f"{self._said(answer, 'token endpoint')}: compare client_id, client_secret and {self.redirect_uri} with the app there"
        )

    def _accounts(self, answer: Query, access: str) -> tuple[str, ...]:
        """QuickBooks names the company in its answer; Xero is asked which organisations were ticked."""
        if self.provider.name == "quickbooks":
            realm = answer.get("realmId", "")
            if not realm.isdecimal():
                raise Rejected("QuickBooks named no company (realmId): choose one when you are asked, and run the command again")
            return (realm,)
        found = self.http.get(f"{self.provider.api_base.rstrip('/')}/connections", {}, {"Authorization": f"Bearer {access}"})
        if found.status != 200:
            raise Rejected(f"{self._said(found, 'list of connections')}: run the command again")
        rows = parse_array(found.content, "Xero's list of connections")
        # Every consent leaves a connection of its own there, so that one organisation may be listed several times.
        tenants = {tenant for row in rows if text(row, "tenantType") == "ORGANISATION" and (tenant := text(row, "tenantId")) is not None}
        if not tenants:
            raise Rejected("no Xero organisation was ticked: run the command again and choose one")
        return tuple(sorted(tenants))

    def _said(self, answer: HttpAnswer, what: str) -> str:
        error = text(answer.json(), "error")
        return f"{self.provider.title}'s {what} answered {answer.status}" + (f" ({error})" if error else "")


def query_of(address: str) -> Query:
    """The query of an address, each name once."""
    return {name: values[-1] for name, values in parse_qs(urlsplit(address).query).items()}
