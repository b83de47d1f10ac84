"""Mail, text messages and team notices: what is accepted, what the outbox shows, what is reported back."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from dunning.domain.errors import Rejected
from tests.integration.local_cloud.conftest import SmallStack


def b64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def mail(stack: SmallStack, **changes: Any) -> dict[str, Any]:
    """A reminder as the product's channel sends it."""
    return {
        "FromEmailAddress": f"Example Ltd <{stack.env['EMAIL_FROM']}>",
        "ReplyToAddresses": ["accounts@example.com"],
        "Destination": {"ToAddresses": ["Pat Doe <pat@example.com>"], "CcAddresses": ["boss@example.com"]},
        "Content": {
            "Simple": {
                "Subject": {"Data": "Invoice N-1"},
                "Body": {"Text": {"Data": "Please pay"}, "Html": {"Data": "<p>Please pay</p>"}},
                "Headers": [{"Name": "List-Unsubscribe", "Value": "<https://example.com/u>"}],
            }
        },
        "EmailTags": [
            {"Name": "kind", "Value": "reminder"},
            {"Name": "customer", "Value": b64url("stripe:cus_1")},
            {"Name": "step", "Value": "first"},
            {"Name": "invoices", "Value": b64url("in_1,in_2")[:5]},
            {"Name": "invoices_1", "Value": b64url("in_1,in_2")[5:]},
        ],
        "ConfigurationSetName": stack.env["SES_CONFIGURATION_SET"],
        **changes,
    }


def send(stack: SmallStack, **changes: Any) -> dict[str, Any]:
    return stack.call("sesv2", "send_email", **mail(stack, **changes))


def reports(stack: SmallStack) -> list[dict[str, Any]]:
    """What SES reported to the topic."""
    stack.cloud.settle()
    return [json.loads(record["Sns"]["Message"]) for _, event in stack.seen("listener") for record in event["Records"]]


def test_an_accepted_mail_is_in_the_outbox_with_all_that_it_is_about(stack: SmallStack) -> None:
    send(stack)
    assert stack.cloud.outbox() == [
        {
            "channel": "email",
            "kind": "reminder",
            "to": ["pat@example.com"],
            "cc": ["boss@example.com"],
            "subject": "Invoice N-1",
            "text": "Please pay",
            "html": "<p>Please pay</p>",
            "headers": {
                "From": f"Example Ltd <{stack.env['EMAIL_FROM']}>",
                "Reply-To": "accounts@example.com",
                "List-Unsubscribe": "<https://example.com/u>",
            },
            "sent_at": "2026-03-02T08:00:00Z",
            "customer": "stripe:cus_1",
            "invoices": ["in_1", "in_2"],
            "step": "first",
        }
    ]


@pytest.mark.parametrize("mode", ["lost", "crash"])
def test_a_mail_whose_answer_nobody_saw_is_in_the_outbox(stack: SmallStack, mode: str) -> None:
    stack.cloud.add_fault("sesv2", "SendEmail", mode, 99)
    stack.post({"calls": [{"service": "sesv2", "operation": "send_email", "parameters": mail(stack)}]})
    assert len(stack.cloud.outbox()) == stack.calls("SendEmail") > 0


@pytest.mark.parametrize("mode", ["error", "throttle"])
def test_a_mail_that_ses_never_took_is_not_in_the_outbox(stack: SmallStack, mode: str) -> None:
    stack.cloud.add_fault("sesv2", "SendEmail", mode, 99)
    send(stack)
    assert stack.cloud.outbox() == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"FromEmailAddress": "someone@else.example"}, "MessageRejected"),
        ({"ConfigurationSetName": "no-such-set"}, "NotFoundException"),
        ({"EmailTags": [{"Name": "customer", "Value": "stripe:cus_1"}]}, "BadRequestException"),
        ({"EmailTags": [{"Name": f"effect_{number}", "Value": "x"} for number in range(51)]}, "BadRequestException"),
        ({"Destination": {"ToAddresses": []}}, "BadRequestException"),
        ({"Content": {}}, "BadRequestException"),
    ],
)
def test_ses_refuses_what_the_real_one_refuses(stack: SmallStack, changes: dict[str, Any], code: str) -> None:
    assert send(stack, **changes)["error"] == code
    assert stack.cloud.outbox() == []


def test_a_raw_mail_is_read_too(stack: SmallStack) -> None:
    raw = b"Subject: Raw\r\nContent-Type: text/plain\r\n\r\nPlain words\r\n"
    stack.cloud.session().client("sesv2").send_email(
        FromEmailAddress=stack.env["EMAIL_FROM"], Destination={"ToAddresses": ["pat@example.com"]}, Content={"Raw": {"Data": raw}}
    )
    [entry] = stack.cloud.outbox()
    assert (entry["subject"], entry["html"]) == ("Raw", None)
    assert "Plain words" in (entry["text"] or "")


