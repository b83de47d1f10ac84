"""What SES still lets this account send."""

from typing import TYPE_CHECKING

from dunning.channels.attempts import one_attempt
from dunning.workflow.wheel_ports import SendingLimits

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client


class SesQuota:
    """Reads the rolling 24-hour quota. Implements `workflow.wheel_ports.EmailQuota`."""

    def __init__(self, client: "SESV2Client") -> None:
        self._client = client

    def limits(self) -> SendingLimits:
        """Mails left, and the rate; a quota or a rate of -1 means no limit. Raises Retryable."""
        with one_attempt("SES"):
            quota = self._client.get_account().get("SendQuota", {})
        a_day = int(quota.get("Max24HourSend", 0))
        a_second = quota.get("MaxSendRate", 1.0)
        left = _NO_LIMIT if a_day < 0 else max(0, a_day - int(quota.get("SentLast24Hours", 0)))
        return SendingLimits(left, _NO_LIMIT if a_second < 0 else max(1.0, a_second))


_NO_LIMIT = 1_000_000
