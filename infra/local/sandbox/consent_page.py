"""Where a person lets an app in (OAuth 2, RFC 6749, 4.1): a page with two links, and the codes that these give out."""

import hashlib
import html
import itertools
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode, urlsplit

from infra.local.http.wire import Answer, Request

_PAGE = """<!doctype html><title>{name}, local sandbox</title>
<h1>May this app read and write the books of {account}?</h1>
<p><a id="allow" href="{allow}">Allow</a> <a id="deny" href="{deny}">Deny</a></p>
"""


class ConsentPage:
    """The page of one provider with one account. `told`: what else stands in the answer of who allows it."""

    def __init__(self, name: str, account: str, client_id: str, told: Mapping[str, str]) -> None:
        self._name, self._account, self._client_id, self._told = name, account, client_id, dict(told)
        self._numbers = itertools.count(1)
        self._given: dict[str, tuple[str, str]] = {}

    def answer(self, request: Request) -> Answer:
        """The page; 400 for what no app of ours would ask."""
        asked = {name: values[-1] for name, values in parse_qs(request.query).items()}
        redirect, state = asked.get("redirect_uri", ""), asked.get("state", "")
        if asked.get("response_type") != "code" or asked.get("client_id") != self._client_id:
            return _refused(f"response_type must be code, client_id {self._client_id}")
        if urlsplit(redirect).scheme not in ("http", "https") or not state or not asked.get("scope"):
            return _refused("redirect_uri, state and scope must be given")
        if asked.get("code_challenge") and asked.get("code_challenge_method") != "S256":
            return _refused("code_challenge_method must be S256")
        code = f"{self._name}-code-{next(self._numbers)}"
        self._given[code] = redirect, asked.get("code_challenge", "")
        links = {
            "allow": f"{redirect}?{urlencode({'code': code, 'state': state, **self._told})}",
            "deny": f"{redirect}?{urlencode({'error': 'access_denied', 'state': state})}",
        }
        shown = {name: html.escape(value) for name, value in {**links, "name": self._name, "account": self._account}.items()}
        return Answer(200, _PAGE.format(**shown).encode(), {"Content-Type": "text/html; charset=utf-8"})

    def takes(self, form: Mapping[str, str]) -> bool:
        """Whether a code is good: given out here, for this address and this verifier, and not used yet."""
        redirect, challenge = self._given.pop(form.get("code", ""), ("", ""))
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        verified = not challenge or urlsafe_b64encode(digest).decode().rstrip("=") == challenge
        return bool(redirect) and form.get("redirect_uri") == redirect and verified


def _refused(why: str) -> Answer:
    return Answer(400, why.encode(), {"Content-Type": "text/plain; charset=utf-8"})
