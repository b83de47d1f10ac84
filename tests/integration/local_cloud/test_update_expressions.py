"""moto, with its cures, changes an item as DynamoDB does: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html"""

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models.dynamo_type import DynamoType

from infra.local.moto_expressions import cure_expressions
from tests.integration.local_cloud.conftest import SmallStack

ITEM = {
    "n": {"N": "5"},
    "s": {"S": "old"},
    "list": {"L": [{"S": "a"}, {"S": "b"}, {"S": "c"}]},
    "map": {"M": {"x": {"N": "1"}, "deep": {"M": {"y": {"S": "z"}}}, "raw": {"B": b"\x00\xff"}}},
    "set": {"SS": ["p", "q"]},
}

CHANGES: list[tuple[str, dict[str, object]]] = [
    ("SET s = :new", {"s": {"S": "new"}}),
    (
        "SET s = :new, n = n + :one REMOVE #map.#deep",
        {"s": {"S": "new"}, "n": {"N": "6"}, "map": {"M": {"x": {"N": "1"}, "raw": {"B": b"\x00\xff"}}}},
    ),
    ("SET n = n - :one", {"n": {"N": "4"}}),
    ("SET n = if_not_exists(n, :one), fresh = if_not_exists(fresh, :one)", {"fresh": {"N": "1"}}),
    ("SET fresh = if_not_exists(fresh, :one) + :one", {"fresh": {"N": "2"}}),
    ("SET #list = list_append(#list, :more)", {"list": {"L": [{"S": each} for each in "abcd"]}}),
    ("SET #list[1] = :new", {"list": {"L": [{"S": "a"}, {"S": "new"}, {"S": "c"}]}}),
    (
        "SET #map.#deep.y = s, s = #map.#deep.y",
        {"s": {"S": "z"}, "map": {"M": {"x": {"N": "1"}, "deep": {"M": {"y": {"S": "old"}}}, "raw": {"B": b"\x00\xff"}}}},
    ),
    ("REMOVE #list[0], s", {"list": {"L": [{"S": "b"}, {"S": "c"}]}, "s": None}),
    ("ADD n :one, #set :r", {"n": {"N": "6"}, "set": {"SS": ["p", "q", "r"]}}),
    ("DELETE #set :p", {"set": {"SS": ["q"]}}),
]
REFUSED = [
    ("SET pk = :new", "part of the key"),
    ("SET s = :new, s = :one", "Two document paths overlap"),
    ("SET #list[1] = :one, #list[1] = :new", "Two document paths overlap"),
    ("SET n = absent", "does not exist in the item"),
    ("SET n = if_not_exists(absent, absent)", "does not exist in the item"),
    ("SET absent.inside = :one", "invalid for update"),
    ("SET n = s + :one", "Incorrect operand type"),
    ("SET s = :new SET n = :one", "can only be used once"),
    ("SET s = :unknown", "not defined"),
    ("SET n = #unknown", "not defined"),
]
NAMES = {"#map": "map", "#list": "list", "#set": "set", "#deep": "deep"}
VALUES: dict[str, Mapping[str, object]] = {
    ":new": {"S": "new"},
    ":one": {"N": "1"},
    ":more": {"L": [{"S": "d"}]},
    ":r": {"SS": ["r"]},
    ":p": {"SS": ["p"]},
}


def changed(stack: SmallStack, expression: str) -> dict[str, object]:
    """The item after an update."""
    table: Any = stack.cloud.session().client("dynamodb")
    name, key = stack.env["TABLE_NAME"], {"pk": {"S": "a"}, "sk": {"S": "b"}}
    table.put_item(TableName=name, Item={**key, **ITEM})
    told = {
        "ExpressionAttributeNames": {each: name for each, name in NAMES.items() if each in expression},
        "ExpressionAttributeValues": {each: value for each, value in VALUES.items() if re.search(rf"{each}\b", expression)},
    }
    table.update_item(TableName=name, Key=key, UpdateExpression=expression, **{each: value for each, value in told.items() if value})
    found = table.get_item(TableName=name, Key=key, ConsistentRead=True)["Item"]
    return {each: {"SS": sorted(value["SS"])} if "SS" in value else value for each, value in found.items() if each not in key}


@pytest.mark.parametrize(("expression", "differs"), CHANGES, ids=lambda told: told if isinstance(told, str) else "")
def test_an_update_changes_what_it_names_and_nothing_else(stack: SmallStack, expression: str, differs: dict[str, object]) -> None:
    expected = {name: value for name, value in {**ITEM, **differs}.items() if value is not None}
    assert changed(stack, expression) == expected
    assert changed(stack, expression) == expected, "the second time, what was found out about the expression the first time is used"


@pytest.mark.parametrize(("expression", "why"), REFUSED)
def test_an_update_that_dynamodb_refuses_is_refused_and_changes_nothing(stack: SmallStack, expression: str, why: str) -> None:
    for _ in range(2):
        with pytest.raises(ClientError, match=f"ValidationException.*{why}"):
            changed(stack, expression)
    assert changed(stack, "SET s = s") == ITEM


def test_what_moto_tells_of_a_value_is_plain_json_and_stays_so_when_the_value_changes() -> None:
    cure_expressions()
    told = {"M": {"deep": {"L": [{"N": "1"}, {"M": {"s": {"SS": ["p"]}}}]}}}
    value: Any = DynamoType(deepcopy(told))
    plain = value.to_regular_json()
    assert plain == told
    value["deep"][1]["s"].value.append("q")
    assert plain == told
    assert DynamoType({"B": "AP8="}).to_regular_json() == {"B": b"\x00\xff"}


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">="])
def test_of_a_text_and_a_number_neither_is_greater(stack: SmallStack, operator: str) -> None:
    table: Any = stack.cloud.session().client("dynamodb")
    name, key = stack.env["TABLE_NAME"], {"pk": {"S": "a"}, "sk": {"S": "b"}}
    table.put_item(TableName=name, Item={**key, **ITEM})
    told = {"ExpressionAttributeValues": {":new": {"S": "new"}}, "ConditionExpression": f"n {operator} :new"}
    with pytest.raises(table.exceptions.ConditionalCheckFailedException):
        table.update_item(TableName=name, Key=key, UpdateExpression="SET s = :new", **told)
