"""Maps within a table's items, as Amazon's table hands them out: in no order that anybody could rely on.

moto keeps the order in which something was put in. Code that leans on that works here and not there, so it is turned round.
"""

import boto3


def hand_out_unordered(session: boto3.Session) -> None:
    """Let the clients of a session see the maps of a table's items the other way round."""
    session.events.register("after-call.dynamodb", _turn_round)


def _turn_round(parsed: dict[str, object], **_: object) -> None:
    reasons = parsed.get("CancellationReasons")
    for found in [parsed, *(reasons if isinstance(reasons, list) else [])]:
        items = found.get("Items")
        for item in [found.get("Item"), found.get("Attributes"), *(items if isinstance(items, list) else [])]:
            if isinstance(item, dict):
                _turn_values(item)


def _turn_values(values: dict[str, dict[str, object]]) -> None:
    for value in values.values():
        inner = value.get("M")
        if isinstance(inner, dict):
            _turn_values(inner)
            value["M"] = dict(reversed(inner.items()))
