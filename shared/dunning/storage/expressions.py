"""Update expressions from the difference of two sets of attributes, in DynamoDB's notation."""

from collections.abc import Mapping
from typing import Any, cast

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()

Wire = dict[str, Any]


def to_wire(values: Mapping[str, object]) -> Wire:
    """Plain values in DynamoDB's notation; None values are left out."""
    return {name: _serializer.serialize(value) for name, value in values.items() if value is not None}


def from_wire(item: Mapping[str, Any]) -> dict[str, object]:
    """Plain values of an item in DynamoDB's notation."""
    return {name: cast("object", _deserializer.deserialize(value)) for name, value in item.items()}


def difference(before: Mapping[str, object], after: Mapping[str, object]) -> dict[str, object]:
    """What must be written to come from `before` to `after`; None means: remove."""
    return {name: value for name, value in after.items() if before.get(name) != value}


def update(changes: Mapping[str, object], seen_version: int) -> Wire:
    """UpdateExpression, condition and values: set and remove `changes`, on the version seen (0: the item must not exist)."""
    names = {f"#a{n}": name for n, name in enumerate(changes)}
    placeholder = {name: key for key, name in names.items()}
    sets = ["#version = :next"] + [
        f"{placeholder[name]} = :{placeholder[name][1:]}" for name, value in changes.items() if value is not None
    ]
    removes = [placeholder[name] for name, value in changes.items() if value is None]
    values: dict[str, object] = {f":{placeholder[name][1:]}": value for name, value in changes.items()}
    condition = "attribute_not_exists(pk)"
    values[":next"] = seen_version + 1
    if seen_version:
        condition = "#version = :seen"
        values[":seen"] = seen_version
    return {
        "UpdateExpression": f"SET {', '.join(sets)}" + (f" REMOVE {', '.join(removes)}" if removes else ""),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": {**names, "#version": "version"},
        "ExpressionAttributeValues": to_wire(values),
    }


def update_as_it_lies(changes: Mapping[str, object], version: Wire | None) -> Wire:
    """The same where the version, in DynamoDB's notation, is no number: it stays as it lies; where there is none, a first one is set."""
    write = update(changes, 1)
    values: Wire = write["ExpressionAttributeValues"]
    if version is None:
        del values[":seen"]
        return {**write, "ConditionExpression": "attribute_not_exists(#version)"}
    values[":seen"] = values[":next"] = version
    return write
