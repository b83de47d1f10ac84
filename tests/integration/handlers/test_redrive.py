"""`dunning redrive` goes through every queue and every letter, whatever becomes of one."""

import json

import pytest

from dunning.domain.case import Case, Profile
from dunning.domain.holds import Hold, HoldKind
from infra.redrive import Redriven, Redriver
from tests.contract.storage.cases import NOW
from tests.fakes.table import aws_session
from tests.integration.handlers.cloud import Aws

OURS = {
    "RunDeadLetters": "run-dead",
    "SyncDeadLetters": "sync-dead",
    "SweepDeadLetters": "sweep-dead",
    "NoteDeadLetters": "note-dead",
    "ActivityDeadLetters": "activity-dead",
    "EventDeadLetters": "quickbooks-notes",
    "SyncQueue": "sync",
}
GOOD, ODD = "stripe:cus_acme", "stripe:cus_odd"


def letter(aws: Aws, queue: str, body: dict[str, object]) -> None:
    aws_session().client("sqs").send_message(QueueUrl=aws.queues[OURS[queue]], MessageBody=json.dumps(body))


def redriven(aws: Aws) -> list[Redriven]:
    return Redriver(aws.platform, lambda name: aws.queues[OURS[name]], wait_seconds=0)()


@pytest.fixture
def parked(aws: Aws) -> Aws:
    """Two parked customers with their letters; of one a row cannot be read."""
    client = aws_session().client("dynamodb")
    for customer in (ODD, GOOD):
        aws.store.save(Case(Profile(customer)), Case(Profile(customer, holds={HoldKind.PARKED: Hold(NOW)})))
        letter(aws, "RunDeadLetters", {"customer": customer, "hops": 0})
    client.put_item(TableName=aws.table, Item={"pk": {"S": f"CUST#{ODD}"}, "sk": {"S": "INV#in_1"}, "status": {"S": "in_arbitration"}})
    return aws


def test_a_case_that_cannot_be_read_still_keeps_its_letter_and_its_neighbours_are_released(parked: Aws) -> None:
    first, second = redriven(parked)
    assert first.outcome.startswith(f"left there: row CUST#{ODD}, INV#in_1 of the table cannot be read")
    assert second.outcome == "recorded"
    assert parked.case(GOOD).profile.holds == {}


def test_what_aws_refuses_and_a_defect_of_ours_keep_no_other_letter(parked: Aws) -> None:
    letter(parked, "SyncDeadLetters", {"source": "stripe", "kind": "invoice", "id": "in_1"})
    letter(parked, "SweepDeadLetters", {"source": "stripe", "run": "r", "stage": "listing", "started_at": "2026-03-23T04:00:00Z"})
    letter(parked, "NoteDeadLetters", {"odd": "note"})
    parked.fails("ReceiveMessage", "AccessDenied", 403)
    parked.fails("SendMessage", "AccessDenied", 403)
    whole, refused, defect, odd = redriven(parked)
    assert (whole.queue, whole.outcome) == ("RunDeadLetters", "left there, whatever there is: reading RunDeadLetters: AccessDenied")
    assert refused.outcome == "left there: a letter of SyncDeadLetters: AccessDenied"
    assert defect.outcome.startswith("left there: unforeseen KeyError at test_redrive.py")  # no queue of that name here
    assert odd.outcome.startswith("left there: ")
    assert [row.outcome for row in redriven(parked) if row.queue == "RunDeadLetters"][1] == "recorded"


def test_a_letter_that_cannot_be_taken_out_is_said_to_be_there_still(parked: Aws) -> None:
    parked.fails("DeleteMessage", "AccessDenied", 403)
    odd, good = redriven(parked)
    assert odd.outcome.startswith("left there: row")
    assert good.outcome == "left there: taking it out of RunDeadLetters: AccessDenied"


@pytest.mark.parametrize(
    "event",
    [{"time": "2026-03-23T04:00:00Z"}, {"resources": ["rule/x-DailySweepFunctionDaily"], "time": "today"}, {"resources": ["rule/other"]}],
)
def test_an_event_of_no_schedule_of_ours_stays_where_it_is(aws: Aws, event: dict[str, object]) -> None:
    letter(aws, "EventDeadLetters", event)
    (told,) = redriven(aws)
    assert told.outcome.startswith("left there: neither a report of SES nor")


def test_no_queue_is_called_empty_that_only_some_servers_of_sqs_were_asked_for(aws: Aws) -> None:
    aws.answers("ReceiveMessage", {"Messages": []})
    assert Redriver(aws.platform, lambda name: aws.queues[OURS[name]])() == []
    waits = [parameters["WaitTimeSeconds"] for operation, parameters in aws.requests if operation == "ReceiveMessage"]
    assert waits == [2] * 6


@pytest.mark.parametrize("spent", [{"tries": 288}, {"tries": 288, "hops": 20}])
def test_what_is_sent_back_has_all_its_tries_again(aws: Aws, spent: dict[str, object]) -> None:
    asked = {"source": "stripe", "kind": "invoice", "id": "in_1", "customer": None, "stamp": None, "detail": None}
    letter(aws, "SyncDeadLetters", {**asked, **spent})
    assert [row.outcome for row in redriven(aws)] == ["sent back"]
    (message,) = aws_session().client("sqs").receive_message(QueueUrl=aws.queues["sync"])["Messages"]
    assert json.loads(message["Body"]) == {**asked, **({"hops": 0} if "hops" in spent else {})}


@pytest.mark.parametrize("attribute", ["reason", "ErrorMessage", "ERROR_MESSAGE", "ERROR_CODE"])
def test_why_a_letter_is_one_is_told_whoever_put_it_there(aws: Aws, attribute: str) -> None:
    event = json.dumps({"resources": ["rule/other"]})
    aws_session().client("sqs").send_message(
        QueueUrl=aws.queues[OURS["EventDeadLetters"]],
        MessageBody=event,
        MessageAttributes={attribute: {"DataType": "String", "StringValue": "no right to call it"}},
    )
    assert [row.reason for row in redriven(aws)] == ["no right to call it"]
