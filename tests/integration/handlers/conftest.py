"""A deployment on moto, with Stripe played on 127.0.0.1."""

from collections.abc import Iterator

import pytest

from tests.contract.providers.played_stripe import PlayedStripe
from tests.integration.handlers.cloud import Aws, playing_aws


@pytest.fixture
def stripe() -> Iterator[PlayedStripe]:
    """Stripe's API."""
    with PlayedStripe().running() as played:
        yield played


@pytest.fixture
def aws(stripe: PlayedStripe) -> Iterator[Aws]:
    """AWS."""
    with playing_aws(stripe.base) as played:
        yield played
