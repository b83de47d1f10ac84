"""Customers' answers: mail that SES received, text messages to our number."""

import json
from functools import partial

from aws_lambda_powertools.utilities.data_classes import SNSEvent

from dunning.bootstrap import Handler, Platform, entry_point, logger
from dunning.bootstrap.cases import inbound_reply
from dunning.domain.errors import Rejected, Unforeseen
from dunning.workflow.unforeseen import foreseen


def build(platform: Platform) -> Handler:
    """The handler on a platform. What it raises, Lambda repeats: every answer is harmless twice.

    What AWS never sends is put aside, and keeps back nothing that comes with it. Of what a stranger wrote, nothing is.
    """
    services = inbound_reply(platform)
    log = logger(platform, "inbound_reply")

    def handle(event: dict[str, object], _context: object) -> object:
        unreadable = []
        for notification in SNSEvent(event).records:
            try:
                message = foreseen(partial(services.read, notification.sns.message))
            except (Rejected, Unforeseen) as exc:
                log.exception("put aside", extra={"message_id": notification.sns.message_id})
                unreadable.append((notification, str(exc)))
                continue
            if message:
                outcome = services.record(message)
                log.info("answer", extra={"message_id": notification.sns.message_id, "channel": message.channel, "outcome": outcome})
        # Now that the event will not come again: they would be put aside once more each time.
        for notification, reason in unreadable:
            services.aside.put(json.dumps({"Records": [notification.raw_event]}), reason)
        return None

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
