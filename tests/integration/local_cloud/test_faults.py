"""Failing on purpose: what a function sees, and what has happened all the same."""

import pytest

from dunning.domain.errors import Rejected
from infra.local.faults import Aim
from tests.integration.local_cloud.conftest import SmallStack

ITEM = {"pk": {"S": "P"}, "sk": {"S": "1"}}


def test_an_error_is_a_500_and_nothing_happened(stack: SmallStack) -> None:
    stack.cloud.add_fault("sqs", "SendMessage", "error", 99)
    answer = stack.call("sqs", "send_message", QueueUrl=stack.env["QUEUE_URL"], MessageBody="x")
    stack.advance(minutes=5)
    assert answer["status"] == 500
    assert stack.bodies("worker") == []


def test_the_sdks_own_retries_get_over_a_single_error_and_are_counted(stack: SmallStack) -> None:
    stack.cloud.add_fault("dynamodb", "PutItem", "error", 1)
    answer = stack.call("dynamodb", "put_item", TableName=stack.env["TABLE_NAME"], Item=ITEM)
    assert "error" not in answer
    assert stack.query("P") == [ITEM]
    assert stack.calls("PutItem") == 2


def test_a_lost_answer_happened_and_a_retry_meets_what_it_did(stack: SmallStack) -> None:
    stack.cloud.add_fault("dynamodb", "PutItem", "lost", 1)
    answer = stack.call(
        "dynamodb", "put_item", TableName=stack.env["TABLE_NAME"], Item=ITEM, ConditionExpression="attribute_not_exists(pk)"
    )
    assert answer["error"] == "ConditionalCheckFailedException"
    assert stack.query("P") == [ITEM]


def test_a_transaction_whose_answer_was_lost_succeeds_when_repeated(stack: SmallStack) -> None:
    stack.cloud.add_fault("dynamodb", "TransactWriteItems", "lost", 1)
    put = {"Put": {"TableName": stack.env["TABLE_NAME"], "Item": ITEM, "ConditionExpression": "attribute_not_exists(pk)"}}
    answer = stack.call("dynamodb", "transact_write_items", TransactItems=[put])
    assert "error" not in answer
    assert stack.query("P") == [ITEM]


QUERY = {"TableName": "t", "KeyConditionExpression": "pk = x"}
SEND = {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/q", "MessageBody": "x"}
TEXT = {"PhoneNumber": "+14155550123", "Message": "x"}


@pytest.mark.parametrize(
    ("service", "operation", "method", "parameters", "code", "status"),
    [
        ("dynamodb", "Query", "query", QUERY, "ProvisionedThroughputExceededException", 400),
        ("sqs", "SendMessage", "send_message", SEND, "RequestThrottled", 400),
        ("sns", "Publish", "publish", TEXT, "Throttling", 400),
        ("sesv2", "GetAccount", "get_account", {}, "TooManyRequestsException", 429),
        ("secretsmanager", "GetSecretValue", "get_secret_value", {"SecretId": "s"}, "ThrottlingException", 400),
    ],
)
def test_a_throttled_call_gets_the_services_own_refusal(
    stack: SmallStack, service: str, operation: str, method: str, parameters: dict[str, object], code: str, status: int
) -> None:
    stack.cloud.add_fault(service, operation, "throttle", 99)
    assert stack.call(service, method, **parameters) == {"error": code, "status": status}


def test_after_a_crash_what_was_called_has_happened_and_nothing_else(stack: SmallStack) -> None:
    stack.cloud.add_fault("dynamodb", "PutItem", "crash", 1)
    put = {"service": "dynamodb", "operation": "put_item", "parameters": {"TableName": stack.env["TABLE_NAME"], "Item": ITEM}}
    send = {"service": "sqs", "operation": "send_message", "parameters": {"QueueUrl": stack.env["QUEUE_URL"], "MessageBody": "x"}}
    assert stack.post({"calls": [put, send]}).status == 500
    stack.cloud.settle()
    assert stack.query("P") == [ITEM]
    assert stack.bodies("worker") == []


def test_a_handler_that_swallows_everything_is_dead_all_the_same(stack: SmallStack) -> None:
    stack.cloud.add_fault("dynamodb", "PutItem", "crash", 1)
    put = {
        "service": "dynamodb",
        "operation": "put_item",
        "parameters": {"TableName": stack.env["TABLE_NAME"], "Item": ITEM},
        "swallow": "BaseException",
    }
    send = {
        "service": "sqs",
        "operation": "send_message",
        "parameters": {"QueueUrl": stack.env["QUEUE_URL"], "MessageBody": "x"},
        "swallow": "BaseException",
    }
    assert stack.post({"calls": [put, send]}).status == 500
    stack.cloud.settle()
    assert stack.bodies("worker") == []
    assert stack.call("dynamodb", "get_item", TableName=stack.env["TABLE_NAME"], Key=ITEM)["Item"] == ITEM  # in a new container


def test_the_messages_of_a_crashed_invocation_come_back(stack: SmallStack) -> None:
    stack.cloud.add_fault("dynamodb", "PutItem", "crash", 1)
    stack.send("job")
    stack.advance(minutes=1)
    assert [bodies for _, bodies in stack.bodies("worker")] == [["job"], ["job"]]


def test_looking_from_outside_neither_counts_nor_fails(stack: SmallStack) -> None:
    stack.cloud.add_fault("dynamodb", "Query", "error", 1)
    assert stack.query("P") == []
    assert stack.calls("Query") == 0


@pytest.mark.parametrize(
    ("service", "operation", "mode", "times", "named"),
    [
        ("sesv2", "SendEmail", "explode", 1, "explode"),
        ("ses2", "SendEmail", "error", 1, "ses2"),
        ("sesv2", "SendMail", "error", 1, "SendMail"),
        ("sesv2", "SendEmail", "error", 0, "times"),
    ],
)
def test_a_fault_that_could_never_hit_is_refused(
    stack: SmallStack, service: str, operation: str, mode: str, times: int, named: str
) -> None:
    with pytest.raises(Rejected, match=named):
        stack.cloud.add_fault(service, operation, mode, times)


def test_a_fault_can_be_aimed_at_the_second_call_of_one_function(stack: SmallStack) -> None:
    put = {"service": "dynamodb", "operation": "put_item", "parameters": {"TableName": stack.env["TABLE_NAME"], "Item": ITEM}}
    stack.cloud.add_fault("dynamodb", "PutItem", "crash", 1, Aim("someone_else"))
    stack.cloud.add_fault("dynamodb", "PutItem", "crash", 1, Aim("caller", spared=1))
    with stack.cloud.attempts() as made:
        assert stack.post({"calls": [put]}).status == 200
        assert stack.post({"calls": [put]}).status == 500
        assert stack.post({"calls": [put]}).status == 200
    assert [attempt.fault for attempt in made] == [None, "crash", None]
    assert {attempt[:3] for attempt in made} == {("caller", "dynamodb", "PutItem")}


def test_faults_that_are_forgotten_strike_nothing(stack: SmallStack) -> None:
    stack.cloud.add_fault("dynamodb", "PutItem", "crash", 9)
    stack.cloud.forget_faults()
    assert "error" not in stack.call("dynamodb", "put_item", TableName=stack.env["TABLE_NAME"], Item=ITEM)
