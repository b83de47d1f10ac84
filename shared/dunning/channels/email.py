"""Mail through SES v2."""

from collections.abc import Sequence
from email.utils import formataddr
from typing import TYPE_CHECKING

from dunning.channels.attempts import one_attempt
from dunning.channels.envelopes import ses_tags
from dunning.domain.replying import reply_token
from dunning.workflow.mail_ports import PLAIN, Addressing, Attachment
from dunning.workflow.ports import Envelope, RenderedEmail

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sesv2.type_defs import AttachmentTypeDef, ContentTypeDef, MessageHeaderTypeDef, MessageTypeDef

# Asks out-of-office robots to keep quiet: their answers would look like a customer's.
AUTOMATIC: "tuple[MessageHeaderTypeDef, ...]" = (
    {"Name": "Auto-Submitted", "Value": "auto-generated"},
    {"Name": "X-Auto-Response-Suppress", "Value": "OOF, AutoReply"},
)


class SesEmailChannel:
    """Sends from `Company <sender>`, with answers to `reply_to`. Implements `workflow.ports.EmailChannel`.

    `client` must be built with `one_attempt_config`. A mail to an address on the account's suppression list is accepted and never
    delivered: the id says accepted, nothing more.
    """

    def __init__(
        self, client: "SESV2Client", sender: str, company_name: str, reply_to: str, configuration_set: str, replies_domain: str = ""
    ) -> None:
        self._client = client
        self._company = " ".join(company_name.split())
        self._sender = sender
        self._reply_to = reply_to
        self._configuration_set = configuration_set
        self._replies_domain = replies_domain

    def send(
        self,
        to: Sequence[str],
        email: RenderedEmail,
        envelope: Envelope,
        addressing: Addressing = PLAIN,
        attachments: Sequence[Attachment] = (),
    ) -> str:
        """Send in one attempt; answers the message id. Raises Refused, OutcomeUnknown or Permanent (see `attempts`)."""
        message: MessageTypeDef = {
            "Subject": _utf8(email.subject),
            "Body": {"Text": _utf8(email.text), "Html": _utf8(email.html)},
            "Headers": [*AUTOMATIC, *_unsubscribing(addressing.unsubscribe_url)],
        }
        if attachments:
            message["Attachments"] = [_attached(attachment) for attachment in attachments]
        cc = list(addressing.cc)
        with one_attempt("SES"):
            answer = self._client.send_email(
                FromEmailAddress=self._from(addressing.sender),
                Destination={"ToAddresses": list(to), "CcAddresses": cc} if cc else {"ToAddresses": list(to)},
                ReplyToAddresses=[self._answers_go_to(envelope.customer)],
                Content={"Simple": message},
                EmailTags=ses_tags(envelope),
                ConfigurationSetName=self._configuration_set,
            )
        return answer["MessageId"]

    def _from(self, person: str | None) -> str:
        """`Company <address>`, or `"Jane Doe, Company" <address>` where somebody signs."""
        name = f"{' '.join(person.split())}, {self._company}" if person else self._company
        return formataddr((name, self._sender))

    def _answers_go_to(self, customer: str) -> str:
        """Where SES receives mail for us, an address that names the customer; else the configured mailbox."""
        return f"replies+{reply_token(customer)}@{self._replies_domain}" if self._replies_domain and customer else self._reply_to


def _unsubscribing(url: str | None) -> "tuple[MessageHeaderTypeDef, ...]":
    """One click, without a page that asks (RFC 8058)."""
    if url is None:
        return ()
    return (
        {"Name": "List-Unsubscribe", "Value": f"<{url}>"},
        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
    )


def _attached(attachment: Attachment) -> "AttachmentTypeDef":
    return {
        "RawContent": attachment.content,
        "FileName": attachment.name,
        "ContentType": "application/pdf",
        "ContentDisposition": "ATTACHMENT",
        "ContentTransferEncoding": "BASE64",
    }


def _utf8(text: str) -> "ContentTypeDef":
    return {"Data": text, "Charset": "UTF-8"}
