from collections.abc import Iterator

import pytest

from tests.integration.sandbox.stripe_account import Account


@pytest.fixture
def stripe() -> Iterator[Account]:
    account = Account()
    yield account
    account.sandbox.stop()
