"""Scenes of `dunning connect`, which a person gives again where it failed: the tokens are kept, and the import has begun."""

import html
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from dunning.bootstrap import Platform
from dunning.config import from_env
from dunning.domain.errors import DunningError
from dunning.providers.oauth_grants import Grant, Reference
from dunning.providers.oauth_secrets import ProviderSecrets
from infra.connect.connecting import Connector
from infra.connect.consent import Query, query_of
from infra.local.lambda_service import Caller, InvocationDied
from infra.local.sandbox.xero import TENANT
from tests.integration.faults.books_scenes import not_imported, only_this_in_the_books
from tests.integration.faults.daily_scenes import xero_of
from tests.integration.faults.people_scenes import PERSON
from tests.integration.faults.run import Run
from tests.integration.faults.scene import BY_THE_CLAIM, Scene
from tests.integration.faults.workflows import CLAIM, SECRET, TELL_QUEUE, calls_of

AGAIN_AFTER = timedelta(minutes=2)
"""Longer than a lease."""

REDIRECT = "http://localhost:8788/callback"
MAKE, KEEP, DELETE = (f"secretsmanager.{name}" for name in ("CreateSecret", "PutSecretValue", "DeleteSecret"))
LEASE = GIVEN_BACK = CLAIM


def consented(address: str) -> Query:
    """The person in the browser allows it; what the provider's page sends them back with."""
    place = urlsplit(address)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.request("GET", f"{place.path}?{place.query}")
    page = connection.getresponse().read().decode()
    connection.close()
    (link,) = re.findall('id="allow" href="([^"]+)"', page)
    return query_of(html.unescape(link))


def connects(platform: Platform) -> str:
    """`dunning connect xero`; nobody waits for a lease that a dead worker left."""
    connector = Connector(platform, "xero", platform.env, pause=lambda _seconds: None)
    return json.dumps(connector(REDIRECT, consented))


def connected_at_last(run: Run) -> None:
    """A person connects, and does so again some minutes later where it failed."""
    for _ in range(4):
        with suppress(InvocationDied, ClientError, BotoCoreError, DunningError):
            run.cloud.operate(connects, Caller(PERSON))
            run.cloud.settle()
            return
        run.cloud.advance_to(run.cloud.now + AGAIN_AFTER)
    raise AssertionError("it was never connected")


def taken_away(run: Run) -> None:
    """The consent was taken back, and an invoice stands in the books of which nobody here knows."""
    only_this_in_the_books("xero", run)
    xero_of(run).tokens.revoke()


def kept(run: Run) -> list[tuple[tuple[str, ...], Grant | None]]:
    """What the secrets hold: the accounts of each consent, and its tokens."""
    found: list[tuple[tuple[str, ...], Grant | None]] = []

    def look(platform: Platform) -> str:
        settings = from_env(platform.env).xero
        secrets = ProviderSecrets(platform.session.client("secretsmanager"), settings.secret, settings.tokens, platform.clock)
        entries = secrets.index().entries
        found.extend((entry.accounts, secrets.grant(entry.secret) if isinstance(entry, Reference) else entry) for entry in entries)
        return ""

    run.cloud.operate(look)
    return found


def not_connected(run: Run) -> Iterator[str]:
    """The tokens of the one consent that opens the books are kept, and what stands there was imported once."""
    opened = [accounts for accounts, grant in kept(run) if grant is not None]
    if opened != [(TENANT,)]:
        yield f"the consents open {opened}"
    yield from not_imported("xero", run)


CONNECTIONS = (
    Scene(
        "connect",
        connected_at_last,
        calls_of(PERSON, SECRET, LEASE, SECRET, MAKE, SECRET, LEASE, KEEP, GIVEN_BACK, TELL_QUEUE, LEASE, DELETE, GIVEN_BACK),
        not_connected,
        taken_away,
        lasts=BY_THE_CLAIM,
        command="connect",
    ),
)
