from datetime import timedelta

import boto3
import pytest
import time_machine
from botocore.config import Config

from dunning.domain.errors import Retryable, Unauthorised
from dunning.providers.secrets import StripeSecrets
from tests.unit.providers.secret_shelf import NAME, NOW, Shelf


def test_the_secret_holds_the_signing_secrets_and_the_key(shelf: Shelf) -> None:
    shelf.holds({"webhook_secrets": ["whsec_old", "whsec_new"], "api_key": "sk_1"})
    secrets = shelf.reader()
    assert secrets.webhook_secrets() == ("whsec_old", "whsec_new")
    assert secrets.api_key() == "sk_1"


def test_building_a_reader_reads_nothing(shelf: Shelf) -> None:
    shelf.reader()
    assert shelf.reads == 0


def test_what_was_read_is_kept_for_five_minutes(shelf: Shelf) -> None:
    shelf.holds({"webhook_secrets": ["whsec_old"], "api_key": "sk_1"})
    secrets = shelf.reader()
    with time_machine.travel(NOW, tick=False) as clock:
        secrets.webhook_secrets()
        shelf.holds({"webhook_secrets": ["whsec_new"], "api_key": "sk_2"})
        clock.shift(timedelta(seconds=299))
        assert secrets.api_key() == "sk_1"
        assert shelf.reads == 1
        clock.shift(timedelta(seconds=2))
        assert secrets.api_key() == "sk_2"


def test_two_readers_share_nothing(shelf: Shelf) -> None:
    shelf.holds({"webhook_secrets": ["whsec_old"], "api_key": "sk_1"})
    shelf.reader().api_key()
    shelf.holds({"webhook_secrets": ["whsec_new"], "api_key": "sk_2"})
    assert shelf.reader().api_key() == "sk_2"


def test_a_secret_that_was_just_rolled_can_be_read_at_once(shelf: Shelf) -> None:
    shelf.holds({"webhook_secrets": ["whsec_old"], "api_key": "sk_1"})
    secrets = shelf.reader()
    secrets.webhook_secrets()
    shelf.holds({"webhook_secrets": ["whsec_new"], "api_key": "sk_1"})
    shelf.now += timedelta(minutes=1)
    assert secrets.webhook_secrets(force=True) == ("whsec_new",)


def test_forged_requests_cannot_make_us_read_more_than_once_a_minute(shelf: Shelf) -> None:
    shelf.holds({"webhook_secrets": ["whsec_old"], "api_key": "sk_1"})
    secrets = shelf.reader()
    for _ in range(120):
        secrets.webhook_secrets()
        secrets.webhook_secrets(force=True)
        shelf.now += timedelta(seconds=1)
    assert shelf.reads == 2


def test_a_missing_secret_is_named_with_the_remedy(shelf: Shelf) -> None:
    with pytest.raises(Unauthorised, match=r"dunning/stripe.*ResourceNotFoundException.*webhook_secrets"):
        shelf.reader().api_key()


@pytest.mark.parametrize(
    "value",
    [
        "sk_live_confidential",
        '["sk_live_confidential"]',
        {"api_key": "sk_live_confidential"},
        {"api_key": "sk_live_confidential", "webhook_secrets": []},
        {"api_key": "sk_live_confidential", "webhook_secrets": "whsec_confidential"},
        {"api_key": "sk_live_confidential", "webhook_secrets": ["whsec_confidential", " "]},
        {"webhook_secrets": ["whsec_confidential"]},
        {"api_key": "", "webhook_secrets": ["whsec_confidential"]},
    ],
)
def test_a_misshapen_secret_is_named_and_not_quoted(shelf: Shelf, value: object) -> None:
    shelf.holds(value)
    with pytest.raises(Unauthorised, match="dunning/stripe") as refused:
        shelf.reader().api_key()
    assert "confidential" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_secrets_manager_out_of_reach_is_worth_another_attempt() -> None:
    unreachable = boto3.client(
        "secretsmanager",
        region_name="eu-west-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=1),
    )
    with pytest.raises(Retryable) as failed:
        StripeSecrets(unreachable, NAME, lambda: NOW).api_key()
    assert not isinstance(failed.value, Unauthorised)
