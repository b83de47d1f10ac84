"""Every test has a deployment of its own."""

import pytest

from tests.fakes.deployment import FakeDeployment


@pytest.fixture
def world() -> FakeDeployment:
    """Empty, on Monday, 2 March 2026, at 08:00 UTC."""
    return FakeDeployment()
