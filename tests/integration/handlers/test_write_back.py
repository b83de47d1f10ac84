"""publish_activity and write_back on their real event shapes."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from dunning.channels.event_bus import VERSION, detail
from dunning.domain.activity import Activity, ActivityType
from dunning.domain.errors import Rejected, Retryable
from dunning.storage.expressions import to_wire
from dunning.storage.items import activity_attributes
from dunning.storage.keys import activity_key, customer_key
from dunning.storage.note_queues import read_note_request, written
from dunning.workflow.activity_feed import LoggedActivity, NoteRequest
from dunning.workflow.write_back import LAST_RECEIVES, MOST_TRIES
from functions.publish_activity import app as publish
from functions.write_back import app as write_back
from tests.fakes.clock import StandingClock
from tests.integration.handlers.cloud import Aws, Json, invoke

ULID = "01KK6ASGM0000000R003HF0TKN"
NOW = StandingClock().now


def activity(kind: ActivityType = ActivityType.SENT, *invoices: str) -> Activity:
    return Activity(NOW, kind, "7 days after the due date", invoices or ("in_1",), "first", "run_step", "email", "claim")


def record(of: Activity, customer: str = "stripe:cus_1", ulid: str = ULID) -> Json:
    row = {"pk": customer_key(customer), "sk": activity_key(of.at, ulid), **activity_attributes(of)}
    return {"eventName": "INSERT", "dynamodb": {"NewImage": to_wire(row), "SequenceNumber": "1"}}


def taken(count: int) -> dict[str, object]:
    return {"FailedEntryCount": 0, "Entries": [{"EventId": "x"}] * count}


def test_a_record_that_cannot_be_read_is_put_aside_and_the_others_are_told(aws: Aws) -> None:
    aws.answers("PutEvents", taken(2))
    bad: Json = {"eventName": "INSERT", "dynamodb": {"NewImage": {"pk": {"S": "x"}}}}
    good = [record(activity()), bad, record(activity(ActivityType.PAID))]
    assert invoke(publish.build(aws.platform), {"Records": good}) == {"batchItemFailures": []}

    (call,) = aws.sent("PutEvents")
    assert [entry["DetailType"] for entry in call["Entries"]] == ["activity.sent", "activity.paid"]
    assert [message["dynamodb"] for message in aws.messages("activity-dead")] == [bad["dynamodb"]]


def test_an_activity_that_the_bus_does_not_take_is_tried_for_a_while_and_then_put_aside_with_its_record(aws: Aws) -> None:
    handler, alone, two = publish.build(aws.platform), [record(activity())], [record(activity()), record(activity(ActivityType.PAID))]
    aws.fails("PutEvents", times=30)
    for late, records in ((publish.TRIED_FOR - timedelta(seconds=1), alone), (publish.TRIED_FOR, two)):
        aws.clock.now = NOW + late
        with pytest.raises(Retryable):
            invoke(handler, {"Records": records})
    assert aws.letters("activity-dead") == []
    assert invoke(handler, {"Records": alone}) == {"batchItemFailures": []}
    ((body, reason),) = aws.letters("activity-dead")
    assert (json.loads(body), reason) == (alone[0], "putting 1 events: ClientError")


def test_an_activity_of_which_publishing_fails_as_nobody_foresaw_is_put_aside_like_it(aws: Aws) -> None:
    aws.answers("PutEvents", taken(1))
    aws.answers("SendMessageBatch", {"Failed": "none"})
    aws.clock.now = NOW + publish.TRIED_FOR
    alone = [record(activity(ActivityType.SENT, "in_1", "in_2"))]
    assert invoke(publish.build(aws.platform), {"Records": alone}) == {"batchItemFailures": []}
    ((body, reason),) = aws.letters("activity-dead")
    assert (json.loads(body), reason.startswith("unforeseen ")) == (alone[0], True)


def test_each_invoice_gets_its_note_from_the_queue_of_its_source(aws: Aws) -> None:
    aws.answers("PutEvents", taken(3))
    records = [
        record(activity(ActivityType.SENT, "in_1", "in_2")),
        record(activity(ActivityType.ESCALATED, "in_1"), ulid=ULID[:-1] + "P"),
        record(activity(), "xero:tenant:c"),
    ]
    invoke(publish.build(aws.platform), {"Records": records})

    asked = [read_note_request(json.dumps(message)) for message in aws.messages("stripe-notes")]
    together = [(request.invoice, [logged.activity.type.value for logged in request.activities]) for request in asked]
    assert together == [("in_1", ["sent", "escalated"]), ("in_2", ["sent"])]
    assert [message["customer"] for message in aws.messages("xero-notes")] == ["xero:tenant:c"]
    assert aws.messages("quickbooks-notes") == []


def test_a_source_that_is_switched_off_is_not_asked_for_notes(aws: Aws) -> None:
    aws.answers("PutEvents", taken(1))
    aws.env["WRITE_BACK"] = "stripe:off"
    invoke(publish.build(aws.platform), {"Records": [record(activity())]})
    assert aws.messages("stripe-notes") == []


def test_a_switch_that_is_none_is_refused_by_name(aws: Aws) -> None:
    aws.env["WRITE_BACK"] = "strip:off"
    with pytest.raises(Rejected, match="WRITE_BACK is 'strip:off'"):
        publish.build(aws.platform)


@pytest.mark.parametrize("name", ["TEAM_LOCALE", "DEFAULT_LOCALE"])
def test_a_language_that_does_not_ship_is_refused_by_name(aws: Aws, name: str) -> None:
    aws.env[name] = "German"
    with pytest.raises(Rejected, match=f"{name} is 'German': write en, de, fr or es"):
        publish.build(aws.platform)


def test_a_request_survives_its_queue() -> None:
    request = NoteRequest("stripe:cus_1", "in_1", (LoggedActivity(ULID, "stripe:cus_1", activity(ActivityType.SENT)),), 3)
    read = read_note_request(written(request))
    (logged,) = read.activities
    assert (read.customer, read.invoice, read.tries, logged.id) == ("stripe:cus_1", "in_1", 3, ULID)
    assert (logged.activity.at, logged.activity.type, logged.activity.step) == (NOW, ActivityType.SENT, "first")
    for body in ("no json", "{}", '{"customer": "a", "invoice": "b", "activities": [{"id": "x", "at": "never", "type": "sent"}]}'):
        with pytest.raises(Rejected):
            read_note_request(body)


def message(body: str, receives: int = 1) -> Json:
    attributes = {"ApproximateReceiveCount": str(receives)}
    return {"messageId": "m-1", "receiptHandle": "r-1", "body": body, "attributes": attributes, "eventSource": "aws:sqs"}


@pytest.mark.parametrize(("receives", "hidden"), [(1, 60), (4, 3600), (LAST_RECEIVES - 1, 43200)])
def test_a_source_that_does_not_answer_is_asked_again_later_each_time(aws: Aws, receives: int, hidden: int) -> None:
    aws.env["STRIPE_API_BASE"] = "http://127.0.0.1:1"
    aws.answers("ChangeMessageVisibility", {})
    body = written(NoteRequest("stripe:cus_1", "in_1", (LoggedActivity(ULID, "stripe:cus_1", activity()),)))
    answer = invoke(write_back.build(aws.platform), {"Records": [message(body, receives)]})

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    (call,) = aws.sent("ChangeMessageVisibility")
    assert (call["VisibilityTimeout"], call["QueueUrl"]) == (hidden, aws.queues["stripe-notes"])


@pytest.mark.parametrize(("receives", "tries"), [(LAST_RECEIVES, 0), (1, MOST_TRIES)])
def test_what_its_source_did_not_answer_for_so_long_is_put_aside_with_its_reason_to_be_tried_as_long_again(
    aws: Aws, receives: int, tries: int
) -> None:
    aws.env["STRIPE_API_BASE"] = "http://127.0.0.1:1"
    asked = NoteRequest("stripe:cus_1", "in_1", (LoggedActivity(ULID, "stripe:cus_1", activity()),))
    told: Json = {"Records": [message(written(replace(asked, tries=tries)), receives)]}
    assert invoke(write_back.build(aws.platform), told) == {"batchItemFailures": []}
    ((body, reason),) = aws.letters("note-dead")
    assert (body, reason.startswith("GET http://127.0.0.1:1/v1/invoices/in_1: ")) == (written(asked), True)
    assert aws.sent("ChangeMessageVisibility") == []


def test_a_note_that_fails_as_nobody_foresaw_comes_again_and_at_last_is_put_aside_with_its_kind_and_place(aws: Aws) -> None:
    aws.answers("ChangeMessageVisibility", {})
    aws.answers("GetItem", {"Item": "none"})
    body = written(NoteRequest("stripe:cus_1", "in_1", (LoggedActivity(ULID, "stripe:cus_1", activity()),)))
    handler = write_back.build(aws.platform)
    assert invoke(handler, {"Records": [message(body, LAST_RECEIVES - 1)]}) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert aws.letters("note-dead") == []
    assert invoke(handler, {"Records": [message(body, LAST_RECEIVES)]}) == {"batchItemFailures": []}
    ((_, reason),) = aws.letters("note-dead")
    assert reason.startswith("unforeseen ")


def test_a_message_that_asks_for_nothing_is_put_aside_at_once(aws: Aws) -> None:
    assert invoke(write_back.build(aws.platform), {"Records": [message('{"customer": 1}')]}) == {"batchItemFailures": []}
    assert len(aws.messages("note-dead")) == 1


def test_the_schema_names_every_field_of_an_event() -> None:
    schema = json.loads((Path(__file__).parents[3] / "docs/activity-event.schema.json").read_text())
    event = detail(LoggedActivity(ULID, "stripe:cus_1", activity()))
    assert set(schema["properties"]) == set(schema["required"]) == set(event)
    assert schema["properties"]["version"] == {"const": VERSION}
