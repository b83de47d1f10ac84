"""SES's reports on our mails: sent, delivered, bounced, complained."""

from aws_lambda_powertools.utilities.data_classes import SNSEvent

from dunning.bootstrap import Handler, Platform, delivery_feedback, entry_point, logger
from dunning.domain.errors import Rejected


def build(platform: Platform) -> Handler:
    """The handler on a platform. What it raises, Lambda repeats: every report is harmless twice."""
    services = delivery_feedback(platform)
    log = logger(platform, "delivery_feedback")

    def handle(event: dict[str, object], _context: object) -> object:
        for notification in SNSEvent(event).records:
            try:
                news = services.read(notification.sns.message)
            except Rejected as exc:
                # Anyone with our topic's right may publish; a report that is none must not block what comes with it.
                log.warning("refused", extra={"message_id": notification.sns.message_id, "reason": str(exc)})
                continue
            if news:
                outcome = services.record(news)
                log.info("report", extra={"customer": news.customer, "kind": news.kind.value, "claim": news.claim, "outcome": outcome})
        return None

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
