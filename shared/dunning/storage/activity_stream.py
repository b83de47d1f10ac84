"""What the table's stream tells of a new activity."""

from collections.abc import Mapping

from dunning.domain.errors import Rejected
from dunning.storage import items, keys
from dunning.storage.expressions import from_wire
from dunning.workflow.activity_feed import LoggedActivity


def read_stream_record(record: Mapping[str, object]) -> LoggedActivity:
    """The activity in a record of the stream (its new image). Raises Rejected for one that holds none."""
    change = record.get("dynamodb")
    image = change.get("NewImage") if isinstance(change, dict) else None
    try:
        item = from_wire(image if isinstance(image, dict) else {})
        sort_key = str(item["sk"])
        if not sort_key.startswith(keys.ACTIVITIES_FROM):
            raise ValueError("its sort key is no activity's")
        return LoggedActivity(sort_key.rpartition("#")[2], keys.customer_in(str(item["pk"])), items.read_activity(item))
    except (KeyError, ValueError, TypeError, AttributeError) as exc:
        raise Rejected(f"a record of the stream holds no activity: {exc!r}") from exc
