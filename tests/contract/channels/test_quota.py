"""What SES still lets the account send, read over the real botocore client."""

import boto3
import pytest
from botocore.stub import Stubber

from dunning.channels.attempts import one_attempt_config
from dunning.channels.quota import SesQuota
from dunning.domain.errors import Retryable


@pytest.mark.parametrize(
    ("allowed", "sent", "left"),
    [(200.0, 0.0, 200), (200.0, 199.0, 1), (200.0, 200.0, 0), (200.0, 250.0, 0), (-1.0, 5000.0, 1_000_000)],
)
def test_what_is_left_is_what_the_account_may_send_less_what_it_sent(allowed: float, sent: float, left: int) -> None:
    client = boto3.client("sesv2", region_name="eu-west-1", config=one_attempt_config())
    with Stubber(client) as ses:
        ses.add_response("get_account", {"SendQuota": {"Max24HourSend": allowed, "SentLast24Hours": sent}})
        assert SesQuota(client).limits().left == left


@pytest.mark.parametrize(("status", "code"), [(500, "InternalFailure"), (429, "TooManyRequestsException"), (403, "AccessDenied")])
def test_a_quota_that_cannot_be_read_is_read_again_later(status: int, code: str) -> None:
    client = boto3.client("sesv2", region_name="eu-west-1", config=one_attempt_config())
    with Stubber(client) as ses:
        ses.add_client_error("get_account", code, http_status_code=status)
        with pytest.raises(Retryable):
            SesQuota(client).limits()


@pytest.mark.parametrize(("rate", "per_second"), [(14.0, 14.0), (0.5, 1.0), (-1.0, 1_000_000.0)])
def test_the_rate_is_the_accounts_own(rate: float, per_second: float) -> None:
    client = boto3.client("sesv2", region_name="eu-west-1", config=one_attempt_config())
    with Stubber(client) as ses:
        ses.add_response("get_account", {"SendQuota": {"Max24HourSend": 200.0, "SentLast24Hours": 0.0, "MaxSendRate": rate}})
        assert SesQuota(client).limits().per_second == per_second
