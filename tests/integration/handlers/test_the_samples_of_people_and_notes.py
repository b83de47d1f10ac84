"""events/inbound_reply, publish_activity, write_back and customer_portal do what events/README.md says of them."""

import json
from base64 import b64encode
from datetime import timedelta
from typing import cast

import pytest

from dunning.domain.errors import Retryable
from dunning.domain.holds import HoldKind
from functions.customer_portal import app as portal
from functions.delivery_feedback import app as feedback
from functions.inbound_reply import app as inbound
from functions.publish_activity import app as publish
from functions.stripe_webhook import app as stripe_webhook
from functions.write_back import app as write_back
from infra.sign_event import signed
from tests.contract.providers.played_stripe import PlayedStripe
from tests.integration.handlers.cloud import Aws, Json, delivered_at, invoke, sample, webhook
from tests.integration.handlers.larkfield import CUSTOMER, FIRST, INVOICE, ISSUED, invoice_object
from tests.unit.workflow.plan import said

LINK_KEY = b"signs the links in mails"


@pytest.fixture
def known(aws: Aws) -> Aws:
    """LS-2051 is recorded, and it is the day of the first reminder."""
    invoke(stripe_webhook.build(aws.platform), webhook("invoice_finalized", aws.clock.now, created=ISSUED))
    aws.clock.now = FIRST + timedelta(hours=3)
    aws.forget_calls()
    return aws


@pytest.mark.parametrize(("name", "words"), [("mail_answer", "we pay on Friday"), ("sms_answer", "Which invoice is this?")])
def test_an_answer_holds_the_case_once_and_its_words_wait_for_the_team(known: Aws, name: str, words: str) -> None:
    handler = inbound.build(known.platform)
    for _ in range(2):
        invoke(handler, sample(f"inbound_reply/{name}"))
    profile = known.case(CUSTOMER).profile
    assert set(profile.holds) == {HoldKind.REPLY}
    assert [words in str(notice.text) for notice in profile.notices.values()] == [True]
    assert said(known.log(CUSTOMER)) == ["enrolled", "replied", "held"]


def sns(*messages: str) -> Json:
    """The sample of a mail, as often as there are messages, each with one of them."""
    (record,) = cast("list[Json]", sample("inbound_reply/mail_answer")["Records"])
    return {"Records": [record | {"Sns": cast("Json", record["Sns"]) | {"Message": message}} for message in messages]}


def test_a_mail_without_an_id_holds_the_case_once_however_often_it_is_delivered(known: Aws) -> None:
    (record,) = cast("list[Json]", sample("inbound_reply/mail_answer")["Records"])
    answer = json.loads(str(cast("Json", record["Sns"])["Message"]))
    raw = b"From: accounts@weaver.example\r\nSubject: Re: LS-2051\r\n\r\nwe pay on Monday"
    handler, delivered = inbound.build(known.platform), sns(json.dumps(answer | {"content": b64encode(raw).decode()}))
    for _ in range(2):
        invoke(handler, delivered)
    profile = known.case(CUSTOMER).profile
    assert profile.replies == (f"mail:{answer['mail']['messageId']}",)
    assert [notice.text for notice in profile.notices.values()] == [
        "From: accounts@weaver.example\nSubject: Re: LS-2051\n\nwe pay on Monday"
    ]
    assert said(known.log(CUSTOMER)) == ["enrolled", "replied", "held"]
    assert known.letters("event-dead") == []


@pytest.mark.parametrize("poison", ["not json", "[" * 100_000, '{"notificationType": "Received", "mail": {"messageId": "m"}}'])
def test_what_is_no_answer_is_put_aside_with_its_reason_and_its_neighbour_holds_the_case(known: Aws, poison: str) -> None:
    (answer,) = cast("list[Json]", sample("inbound_reply/mail_answer")["Records"])
    (record,) = cast("list[Json]", sns(poison)["Records"])
    assert invoke(inbound.build(known.platform), {"Records": [record, answer]}) is None
    ((body, reason),) = known.letters("event-dead")
    assert json.loads(body) == {"Records": [record]}
    assert any(told in reason for told in ("not JSON", "unforeseen RecursionError", "has no receipt"))
    assert set(known.case(CUSTOMER).profile.holds) == {HoldKind.REPLY}


def bounced(record: Json, **mail: object) -> Json:
    """A record of a bounce, whose mail has other things to it."""
    notice = cast("Json", record["Sns"])
    report = json.loads(str(notice["Message"]))
    return record | {"Sns": notice | {"Message": json.dumps(report | {"mail": report["mail"] | mail})}}


def test_a_report_that_cannot_be_read_is_put_aside_with_its_reason_and_its_neighbour_counts(known: Aws) -> None:
    (bounce,) = cast("list[Json]", sample("delivery_feedback/bounce")["Records"])
    tags = json.loads(str(cast("Json", bounce["Sns"])["Message"]))["mail"]["tags"]
    unreadable = bounced(bounce, tags=tags | {"customer": ["%%%"]})
    assert invoke(feedback.build(known.platform), {"Records": [unreadable, bounced(bounce, timestamp="2026-03-23T09:00:00")]}) is None
    assert known.letters("event-dead") == [(json.dumps({"Records": [unreadable]}), "the SES event's tag customer is not as we write it")]
    assert "undelivered" in [activity.type.value for activity in known.log(CUSTOMER)]


