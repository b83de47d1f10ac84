"""New activities from the table's stream: to the event bus, and to the queues of the sources that take notes."""

import json
from typing import TypedDict, cast

from dunning.bootstrap import Handler, Platform, entry_point, logger
from dunning.bootstrap.feed import publish_activity
from dunning.domain.errors import Rejected


class _Event(TypedDict):
    Records: list[dict[str, object]]


def build(platform: Platform) -> Handler:
    """The handler on a platform. A record that cannot be read is put aside: it must not stand before all that follow it."""
    services = publish_activity(platform)
    log = logger(platform, "publish_activity")

    def handle(event: dict[str, object], _context: object) -> object:
        activities = []
        for record in cast("_Event", event)["Records"]:
            try:
                activities.append(services.read(record))
            except Rejected as exc:
                log.exception("put aside")
                services.aside.put(json.dumps(record), str(exc))
        asked = services.publish(activities)
        log.info("published", extra={"activities": len(activities), "notes": asked})
        return {"batchItemFailures": []}

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
