"""SMS through SNS."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dunning.channels.attempts import one_attempt
from dunning.channels.envelopes import sns_attributes, string_attribute
from dunning.domain.errors import DunningError
from dunning.workflow.ports import Envelope

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


_REMEMBERED_FOR = timedelta(days=1)
_MOST_REMEMBERED = 10_000


class SnsSmsChannel:
    """Sends transactional SMS, from `sender_id` where the country allows one ("" for none). Implements `workflow.ports.SmsChannel`.

    `client` must be built with `one_attempt_config`. The price limit is the account's own monthly one.
    """

    def __init__(self, client: "SNSClient", sender_id: str = "") -> None:
        self._client = client
        self._delivery = {"AWS.SNS.SMS.SMSType": string_attribute("Transactional")}
        if sender_id:
            self._delivery["AWS.SNS.SMS.SenderID"] = string_attribute(sender_id)

    def send(self, phone: str, text: str, envelope: Envelope) -> str:
        """Send in one attempt to an E.164 number; answers the message id. Raises Refused, OutcomeUnknown or Permanent."""
        with one_attempt("SNS"):
            answer = self._client.publish(PhoneNumber=phone, Message=text, MessageAttributes={**self._delivery, **sns_attributes(envelope)})
        return answer["MessageId"]


class SnsNumberCheck:
    """Asks SNS who answered STOP, once a day for each number. Implements `workflow.ports.NumberCheck`.

    `client` must be built with `one_attempt_config`. Where SNS does not say, the message goes: SNS itself bars it for who opted out.
    """

    def __init__(self, client: "SNSClient", clock: Callable[[], datetime]) -> None:
        self._client = client
        self._clock = clock
        self._open_since: dict[str, datetime] = {}

    def is_opted_out(self, phone: str) -> bool:
        """Whether the number is barred."""
        now = self._clock()
        asked = self._open_since.get(phone)
        if asked is not None and now - asked < _REMEMBERED_FOR:
            return False
        try:
            with one_attempt("SNS"):
                barred = self._client.check_if_phone_number_is_opted_out(phoneNumber=phone).get("isOptedOut", False)
        except DunningError:
            return False
        if len(self._open_since) >= _MOST_REMEMBERED:
            self._open_since.clear()
        if not barred:
            self._open_since[phone] = now
        return barred
