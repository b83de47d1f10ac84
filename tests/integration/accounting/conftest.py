from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from infra.local.running import running_cloud
from tests.integration.accounting.books import Books
from tests.integration.end_to_end.driver import ANY_HOUR

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def books() -> Iterator[Books]:
    """A fresh local cloud at 2 March 2026, 08:00 UTC, where mail may go out at any hour."""
    with running_cloud(START, outer_env={}) as running:
        running.cloud.put_policy("standard", ANY_HOUR)
        yield Books(running)
