"""Requests to an accounting API, below its limits and with a token that is good: one attempt, errors that say what to do."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from dunning.domain.errors import NotOffered, NotPermitted, Permanent, Retryable, Unauthorised
from dunning.providers.http_client import HttpAnswer, HttpClient, called, retry_at
from dunning.providers.http_client_pace import Pace
from dunning.providers.oauth_tokens import TokenKeeper

_LOG = logging.getLogger(__name__)
_OTHERWISE = timedelta(seconds=60)
_LEFT_ALONE = timedelta(seconds=30)
_TRY_LATER = frozenset({404, 408, 409, 425, 429})
_NOT_OFFERED = frozenset({404, 405, 501})
NOT_PERMITTED = frozenset({401, 403})
"""Xero answers 403 (AuthenticationUnsuccessful) for a tenant that was taken from us, 401 (AuthorizationUnsuccessful,
`insufficient_scope`) for a call that the consent does not cover (github.com/XeroAPI/Xero-NetStandard/issues/178 and 298);
QuickBooks 403 (3100) for both (github.com/intuit/QuickBooks-V3-Java-SDK/issues/43). Both answer 401 for a token that is over.
"""


@dataclass(frozen=True, slots=True)
class OAuthApi:
    """One provider's API at its base (`https://api.xero.com`).

    Raises Disconnected (the token endpoint says so), NotPermitted (401 with a new token, and 403), Unauthorised,
    Retryable (no connection, 404, 408, 409, 429, 5xx, an answer
    that is no JSON object) and Permanent (all else). A 404 is retryable because a wrong address must never look like an invoice
    that is gone; who knows better is asked first: `tells`.
    """

    base: str
    http: HttpClient
    tokens: TokenKeeper
    pace: Pace
    clock: Callable[[], datetime]
    renewed_in_vain: dict[str, str] = field(default_factory=dict)
    """By account: the token that was new, and was refused all the same. It is not to blame, there or wherever it never opened anything.

    What all processes must know of it the tokens' keeper keeps; this saves asking it again.
    """
    opened: dict[tuple[str, str], str] = field(default_factory=dict)
    """By account and kind of call: the token that was last good for it. Where it is not any more, it was ended before its time."""

    def get(
        self,
        account: str,
        path: str,
        params: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        tells: Callable[[HttpAnswer], bool] = lambda _answer: False,
    ) -> HttpAnswer:
        """The answer to a GET: 200 with a JSON object, or whatever `tells` accepts as one."""
        answer = self._authorised(account, _kind(path, params), headers or {}, self._getting(account, path, params))
        if (answer.status == 200 and answer.json() is not None) or tells(answer):
            return answer
        raise self._refusal(account, "GET", path, answer)

    def get_pdf(self, account: str, path: str, params: Mapping[str, str], headers: Mapping[str, str] | None = None) -> bytes | None:
        """The document at a path; None when there is none."""
        wanted = {**(headers or {}), "Accept": "application/pdf"}
        answer = self._authorised(account, _kind(path), wanted, self._getting(account, path, params))
        if answer.status in (400, 404):
            return None
        if answer.status != 200:
            raise self._refusal(account, "GET", path, answer)
        return answer.content

    def get_if_permitted(
        self,
        account: str,
        path: str,
        params: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        tells: Callable[[HttpAnswer], bool] = lambda _answer: False,
    ) -> HttpAnswer:
        """As `get`, of what can be done without: a refusal is an answer, too, and is logged with its remedy."""
        answer = self.get(account, path, params, headers, lambda told: told.status in NOT_PERMITTED or tells(told))
        if answer.status in NOT_PERMITTED:
            _LOG.warning("%s; reminders go on without it", self._refusal(account, "GET", path, answer))
        return answer

    def _getting(self, account: str, path: str, params: Mapping[str, str]) -> Callable[[Mapping[str, str]], HttpAnswer]:
        url = self.base.rstrip("/") + path

        def ask(given: Mapping[str, str]) -> HttpAnswer:
            try:
                return self.http.get(url, params, given)
            except Retryable:
                # Who does not answer is left alone for a while by everybody, lest all wait for it and for nothing else.
                self.pace.closed(account, self.clock() + _LEFT_ALONE)
                raise

        return ask

    def send(
        self,
        method: str,
        account: str,
        path: str,
        params: Mapping[str, str],
        value: object,
        headers: Mapping[str, str] | None = None,
        tells: Callable[[HttpAnswer], bool] = lambda _answer: False,
    ) -> HttpAnswer:
        """The answer to a POST or PUT of JSON, as `get` has it. Raises NotOffered where there is nothing to be sent to."""
        url = self.base.rstrip("/") + path + (f"?{urlencode(params)}" if params else "")
        kind = f"{method} {_kind(path)}"
        answer = self._authorised(account, kind, headers or {}, lambda given: self.http.send_json(method, url, value, given))
        if (answer.status in (200, 201) and answer.json() is not None) or tells(answer):
            return answer
        if answer.status in _NOT_OFFERED:
            raise NotOffered(f"{self.tokens.source}: {called(method, path, answer.status)}")
        raise self._refusal(account, method, path, answer)

    def _authorised(
        self, account: str, kind: str, headers: Mapping[str, str], ask: Callable[[Mapping[str, str]], HttpAnswer]
    ) -> HttpAnswer:
        def with_token(token: str) -> HttpAnswer:
            with self.pace.request(account):
                return ask({"Accept": "application/json", **headers, "Authorization": f"Bearer {token}"})

        self.pace.check(account)
        token = self._token(account)
        answer = with_token(token)
        if answer.status == 401 and not _lacks_a_right(answer) and not self._is_blameless(account, kind, token):
            refused, was_good = token, self.opened.get((account, kind)) == token
            token = self.tokens.another_than(account, refused, was_good=was_good)
            answer = with_token(token) if token != refused else answer
            if answer.status == 401:
                self.renewed_in_vain[account] = token
                self.tokens.renewed_in_vain(account, token)
        if answer.status < 300:
            self.opened[account, kind] = token
        return answer

    def _is_blameless(self, account: str, kind: str, token: str) -> bool:
        return self.renewed_in_vain.get(account) == token and self.opened.get((account, kind)) != token

    def _token(self, account: str) -> str:
        try:
            return self.tokens.access_token(account)
        except Unauthorised:
            raise
        except Retryable as exc:
            self.pace.closed(account, exc.retry_at or self.clock() + _LEFT_ALONE)
            raise

    def _refusal(self, account: str, method: str, path: str, answer: HttpAnswer) -> Retryable | Permanent:
        said = f"{self.tokens.source}: {called(method, path, answer.status)}"
        if answer.status == 429:
            again = retry_at(answer, self.clock(), _OTHERWISE)
            self.pace.closed(account, again)
            return Retryable(said, again)
        if answer.status in NOT_PERMITTED:
            said += f": connect it again with `dunning connect {self.tokens.source}`"
            return NotPermitted(self.tokens.source, account, said)
        if answer.status == 200 or answer.status >= 500 or answer.status in _TRY_LATER:
            return Retryable(said, retry_at(answer, self.clock(), _OTHERWISE) if "retry-after" in answer.headers else None)
        return Permanent(said)


def _kind(path: str, params: Mapping[str, str] | None = None) -> str:
    """What is asked for, without the ids in its address; of a query, what it lists."""
    listed = (params or {}).get("query", "").partition(" where ")[0]
    return "/".join(part for part in path.split("/") if part.isalpha()) + f" {listed}"


def _lacks_a_right(answer: HttpAnswer) -> bool:
    """Whether a 401 says that the token is good, but not for this (RFC 6750, section 3.1; Xero's own word for it)."""
    said = answer.json() or {}
    lacking = "AuthorizationUnsuccessful" in (said.get("Detail"), said.get("detail"))
    return lacking or "insufficient_scope" in answer.headers.get("www-authenticate", "")
