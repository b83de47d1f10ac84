"""Tables that threads may use at once: DynamoDB Local's as they are, moto's behind a lock, because it is not safe under threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto import mock_aws
from moto.core.models import botocore_stubber

from tests.dynamodb_local.server import client_of, fresh_table
from tests.fakes.table import aws_session, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

AT_ONCE = 64


@contextmanager
def on_dynamodb_local(url: str) -> "Iterator[tuple[DynamoDBClient, str]]":
    """A client and its empty table, on DynamoDB Local."""
    with fresh_table(client_of(url, connections=AT_ONCE)) as made:
        yield made


@contextmanager
def on_moto() -> "Iterator[tuple[DynamoDBClient, str]]":
    """A client and its empty table, on moto."""
    lock = threading.Lock()

    def answer(event_name: str, request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
        with lock:
            answered: AWSResponse | None = botocore_stubber(event_name, request)
            return answered

    one_at_a_time: Any = answer
    with mock_aws():
        client = aws_session().client("dynamodb")
        # botocore asks every handler: moto's own would do each call once more, outside the lock.
        own: Any = botocore_stubber
        client.meta.events.unregister("before-send", own)
        client.meta.events.register_first("before-send", one_at_a_time)
        yield client, create_table(client)
