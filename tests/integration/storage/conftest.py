"""The table of template.yaml, on moto and on DynamoDB Local, and queues, on moto."""

from collections.abc import Iterator

import pytest

from tests.dynamodb_local.server import missing
from tests.integration.handlers.cloud import Aws, playing_aws, playing_aws_with_dynamodb_local

STRIPE = "https://stripe.example"
DYNAMODB_LOCAL, MOTO = "dynamodb_local", "moto"
KINDS = [MOTO] if missing() else [MOTO, DYNAMODB_LOCAL]


@pytest.fixture(params=KINDS)
def aws(request: pytest.FixtureRequest) -> Iterator[Aws]:
    """AWS, with every call noted, on each kind of table; the test session's summary says so when DynamoDB Local is not among them."""
    on_local = request.param == DYNAMODB_LOCAL
    opened = playing_aws_with_dynamodb_local(STRIPE, request.getfixturevalue("dynamodb_url")) if on_local else playing_aws(STRIPE)
    with opened as played:
        yield played