def test_each_mail_is_reported_as_sent_and_delivered_by_itself(stack: SmallStack) -> None:
    message_id = send(stack)["MessageId"]
    sent, delivered = reports(stack)
    assert (sent["eventType"], delivered["eventType"]) == ("Send", "Delivery")
    assert sent["mail"]["messageId"] == message_id
    assert sent["mail"]["tags"]["customer"] == [b64url("stripe:cus_1")]
    assert sent["mail"]["destination"] == ["pat@example.com", "boss@example.com"]
    assert delivered["delivery"]["recipients"] == ["pat@example.com", "boss@example.com"]


def test_a_bounce_is_reported_for_the_last_mail_to_that_address(stack: SmallStack) -> None:
    send(stack)
    second = send(stack)["MessageId"]
    stack.cloud.ses_event("PAT@example.com", "bounce", "transient")
    bounce = reports(stack)[-1]
    assert (bounce["eventType"], bounce["bounce"]["bounceType"], bounce["mail"]["messageId"]) == ("Bounce", "Transient", second)


def test_what_the_template_does_not_ask_for_is_not_reported(stack: SmallStack) -> None:
    send(stack)
    stack.cloud.ses_event("pat@example.com", "click", None)
    stack.cloud.ses_event("pat@example.com", "open", None)
    assert [report["eventType"] for report in reports(stack)] == ["Send", "Delivery", "Open"]


@pytest.mark.parametrize(
    ("to", "event", "bounce"),
    [("nobody@example.com", "open", None), ("pat@example.com", "explode", None), ("pat@example.com", "bounce", "sometimes")],
)
def test_a_report_that_cannot_be_is_refused(stack: SmallStack, to: str, event: str, bounce: str | None) -> None:
    send(stack)
    with pytest.raises(Rejected):
        stack.cloud.ses_event(to, event, bounce)


def test_the_quota_counts_recipients_of_the_last_24_hours(stack: SmallStack) -> None:
    send(stack)
    assert stack.call("sesv2", "get_account")["SendQuota"] == {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 2.0}
    stack.advance(hours=24)
    assert stack.call("sesv2", "get_account")["SendQuota"]["SentLast24Hours"] == 0.0


def test_beyond_the_quota_nothing_is_sent_until_the_next_day(stack: SmallStack) -> None:
    stack.cloud.mail.per_day = 3
    assert "MessageId" in send(stack)
    assert send(stack) == {"error": "TooManyRequestsException", "status": 429}
    stack.cloud.advance_to(stack.cloud.now + timedelta(hours=24))
    assert "MessageId" in send(stack)


ABOUT = {
    name: {"DataType": "String", "StringValue": value}
    for name, value in {"kind": "escalation", "customer": "stripe:cus_1", "step": "third", "invoices": "in_1,in_2"}.items()
}


def test_a_text_message_is_in_the_outbox(stack: SmallStack) -> None:
    stack.call("sns", "publish", PhoneNumber="+14155550123", Message="Please pay & thank you", MessageAttributes=ABOUT)
    [entry] = stack.cloud.outbox()
    assert (entry["channel"], entry["to"], entry["text"], entry["html"]) == ("sms", ["+14155550123"], "Please pay & thank you", None)
    assert (entry["kind"], entry["customer"], entry["step"], entry["invoices"]) == ("escalation", "stripe:cus_1", "third", ["in_1", "in_2"])


def test_a_number_that_is_none_is_refused(stack: SmallStack) -> None:
    assert stack.call("sns", "publish", PhoneNumber="0171 5550123", Message="x")["error"] == "InvalidParameter"
    assert stack.cloud.outbox() == []


def test_a_notice_to_a_team_is_in_the_outbox_under_the_teams_name(stack: SmallStack) -> None:
    [topic] = json.loads(stack.env["TEAM_TOPICS"]).values()
    stack.call("sns", "publish", TopicArn=topic, Subject="Take over", Message="N-1", MessageAttributes=ABOUT)
    [entry] = stack.cloud.outbox()
    assert (entry["channel"], entry["to"], entry["subject"], entry["kind"]) == ("team", ["collections"], "Take over", "escalation")


def test_other_topics_are_not_in_the_outbox(stack: SmallStack) -> None:
    stack.call("sns", "publish", TopicArn=stack.env["TOPIC"], Message="x")
    assert stack.cloud.outbox() == []
