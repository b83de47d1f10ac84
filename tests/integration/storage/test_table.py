"""What the storage really asks of DynamoDB, and what its errors mean."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, Claim, EffectState, Profile
from dunning.domain.errors import AlreadyClaimed, Conflict, DunningError, Permanent, Retryable
from dunning.domain.invoice import Status
from dunning.storage.cases import TableCaseStore
from dunning.storage.sweeps import TableSweepNotes
from dunning.storage.timers import TableOpenIndex, TableTimerIndex
from dunning.storage.translation import client_config
from tests.architecture.template_rules import read_template, resources, section
from tests.contract.storage.cases import ACME, NOW, TWENTY_MINUTES, due_case, invoice
from tests.fakes.table import aws_session
from tests.integration.handlers.cloud import SHARDS, Aws

CLAIM = Claim("claim-1", NOW + TWENTY_MINUTES, "claim-1")


@pytest.fixture
def store(aws: Aws) -> TableCaseStore:
    """A store with one due case in it; its calls are counted from here."""
    store = TableCaseStore(aws.session.client("dynamodb", config=client_config()), aws.table, SHARDS)
    store.save(Case(Profile(ACME)), due_case())
    aws.forget_calls()
    return store


def item(aws: Aws, sk: str) -> dict[str, Any]:
    """An item as it lies in the table."""
    key = {"pk": {"S": f"CUST#{ACME}"}, "sk": {"S": sk}}
    found: dict[str, Any] = aws_session().client("dynamodb").get_item(TableName=aws.table, Key=key).get("Item", {})
    return found


def written(aws: Aws) -> list[set[str]]:
    """The attributes that each item's update in the last transaction names."""
    transaction = aws.sent("TransactWriteItems")[-1]["TransactItems"]
    return [set(write["Update"]["ExpressionAttributeNames"].values()) for write in transaction if "Update" in write]


def test_a_case_is_read_in_one_call_and_its_log_is_not(aws: Aws, store: TableCaseStore) -> None:
    store.load(ACME)
    (query,) = aws.sent("Query")
    assert query["ConsistentRead"] is True
    assert query["ExpressionAttributeValues"][":first"] == {"S": "INV#"}
    assert query["ExpressionAttributeValues"][":last"] == {"S": "PROFILE"}


def test_a_write_names_only_what_changed(aws: Aws, store: TableCaseStore) -> None:
    before = store.load(ACME)
    store.save(before, before.with_invoice(replace(before.invoices["in_1"], amount_due=1)))
    assert written(aws) == [{"version"}, {"version", "amount_due"}]


def test_an_invoice_that_is_closed_leaves_the_index_and_a_timer_that_is_put_away_too(aws: Aws, store: TableCaseStore) -> None:
    assert {"due_shard", "due_at"} <= item(aws, "PROFILE").keys()
    assert "open_shard" in item(aws, "INV#in_1")
    before = store.load(ACME)
    paid = before.with_invoice(replace(before.invoices["in_1"], status=Status.PAID))
    store.save(before, paid.with_profile(replace(before.profile, due_at=None)))
    assert item(aws, "PROFILE").keys() & {"due_shard", "due_at"} == set()
    assert "open_shard" not in item(aws, "INV#in_1")


def test_nothing_is_asked_of_the_table_when_nothing_differs(aws: Aws, store: TableCaseStore) -> None:
    case = store.load(ACME)
    aws.forget_calls()
    store.save(case, case)
    assert aws.calls == {}


def test_a_claim_is_one_call(aws: Aws, store: TableCaseStore) -> None:
    store.claim(ACME, CLAIM, NOW)
    assert aws.calls == {"UpdateItem": 1}


def test_finding_nothing_due_costs_one_query_for_each_shard(aws: Aws, store: TableCaseStore) -> None:
    del store
    timers = TableTimerIndex(aws.session.client("dynamodb"), aws.table, SHARDS)
    assert list(timers.due(NOW)) == []
    assert aws.calls == {"Query": SHARDS}


def test_what_a_sweep_saw_is_removed_by_the_table_itself(aws: Aws) -> None:
    TableSweepNotes(aws.session.client("dynamodb"), aws.table, aws.clock).add("run", 0, ["in_1"])
    (put,) = aws.sent("PutItem")
    table = resources(read_template(), "AWS::DynamoDB::Table")["Table"]
    attribute = str(section(table["TimeToLiveSpecification"])["AttributeName"])
    assert int(put["Item"][attribute]["N"]) == int(aws.clock.now.timestamp()) + 9 * 86_400


THROTTLED = ("ThrottlingException", 400, Retryable)
BROKEN = ("InternalServerError", 500, Retryable)
EXPIRED = ("ExpiredTokenException", 400, Retryable)
BARRED = ("AccessDeniedException", 400, Permanent)
MALFORMED = ("ValidationException", 400, Permanent)


