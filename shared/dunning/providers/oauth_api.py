"""Requests to an accounting API, below its limits and with a token that is good: one attempt, errors that say what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from dunning.domain.errors import Disconnected, NotOffered, Permanent, Retryable, Unauthorised
from dunning.providers.http_client import HttpAnswer, HttpClient, called, retry_at
from dunning.providers.http_client_pace import Pace
from dunning.providers.oauth_tokens import TokenKeeper

_OTHERWISE = timedelta(seconds=60)
_LEFT_ALONE = timedelta(seconds=30)
_TRY_LATER = frozenset({404, 408, 409, 425, 429})
_NOT_OFFERED = frozenset({404, 405, 501})


@dataclass(frozen=True, slots=True)
class OAuthApi:
    """One provider's API at its base (`https://api.xero.com`).

    Raises Disconnected (also for 401 with a new token, and 403), Unauthorised, Retryable (no connection, 404, 408, 409, 429, 5xx, an answer
    that is no JSON object) and Permanent (all else). A 404 is retryable because a wrong address must never look like an invoice
    that is gone; who knows better is asked first: `tells`.
    """

    base: str
    http: HttpClient
    tokens: TokenKeeper
    pace: Pace
    clock: Callable[[], datetime]

    def get(
        self,
        account: str,
        path: str,
        params: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        tells: Callable[[HttpAnswer], bool] = lambda _answer: False,
    ) -> HttpAnswer:
        """The answer to a GET: 200 with a JSON object, or whatever `tells` accepts as one."""
        answer = self._authorised(account, headers or {}, self._getting(account, path, params))
        if (answer.status == 200 and answer.json() is not None) or tells(answer):
            return answer
        raise self._refusal(account, "GET", path, answer)

    def get_pdf(self, account: str, path: str, params: Mapping[str, str], headers: Mapping[str, str] | None = None) -> bytes | None:
        """The document at a path; None when there is none."""
        wanted = {**(headers or {}), "Accept": "application/pdf"}
        answer = self._authorised(account, wanted, self._getting(account, path, params))
        if answer.status in (400, 404):
            return None
        if answer.status != 200:
            raise self._refusal(account, "GET", path, answer)
        return answer.content

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
        answer = self._authorised(account, headers or {}, lambda given: self.http.send_json(method, url, value, given))
        if (answer.status in (200, 201) and answer.json() is not None) or tells(answer):
            return answer
        if answer.status in _NOT_OFFERED:
            raise NotOffered(f"{self.tokens.source}: {called(method, path, answer.status)}")
        raise self._refusal(account, method, path, answer)

    def _authorised(self, account: str, headers: Mapping[str, str], ask: Callable[[Mapping[str, str]], HttpAnswer]) -> HttpAnswer:
        def with_token(token: str) -> HttpAnswer:
            with self.pace.request(account):
                return ask({"Accept": "application/json", **headers, "Authorization": f"Bearer {token}"})

        self.pace.check(account)
        token = self._token(account)
        answer = with_token(token)
        return with_token(self.tokens.another_than(account, token)) if answer.status == 401 else answer

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
        if answer.status in (401, 403):
            # Xero answers 403 for a tenant that was taken away from us, though its tokens still renew.
            said += f": connect it again with `dunning connect {self.tokens.source}`"
            return Disconnected(self.tokens.source, account, said)
        if answer.status == 200 or answer.status >= 500 or answer.status in _TRY_LATER:
            return Retryable(said, retry_at(answer, self.clock(), _OTHERWISE) if "retry-after" in answer.headers else None)
        return Permanent(said)
