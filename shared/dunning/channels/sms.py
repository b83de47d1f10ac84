"""SMS through SNS."""

from typing import TYPE_CHECKING

from dunning.channels.attempts import one_attempt
from dunning.channels.envelopes import sns_attributes, string_attribute
from dunning.workflow.ports import Envelope

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


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
