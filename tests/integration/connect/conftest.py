"""The table of template.yaml and a queue, on moto."""

from collections.abc import Iterator

import pytest

from tests.integration.handlers.cloud import Aws, playing_aws


@pytest.fixture
def aws() -> Iterator[Aws]:
    """AWS, with every call noted."""
    with playing_aws("https://stripe.example") as played:
        yield played
