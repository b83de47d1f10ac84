"""SES's reports on our mails: sent, delivered, bounced, complained."""

import json
from functools import partial

from aws_lambda_powertools.utilities.data_classes import SNSEvent

from dunning.bootstrap import Handler, Platform, delivery_feedback, entry_point, logger
from dunning.domain.errors import Rejected, Unforeseen
from dunning.workflow.unforeseen import foreseen


def build(platform: Platform) -> Handler:
    """The handler on a platform. What it raises, Lambda repeats: every report is harmless twice.

    What is no report of SES's is put aside, and keeps back nothing that comes with it.
    """
    services = delivery_feedback(platform)
    log = logger(platform, "delivery_feedback")

    def handle(event: dict[str, object], _context: object) -> object:
        unreadable = []
        for notification in SNSEvent(event).records:
            try:
                news = foreseen(partial(services.read, notification.sns.message))
            except (Rejected, Unforeseen) as exc:
                log.exception("put aside", extra={"message_id": notification.sns.message_id})
                unreadable.append((notification, str(exc)))
                continue
            if news:
                outcome = services.record(news)
                log.info("report", extra={"customer": news.customer, "kind": news.kind.value, "claim": news.claim, "outcome": outcome})
        # Now that the event will not come again: they would be put aside once more each time.
        for notification, reason in unreadable:
            services.aside.put(json.dumps({"Records": [notification.raw_event]}), reason)
        return None

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
