"""Every test of the contract runs on every storage."""

from collections.abc import Iterator

import pytest

from tests.contract.storage.stores import STORAGES, Storage


@pytest.fixture(params=sorted(STORAGES))
def storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    """An empty storage of each kind."""
    with STORAGES[request.param]() as made:
        yield made
