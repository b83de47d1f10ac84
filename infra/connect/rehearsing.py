"""`dunning connect --url`: the same consent, at the sandboxes of a running local cloud. No account, and no AWS."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime

from dunning.bootstrap import Platform
from dunning.domain.errors import Rejected
from dunning.providers.http_client import HttpClient
from dunning.providers.oauth_grants import Grant
from dunning.providers.oauth_secrets import App
from infra.connect.connecting import AUTHORIZE, Connector
from infra.connect.consent import AnswerTo, Consent, Provider
from infra.local.json_edges import mapping, text
from infra.reaching import ask_local_cloud


def where_to_consent(source: str) -> Callable[[Platform], str]:
    """What a command must know to ask for consent: JSON. Raises Rejected for a source that is not connected so."""
    _require_known(source)

    def tell(platform: Platform) -> str:
        connector = Connector(platform, source, platform.env)
        app = connector.app()
        told = {"client_id": app.client_id, "client_secret": app.client_secret, "now": platform.clock().isoformat()}
        return json.dumps({**told, "provider": asdict(connector.provider())})

    return tell


def keeping(source: str, given: Mapping[str, object]) -> Callable[[Platform], str]:
    """Put what a consent gave into the local cloud's secrets, and begin the import: the accounts, JSON. Raises Rejected."""
    _require_known(source)
    accounts, expires = given.get("accounts"), text(given.get("expires_at"))
    refresh, access = text(given.get("refresh_token")), text(given.get("access_token"))
    if not isinstance(accounts, list) or not accounts or not (refresh and access and expires):
        raise Rejected('give {"grant": {"accounts": ["…"], "refresh_token": "…", "access_token": "…", "expires_at": "…Z"}}')
    try:
        grant = Grant(tuple(map(str, accounts)), refresh, access, datetime.fromisoformat(expires))
    except ValueError as exc:
        raise Rejected(f"expires_at is {expires!r}: give an instant") from exc
    return lambda platform: json.dumps(Connector(platform, source, platform.env).keep(grant))


def connect_local_cloud(url: str, source: str, redirect_uri: str, answer_to: AnswerTo) -> tuple[str, ...]:
    """Connect a running local cloud. Raises Rejected, Retryable."""
    path = f"/_local/connect/{source}"
    told = mapping(ask_local_cloud(url, path, b"{}"))
    place = mapping(told.get("provider"))
    texts = {name: text(place.get(name)) for name in ("name", "title", "authorize_url", "token_url", "api_base", "scopes")}
    provider = Provider(**texts, with_pkce=place.get("with_pkce") is True)
    app = App(text(told.get("client_id")), text(told.get("client_secret")), ())
    now = datetime.fromisoformat(text(told.get("now")))
    grant = Consent(provider, app, redirect_uri, HttpClient(), lambda: now).ask(answer_to)
    kept = {
        "accounts": grant.accounts,
        "refresh_token": grant.refresh_token,
        "access_token": grant.access_token,
        "expires_at": grant.expires_at.isoformat() if grant.expires_at else None,
    }
    ask_local_cloud(url, path, json.dumps({"grant": kept}).encode())
    return grant.accounts


def _require_known(source: str) -> None:
    if source not in AUTHORIZE:
        raise Rejected(f"{source!r} is not connected by consent: {' and '.join(AUTHORIZE)} are")
