"""QuickBooks and Xero as they are played, running."""

from collections.abc import Iterator

import pytest

from tests.contract.providers.played_accounting import PlayedQuickBooks, PlayedXero


@pytest.fixture
def quickbooks() -> Iterator[PlayedQuickBooks]:
    played = PlayedQuickBooks()
    with played.running():
        yield played


@pytest.fixture
def xero() -> Iterator[PlayedXero]:
    played = PlayedXero()
    with played.running():
        yield played
