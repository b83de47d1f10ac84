"""Writes down what woke it, then does what an item of the table tells it to: fail, or report every message whose body says `fail`."""

import itertools
import json

from dunning.bootstrap import Handler, Platform


def build(platform: Platform) -> Handler:
    """The handler; each container counts its own invocations."""
    table = platform.session.client("dynamodb")
    name, count = platform.env["NAME"], itertools.count(1)

    def handle(event: dict[str, object], _context: object) -> object:
        key = {"pk": {"S": f"SEEN#{name}"}, "sk": {"S": f"{platform.clock().isoformat()}#{next(count):03}"}}
        table.put_item(TableName=platform.env["TABLE_NAME"], Item={**key, "event": {"S": json.dumps(event)}})
        records = event.get("Records")
        bodies = {str(record.get("messageId")): record.get("body") for record in records} if isinstance(records, list) else {}
        if "raise" in bodies.values() or told_to_fail():
            raise RuntimeError("told to fail")
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id, body in bodies.items() if body == "fail"]}

    def told_to_fail() -> bool:
        order = table.get_item(TableName=platform.env["TABLE_NAME"], Key={"pk": {"S": "FAIL"}, "sk": {"S": name}})
        return "Item" in order

    return handle
