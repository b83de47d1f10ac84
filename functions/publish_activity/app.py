"""New activities from the table's stream: to the event bus, and to the queues of the sources that take notes."""

import json
from datetime import timedelta
from functools import partial
from typing import TypedDict, cast

from dunning.bootstrap import Handler, Platform, entry_point, logger
from dunning.bootstrap.feed import publish_activity
from dunning.domain.errors import DunningError, Rejected, Unforeseen
from dunning.workflow.unforeseen import foreseen

TRIED_FOR = timedelta(minutes=15)
"""How long an activity that is alone in its batch (Lambda halves those that fail) is tried; the retries of the stream last longer."""


class _Event(TypedDict):
    Records: list[dict[str, object]]


def build(platform: Platform) -> Handler:
    """The handler on a platform. A record that cannot be read or published is put aside: it must not stand before all that follow."""
    services = publish_activity(platform)
    log = logger(platform, "publish_activity")

    def handle(event: dict[str, object], _context: object) -> object:
        activities, unreadable, records = [], [], cast("_Event", event)["Records"]
        for record in records:
            try:
                activities.append(foreseen(partial(services.read, record)))
            except (Rejected, Unforeseen) as exc:
                log.exception("cannot be read")
                unreadable.append((record, str(exc)))
        try:
            asked = foreseen(lambda: services.publish(activities))
        except DunningError as exc:
            if len(activities) != 1 or len(records) != 1 or platform.clock() - activities[0].activity.at < TRIED_FOR:
                raise
            # With its record, so that `dunning redrive` can publish it; Lambda itself would put aside only where it stood.
            log.exception("put aside")
            services.aside.put(json.dumps(records[0]), str(exc))
            asked = 0
        # Now that the batch will not come again: it would be put aside once more each time.
        for record, reason in unreadable:
            services.aside.put(json.dumps(record), reason)
        log.info("published", extra={"activities": len(activities), "notes": asked})
        return {"batchItemFailures": []}

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
