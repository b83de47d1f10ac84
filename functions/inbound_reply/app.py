"""Customers' answers: mail that SES received, text messages to our number."""

from aws_lambda_powertools.utilities.data_classes import SNSEvent

from dunning.bootstrap import Handler, Platform, entry_point, logger
from dunning.bootstrap.cases import inbound_reply
from dunning.domain.errors import Rejected


def build(platform: Platform) -> Handler:
    """The handler on a platform. What it raises, Lambda repeats: every answer is harmless twice."""
    services = inbound_reply(platform)
    log = logger(platform, "inbound_reply")

    def handle(event: dict[str, object], _context: object) -> object:
        for notification in SNSEvent(event).records:
            try:
                message = services.read(notification.sns.message)
            except Rejected as exc:
                log.warning("refused", extra={"message_id": notification.sns.message_id, "reason": str(exc)})
                continue
            if message:
                outcome = services.record(message)
                log.info("answer", extra={"message_id": notification.sns.message_id, "channel": message.channel, "outcome": outcome})
        return None

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
