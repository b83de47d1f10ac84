"""A table that threads may use at once: DynamoDB Local as it is, moto behind a lock, because it is not safe under threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto import mock_aws
from moto.core.models import botocore_stubber

from tests.dynamodb_local.server import client_of, fresh_table, missing
from tests.fakes.table import aws_session, create_table
from tests.integration.concurrency.workers import Workers

AT_ONCE = 64
DYNAMODB_LOCAL, MOTO = "dynamodb_local", "moto"


@pytest.fixture(params=[MOTO] if missing() else [MOTO, DYNAMODB_LOCAL])
def workers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    """Workers on a table of their own, on each kind of storage."""
    opened = on_moto() if request.param == MOTO else on_dynamodb_local(request.getfixturevalue("dynamodb_url"))
    with opened as made:
        yield made


@contextmanager
def on_dynamodb_local(url: str) -> Iterator[Workers]:
    with fresh_table(client_of(url, connections=AT_ONCE)) as (client, table):
        yield Workers(client, table, rounds=16)


@contextmanager
def on_moto() -> Iterator[Workers]:
    lock = threading.Lock()

    def answer(event_name: str, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        with lock:
            answered: AWSResponse | None = botocore_stubber(event_name, request)
            return answered

    one_at_a_time: Any = answer

    with mock_aws():
        client = aws_session().client("dynamodb")
        client.meta.events.register_first("before-send", one_at_a_time)
        yield Workers(client, create_table(client), rounds=4)  # each of its transactions copies the table