def test_while_the_neighbour_of_a_letter_cannot_be_recorded_the_letter_is_not_written_once_more_each_time(known: Aws) -> None:
    (answer,) = cast("list[Json]", sample("inbound_reply/mail_answer")["Records"])
    event: Json = {"Records": [*cast("list[Json]", sns("not json")["Records"]), answer]}
    handler = inbound.build(known.platform)
    known.fails("Query")
    with pytest.raises(Retryable):
        invoke(handler, event)
    assert known.letters("event-dead") == []
    invoke(handler, event)
    assert len(known.letters("event-dead")) == 1


def test_stop_ends_text_messages_and_holds_nothing(known: Aws) -> None:
    invoke(inbound.build(known.platform), sample("inbound_reply/sms_stop"))
    profile = known.case(CUSTOMER).profile
    assert (set(profile.opted_out), profile.is_held) == ({"sms"}, False)


def test_an_absence_notice_changes_nothing(known: Aws) -> None:
    before = known.case(CUSTOMER)
    invoke(inbound.build(known.platform), sample("inbound_reply/absence_notice"))
    assert known.case(CUSTOMER) == before


@pytest.mark.parametrize(("name", "aside"), [("enrolled_and_sent", 0), ("batch_with_a_bad_record", 1)])
def test_new_activities_are_published_and_the_reminder_is_to_be_noted(aws: Aws, name: str, aside: int) -> None:
    aws.answers("PutEvents", {"FailedEntryCount": 0, "Entries": [{"EventId": "x"}] * 2})
    assert invoke(publish.build(aws.platform), sample(f"publish_activity/{name}")) == {"batchItemFailures": []}
    (call,) = aws.sent("PutEvents")
    assert [entry["DetailType"] for entry in call["Entries"]] == ["activity.enrolled", "activity.sent"]
    (asked,) = aws.messages("stripe-notes")
    (sampled,) = cast("list[Json]", sample("write_back/reminder_sent")["Records"])
    assert asked == json.loads(str(sampled["body"])) | {"delay": 0}
    assert len(aws.messages("activity-dead")) == aside


def test_a_record_that_cannot_be_read_is_put_aside_once_however_often_its_batch_comes(aws: Aws) -> None:
    handler, batch = publish.build(aws.platform), sample("publish_activity/batch_with_a_bad_record")
    aws.answers("PutEvents", {"FailedEntryCount": 2, "Entries": [{"ErrorCode": "InternalException"}] * 2})
    with pytest.raises(Retryable):
        invoke(handler, batch)
    aws.answers("PutEvents", {"FailedEntryCount": 0, "Entries": [{"EventId": "x"}] * 2})
    invoke(handler, batch)
    assert len(aws.messages("activity-dead")) == 1


@pytest.mark.parametrize(("name", "aside"), [("reminder_sent", 0), ("batch_with_a_bad_message", 1)])
def test_a_note_is_written_at_stripe_once(known: Aws, stripe: PlayedStripe, name: str, aside: int) -> None:
    stripe.has("invoices", invoice_object())
    assert invoke(write_back.build(known.platform), sample(f"write_back/{name}")) == {"batchItemFailures": []}
    assert stripe.notes(INVOICE) == ['2026-03-23 dunning: Reminder "first" sent by email']
    assert len(known.messages("note-dead")) == aside


def ask(aws: Aws, name: str) -> tuple[int, str]:
    """The status and the page that a sample request gets."""
    answer = invoke(portal.build(aws.platform), sample(f"customer_portal/{name}"))
    return int(str(answer["statusCode"])), str(answer["body"])


def test_one_click_ends_mail_and_the_page_takes_it_back(known: Aws) -> None:
    status, page = ask(known, "page")
    assert (status, 'lang="de"' in page) == (200, True)
    assert known.case(CUSTOMER).profile.opted_out == {}
    assert [ask(known, "one_click")[0] for _ in range(2)] == [200, 200]
    assert set(known.case(CUSTOMER).profile.opted_out) == {"email"}
    assert ask(known, "again")[0] == 200
    assert known.case(CUSTOMER).profile.opted_out == {}


def test_a_forged_link_changes_nothing(known: Aws) -> None:
    before = known.case(CUSTOMER)
    assert ask(known, "forged")[0] == 404
    assert known.case(CUSTOMER) == before


def test_a_link_that_is_signed_again_is_good_later_on(known: Aws) -> None:
    old = sample("customer_portal/one_click")
    known.clock.now = delivered_at(old) + timedelta(days=100)
    handler = portal.build(known.platform)
    assert invoke(handler, old)["statusCode"] == 404
    assert invoke(handler, signed(old, known.clock.now, LINK_KEY))["statusCode"] == 200
    assert set(known.case(CUSTOMER).profile.opted_out) == {"email"}