@pytest.mark.parametrize(("code", "status", "meaning"), [THROTTLED, BROKEN, EXPIRED, BARRED, MALFORMED])
@pytest.mark.parametrize("operation", ["Query", "TransactWriteItems", "UpdateItem", "GetItem"])
def test_an_error_says_what_to_do(aws: Aws, store: TableCaseStore, operation: str, code: str, status: int, meaning: type) -> None:
    before = store.load(ACME)
    acts: dict[str, Callable[[], object]] = {
        "Query": lambda: store.load(ACME),
        "TransactWriteItems": lambda: store.save(before, before.with_invoice(invoice("in_2"))),
        "UpdateItem": lambda: store.claim(ACME, CLAIM, NOW),
        "GetItem": lambda: store.customer_of("invoice", "stripe:in_1"),
    }
    aws.fails(operation, code, status)
    with pytest.raises(DunningError) as raised:
        acts[operation]()
    assert isinstance(raised.value, meaning)


@pytest.mark.parametrize("operation", ["Query", "PutItem"])
def test_the_indexes_and_notes_translate_errors_too(aws: Aws, operation: str) -> None:
    client = aws.session.client("dynamodb")
    acts: dict[str, Callable[[], object]] = {
        "Query": lambda: TableOpenIndex(client, aws.table, SHARDS).page(None),
        "PutItem": lambda: TableSweepNotes(client, aws.table, aws.clock).add("run", 0, []),
    }
    aws.fails(operation, "ProvisionedThroughputExceededException", 400)
    with pytest.raises(Retryable):
        acts[operation]()


def test_a_table_that_cannot_be_reached_is_tried_again_later(aws: Aws, store: TableCaseStore) -> None:
    def unreachable(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://dynamodb.example")

    client = aws.session.client("dynamodb")
    client.meta.events.register("before-call", unreachable)
    with pytest.raises(Retryable):
        TableCaseStore(client, aws.table, SHARDS).load(ACME)
    assert store.load(ACME).profile.version == 1


REASONS = {
    "another transaction is at it": ([{"Code": "TransactionConflict"}, {"Code": "None"}], Conflict),
    "an invoice's version differs": ([{"Code": "None"}, {"Code": "ConditionalCheckFailed"}], Conflict),
    "throttled": ([{"Code": "ThrottlingError"}, {"Code": "None"}], Retryable),
    "both in one": ([{"Code": "ConditionalCheckFailed"}, {"Code": "ProvisionedThroughputExceeded"}], Retryable),
    "not well formed": ([{"Code": "ValidationError"}], Permanent),
    "the claim is another's": ([{"Code": "ConditionalCheckFailed", "Item": {"claim_id": {"S": "claim-2"}}}], AlreadyClaimed),
    "the claim is gone": ([{"Code": "ConditionalCheckFailed", "Item": {"version": {"N": "9"}}}], AlreadyClaimed),
    "the claim is ours": ([{"Code": "ConditionalCheckFailed", "Item": {"claim_id": {"S": "claim-1"}}}], Conflict),
}


@pytest.mark.parametrize("reason", REASONS)
def test_why_a_transaction_was_cancelled_decides_what_to_do(aws: Aws, store: TableCaseStore, reason: str) -> None:
    reasons, meaning = REASONS[reason]
    case = store.load(ACME)
    aws.fails("TransactWriteItems", "TransactionCanceledException", 400, extra={"CancellationReasons": reasons})
    with pytest.raises(DunningError) as raised:
        store.save(case, case.with_profile(replace(case.profile, retries=1)), claim_id="claim-1")
    assert isinstance(raised.value, meaning)


def test_marking_an_effect_is_one_call_and_leaves_the_timer(aws: Aws, store: TableCaseStore) -> None:
    store.claim(ACME, CLAIM, NOW)
    aws.forget_calls()
    assert store.mark_effect(ACME, "claim-1", "email:first:in_1", EffectState.DONE)
    assert aws.calls == {"UpdateItem": 1}
    assert store.load(ACME).profile.due_at == CLAIM.until


def test_a_log_of_many_entries_is_read_in_order(aws: Aws, store: TableCaseStore) -> None:
    for number in range(3):
        case = store.load(ACME)
        same_instant = [Activity(NOW, ActivityType.UPDATED, f"{number} {part}") for part in "ab"]
        store.save(case, case, same_instant)
    assert sorted(str(activity.reason) for activity in store.activities(ACME)) == ["0 a", "0 b", "1 a", "1 b", "2 a", "2 b"]
    assert aws.calls["TransactWriteItems"] == 3
