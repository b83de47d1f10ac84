"""What SES still lets this account send."""

from typing import TYPE_CHECKING

from dunning.channels.attempts import one_attempt

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client


class SesQuota:
    """Reads the rolling 24-hour quota. Implements `workflow.ports.EmailQuota`."""

    def __init__(self, client: "SESV2Client") -> None:
        self._client = client

    def left(self) -> int:
        """Mails left in the rolling 24 hours; a quota of -1 means no limit. Raises Retryable."""
        with one_attempt("SES"):
            quota = self._client.get_account().get("SendQuota", {})
        limit = int(quota.get("Max24HourSend", 0))
        return _NO_LIMIT if limit < 0 else max(0, limit - int(quota.get("SentLast24Hours", 0)))


_NO_LIMIT = 1_000_000
