"""GET requests to an accounting API, below its limits and with a token that is good: one attempt, errors that say what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.domain.errors import Disconnected, Permanent, Retryable
from dunning.providers.http_client import HttpAnswer, HttpClient, called, retry_at
from dunning.providers.http_client_pace import Pace
from dunning.providers.oauth_tokens import TokenKeeper

_OTHERWISE = timedelta(seconds=60)
_LEFT_ALONE = timedelta(seconds=30)
_TRY_LATER = frozenset({404, 408, 409, 425, 429})


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
        token = self.tokens.access_token(account)
        answer = self._ask(account, path, params, headers or {}, token)
        if answer.status == 401:
            answer = self._ask(account, path, params, headers or {}, self.tokens.another_than(account, token))
        if (answer.status == 200 and answer.json() is not None) or tells(answer):
            return answer
        raise self._refusal(account, path, answer)

    def _ask(self, account: str, path: str, params: Mapping[str, str], headers: Mapping[str, str], token: str) -> HttpAnswer:
        flight = self.pace.take(account)
        given = {**headers, "Authorization": f"Bearer {token}", "Accept": "application/json"}
        try:
            return self.http.get(self.base.rstrip("/") + path, params, given)
        except Retryable:
            # Who does not answer is left alone for a while by everybody, lest all wait for it and for nothing else.
            self.pace.closed(account, self.clock() + _LEFT_ALONE)
            raise
        finally:
            self.pace.ended(account, flight)

    def _refusal(self, account: str, path: str, answer: HttpAnswer) -> Retryable | Permanent:
        said = f"{self.tokens.source}: {called('GET', path, answer.status)}"
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
