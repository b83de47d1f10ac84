"""The cures inside moto's DynamoDB: the same answers as without them, and transactions as the real one has them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.dynamodb.models import DynamoDBBackend

from infra.local.moto_tables import CuredBackend, OrderedTable
from tests.integration.local_cloud.conftest import SmallStack

SHORT = st.text("ab#9", min_size=1, max_size=3)
ITEMS = st.fixed_dictionaries({"pk": st.sampled_from("AB"), "sk": SHORT}, optional={"shard": st.sampled_from("XY"), "at": SHORT})
WRITES = st.tuples(st.sampled_from(["put", "update", "delete"]), ITEMS)
CONDITIONS: st.SearchStrategy[tuple[str | None, Sequence[str]]] = st.one_of(
    st.just((None, ())),
    st.tuples(st.sampled_from(["=", "<", "<=", ">", ">=", "BEGINS_WITH"]), SHORT.map(lambda value: [value])),
    st.tuples(st.just("BETWEEN"), st.lists(SHORT, min_size=2, max_size=2).map(sorted)),
)


def attribute_values(item: dict[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"S": value} for name, value in item.items()}


def schema(*keys: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(keys, ("HASH", "RANGE"), strict=True)]


def backend() -> DynamoDBBackend:
    """moto's DynamoDB with one table `t` and one index `due`."""
    made = DynamoDBBackend("us-east-1", "123456789012")
    made.create_table(
        name="t",
        schema=schema("pk", "sk"),
        throughput=None,
        attr=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "shard", "at")],
        global_indexes=[{"IndexName": "due", "KeySchema": schema("shard", "at"), "Projection": {"ProjectionType": "ALL"}}],
        indexes=None,
        streams=None,
        billing_mode="PAY_PER_REQUEST",
        sse_specification=None,
        tags=[],
        deletion_protection_enabled=False,
        warm_throughput=None,
    )
    return made


def cured_backend() -> DynamoDBBackend:
    made = backend()
    CuredBackend.adopt(made, lambda: datetime(2026, 3, 2, tzinfo=UTC))
    assert isinstance(made.get_table("t"), OrderedTable)
    return made


def write(table: DynamoDBBackend, kind: str, item: dict[str, str]) -> None:
    key = {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}
    if kind == "put":
        table.put_item("t", attribute_values(item), overwrite=True)
    elif kind == "delete":
        table.delete_item("t", key)
    else:
        moved = {f":{name}": value for name, value in attribute_values(item).items() if name in {"shard", "at"}}
        sets = ", ".join(f"#{name[1:]} = {name}" for name in moved)
        removes = ", ".join(f"#{name}" for name in ("shard", "at") if f":{name}" not in moved)
        expression = " ".join(part for part in (f"SET {sets}" if sets else "", f"REMOVE {removes}" if removes else "") if part)
        table.update_item("t", key, expression, {"#shard": "shard", "#at": "at"}, moved)


def answers(table: DynamoDBBackend, index: str | None, value: str, condition: tuple[str | None, Sequence[str]], limit: int | None) -> Any:
    """What a query answers over all its pages, forwards and backwards. Where a page ends is not compared: plain moto also stops
    at rows that are out of range.
    """
    comparison, operands = condition
    hash_name, range_name = ("shard", "at") if index else ("pk", "sk")
    found: list[Any] = []
    for forward in (True, False):
        page: dict[str, Any] = {"limit": limit, "exclusive_start_key": None, "scan_index_forward": forward, "projection_expressions": None}
        while True:
            ranges = [(range_name, comparison, [{"S": operand} for operand in operands])] if comparison else []
            items, _, last = table.query(
                "t",
                {"S": value},
                comparison,
                [{"S": operand} for operand in operands],
                **page,
                index_name=index,
                hash_key_conditions=[(hash_name, {"S": value})],
                range_key_conditions=ranges,
            )
            found += [item.to_json() for item in items]
            if last is None:
                break
            page["exclusive_start_key"] = {name: key.to_json() for name, key in last.items()}
    return found


