"""What SES and AWS End User Messaging publish of mail and text messages that came in."""

import base64
import email
import email.policy
import json
from datetime import datetime
from email.utils import getaddresses, parseaddr
from uuid import uuid4

_PASSED = {"status": "PASS"}


def received_mail(raw: bytes, now: datetime) -> str:
    """SES's notification of a mail, with the whole of it.

    Its form: docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html
    """
    message = email.message_from_bytes(raw, policy=email.policy.compat32)
    recipients = [address for _, address in getaddresses([str(value) for value in message.get_all("To", [])])]
    stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    source = parseaddr(str(message.get("Return-Path") or message.get("From") or ""))[1]
    mail = {"timestamp": stamp, "source": source, "messageId": uuid4().hex, "destination": recipients, "headersTruncated": False}
    verdicts = dict.fromkeys(("spamVerdict", "virusVerdict", "spfVerdict", "dkimVerdict", "dmarcVerdict"), _PASSED)
    action = {"type": "SNS", "topicArn": "local", "encoding": "BASE64"}
    receipt = {"timestamp": stamp, "processingTimeMillis": 1, "recipients": recipients, **verdicts, "action": action}
    content = base64.b64encode(raw).decode()
    return json.dumps({"notificationType": "Received", "mail": mail, "receipt": receipt, "content": content})


def received_sms(sender: str, body: str) -> str:
    """The notification of a text message (docs.aws.amazon.com/sms-voice/latest/userguide/two-way-sms-payload.html)."""
    return json.dumps(
        {
            "originationNumber": sender,
            "destinationNumber": "+15555550199",
            "messageKeyword": "KEYWORD_LOCAL",
            "messageBody": body,
            "inboundMessageId": str(uuid4()),
            "previousPublishedMessageId": None,
        }
    )
