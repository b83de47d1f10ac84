"""Every test of the contract runs on every storage."""

from collections.abc import Iterator

import pytest

from tests.contract.storage.stores import STORAGES, Storage, dynamodb_local_storage
from tests.dynamodb_local.server import missing

DYNAMODB_LOCAL = "dynamodb_local"
KINDS = [*sorted(STORAGES), *([] if missing() else [DYNAMODB_LOCAL])]


@pytest.fixture(params=KINDS)
def storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    """An empty storage of each kind; the test session's summary says so when DynamoDB Local is not among them."""
    kind: str = request.param
    opened = dynamodb_local_storage(request.getfixturevalue("dynamodb_url")) if kind == DYNAMODB_LOCAL else STORAGES[kind]()
    with opened as made:
        yield made