@settings(deadline=None)
@given(
    writes=st.lists(WRITES, max_size=20), condition=CONDITIONS, limit=st.sampled_from([None, 1, 3]), index=st.sampled_from([None, "due"])
)
def test_a_query_answers_what_moto_answers_without_the_cure(
    writes: list[tuple[str, dict[str, str]]], condition: tuple[str | None, Sequence[str]], limit: int | None, index: str | None
) -> None:
    plain, cured = backend(), cured_backend()
    for kind, item in writes:
        write(plain, kind, item)
        write(cured, kind, item)
    for value in "XY" if index else "AB":
        assert answers(cured, index, value, condition, limit) == answers(plain, index, value, condition, limit)


def put(stack: SmallStack, sort: str, condition: str | None = None) -> dict[str, Any]:
    item = {"TableName": stack.env["TABLE_NAME"], "Item": {"pk": {"S": "P"}, "sk": {"S": sort}, "shard": {"S": "0"}, "at": {"S": sort}}}
    return {"Put": {**item, "ConditionExpression": condition} if condition else item}


def due(stack: SmallStack) -> list[str]:
    """Sort keys of what the index holds."""
    found = stack.call(
        "dynamodb",
        "query",
        TableName=stack.env["TABLE_NAME"],
        IndexName="due",
        KeyConditionExpression="shard = :s",
        ExpressionAttributeValues={":s": {"S": "0"}},
    )
    return [item["sk"]["S"] for item in found["Items"]]


def transact(stack: SmallStack, *actions: dict[str, Any], **parameters: str) -> dict[str, Any]:
    return stack.call("dynamodb", "transact_write_items", TransactItems=list(actions), **parameters)


def test_a_transaction_that_fails_leaves_neither_items_nor_index_rows_nor_changes_in_the_stream(stack: SmallStack) -> None:
    transact(stack, put(stack, "kept"))
    stack.cloud.settle()
    failed = transact(stack, put(stack, "new"), put(stack, "kept", "attribute_not_exists(pk)"))
    assert failed["error"] == "TransactionCanceledException"
    assert [item["sk"]["S"] for item in stack.query("P")] == due(stack) == ["kept"]


def test_an_update_inside_a_failed_transaction_is_undone(stack: SmallStack) -> None:
    transact(stack, put(stack, "kept"))
    update = {
        "Update": {
            "TableName": stack.env["TABLE_NAME"],
            "Key": {"pk": {"S": "P"}, "sk": {"S": "kept"}},
            "UpdateExpression": "SET note = :n REMOVE shard",
            "ExpressionAttributeValues": {":n": {"S": "changed"}},
        }
    }
    transact(stack, update, put(stack, "other", "attribute_exists(pk)"))
    assert [set(item) for item in stack.query("P")] == [{"pk", "sk", "shard", "at"}]
    assert due(stack) == ["kept"]


def test_the_same_token_does_a_transaction_once(stack: SmallStack) -> None:
    action = put(stack, "1", "attribute_not_exists(pk)")
    for _ in range(2):
        assert "error" not in transact(stack, action, ClientRequestToken="token-1")
    assert transact(stack, action, ClientRequestToken="token-2")["error"] == "TransactionCanceledException"


def test_a_token_is_forgotten_after_ten_minutes(stack: SmallStack) -> None:
    action = put(stack, "1", "attribute_not_exists(pk)")
    transact(stack, action, ClientRequestToken="token-1")
    stack.advance(minutes=10)
    assert transact(stack, action, ClientRequestToken="token-1")["error"] == "TransactionCanceledException"


def test_a_token_of_another_transaction_is_refused(stack: SmallStack) -> None:
    transact(stack, put(stack, "1"), ClientRequestToken="token-1")
    refused = transact(stack, put(stack, "2"), ClientRequestToken="token-1")
    assert refused["error"] == "IdempotentParameterMismatchException"
    assert due(stack) == ["1"]


def test_a_failed_condition_tells_the_item_that_was_in_the_way(stack: SmallStack) -> None:
    transact(stack, put(stack, "1"))
    table: Any = stack.cloud.session().client("dynamodb")
    action = put(stack, "1", "attribute_not_exists(pk)")
    action["Put"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    with pytest.raises(table.exceptions.TransactionCanceledException) as refused:
        table.transact_write_items(TransactItems=[action])
    assert refused.value.response["CancellationReasons"][0]["Item"]["at"] == {"S": "1"}
