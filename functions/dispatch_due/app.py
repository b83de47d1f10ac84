"""Every ten minutes: timers of the next twelve become messages with their exact delay."""

from datetime import datetime

from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent

from dunning.bootstrap import Handler, Platform, dispatch_due, entry_point, logger


def build(platform: Platform) -> Handler:
    """The handler on a platform. What it raises, Lambda repeats; the run on the hour finds what all of them missed."""
    dispatch = dispatch_due(platform)
    log = logger(platform, "dispatch_due")

    def handle(event: dict[str, object], _context: object) -> object:
        dispatched = dispatch(datetime.fromisoformat(EventBridgeEvent(event).time))
        told = {"sent": dispatched.sent, "deferred": dispatched.deferred, "looked_at": dispatched.looked_at}
        log.info("dispatched", extra=told)
        return told

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
