"""Workers on each kind of table."""

from collections.abc import Iterator

import pytest

from tests.dynamodb_local.server import missing
from tests.integration.concurrency.tables import on_dynamodb_local, on_moto
from tests.integration.concurrency.workers import Workers

DYNAMODB_LOCAL, MOTO = "dynamodb_local", "moto"
ROUNDS = {DYNAMODB_LOCAL: 16, MOTO: 4}
"""How often a race is run; each of moto's transactions copies the table."""


@pytest.fixture(params=[MOTO] if missing() else [MOTO, DYNAMODB_LOCAL])
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    """Workers on a table of their own, on each kind of storage."""
    kind: str = request.param
    opened = on_moto() if kind == MOTO else on_dynamodb_local(request.getfixturevalue("dynamodb_url"))
    with opened as (client, table):
        yield Workers(client, table, ROUNDS[kind])
