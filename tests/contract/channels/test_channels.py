"""What every channel owes its caller, over the real botocore client down to the wire."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import cast
from urllib.parse import parse_qs

import boto3
import botocore.exceptions
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.hooks import BaseEventHooks

from dunning.channels.attempts import one_attempt_config
from dunning.channels.email import SesEmailChannel
from dunning.channels.sms import SnsSmsChannel
from dunning.channels.team import SnsTeamChannel, sns_subject
from dunning.domain.errors import OutcomeUnknown, Permanent, Refused
from dunning.workflow.mail_ports import Addressing, Attachment
from dunning.workflow.ports import Envelope, RenderedEmail

ENVELOPE = Envelope(
    kind="reminder",
    customer="stripe:cus_Ünï/+1",
    invoices=("in_1", "in_2"),
    step="second_notice",
    claim="01JABCDEFGHJKMNPQRSTVWXYZ0",
    effect="email:second_notice:in_1",
)
MAIL = RenderedEmail(subject="Réminder", text="text €", html="<p>html</p>")
URL = "https://aws.example/"
SESSION = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-west-1")

SES_ACCEPTED = (200, json.dumps({"MessageId": "id-1"}))
SNS_ACCEPTED = (200, "<PublishResponse><PublishResult><MessageId>id-1</MessageId></PublishResult></PublishResponse>")


def ses_error(status: int, code: str) -> tuple[int, str]:
    return status, json.dumps({"__type": code, "message": "customer@example.com is not to be repeated"})


def sns_error(status: int, code: str) -> tuple[int, str]:
    fault = f"<Error><Code>{code}</Code><Message>+15550100 is not to be repeated</Message></Error>"
    return status, f"<ErrorResponse>{fault}<RequestId>r</RequestId></ErrorResponse>"


class Body:
    """A raw response body, as urllib3 gives it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_kwargs: object) -> Iterator[bytes]:
        yield self._content


@dataclass
class Wire:
    """Answers in place of AWS and keeps what was sent."""

    answer: tuple[int, str] | Exception
    requests: list[AWSPreparedRequest] = field(default_factory=list)

    def __call__(self, request: AWSPreparedRequest, **_kwargs: object) -> AWSResponse:
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        status, body = self.answer
        headers = HTTPHeaders()
        headers["x-amzn-requestid"] = "r"
        if body.startswith("{") and status != 200:
            headers["x-amzn-ErrorType"] = str(json.loads(body)["__type"])
        return AWSResponse(URL, status, headers, Body(body.encode()))

    @property
    def sent(self) -> str:
        body = self.requests[-1].body
        return body.decode() if isinstance(body, bytes) else str(body)


@dataclass(frozen=True)
class Case:
    """One channel under the contract: how it sends, how its service answers, and how it carries the envelope."""

    name: str
    send: Callable[[Wire], str]
    accepted: tuple[int, str]
    error: Callable[[int, str], tuple[int, str]]
    throttled: str
    bad_content: str
    carried: Callable[[Wire], Mapping[str, str]]


def answer_with(wire: Wire, events: BaseEventHooks, event: str) -> None:
    # botocore takes what a before-send handler returns as the response; its stubs know handlers that return nothing.
    events.register(event, cast("Callable[..., None]", wire))


def email_channel(wire: Wire, company: str = "Acme, Inc. Ü") -> SesEmailChannel:
    client = SESSION.client("sesv2", config=one_attempt_config())
    answer_with(wire, client.meta.events, "before-send.sesv2.SendEmail")
    return SesEmailChannel(client, "billing@acme.example", company, "accounts@acme.example", "the-set")


def send_email(wire: Wire) -> str:
    return email_channel(wire).send(["customer@example.com"], MAIL, ENVELOPE)


def send_sms(wire: Wire) -> str:
    client = SESSION.client("sns", config=one_attempt_config())
    answer_with(wire, client.meta.events, "before-send.sns.Publish")
    return SnsSmsChannel(client, "ACME").send("+15550100", "text €", ENVELOPE)


def team_channel(wire: Wire) -> SnsTeamChannel:
    client = SESSION.client("sns", config=one_attempt_config())
    answer_with(wire, client.meta.events, "before-send.sns.Publish")
    return SnsTeamChannel(client, {"collections": "arn:aws:sns:eu-west-1:123456789012:collections"})


def send_team(wire: Wire) -> str:
    return team_channel(wire).send("collections", "Take over: Zoë\r\nBcc: x", "text", ENVELOPE)


def ses_carried(wire: Wire) -> Mapping[str, str]:
    tags = {tag["Name"]: tag["Value"] for tag in json.loads(wire.sent)["EmailTags"]}
    return {name: decoded(value) if name in ("customer", "effect", "invoices") else value for name, value in tags.items()}


def decoded(text: str) -> str:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def fields(wire: Wire) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(wire.sent).items()}


def sns_carried(wire: Wire) -> Mapping[str, str]:
    sent = fields(wire)
    prefixes = [name.removesuffix(".Name") for name in sent if name.startswith("MessageAttributes.") and name.endswith(".Name")]
    attributes = {sent[f"{prefix}.Name"]: sent[f"{prefix}.Value.StringValue"] for prefix in prefixes}
    return {name: value for name, value in attributes.items() if not name.startswith("AWS.")}


CASES = (
    Case("email", send_email, SES_ACCEPTED, ses_error, "TooManyRequestsException", "BadRequestException", ses_carried),
    Case("sms", send_sms, SNS_ACCEPTED, sns_error, "Throttled", "InvalidParameter", sns_carried),
    Case("team", send_team, SNS_ACCEPTED, sns_error, "Throttled", "InvalidParameter", sns_carried),
)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    chosen = request.param
    assert isinstance(chosen, Case)
    return chosen


def test_an_accepted_message_answers_its_id(case: Case) -> None:
    assert case.send(Wire(case.accepted)) == "id-1"


def test_a_message_carries_its_envelope(case: Case) -> None:
    wire = Wire(case.accepted)
    case.send(wire)
    assert case.carried(wire) == {
        "kind": "reminder",
        "customer": "stripe:cus_Ünï/+1",
        "invoices": "in_1,in_2",
        "step": "second_notice",
        "claim": "01JABCDEFGHJKMNPQRSTVWXYZ0",
        "effect": "email:second_notice:in_1",
    }


def test_a_throttled_message_is_refused(case: Case) -> None:
    with pytest.raises(Refused):
        case.send(Wire(case.error(429, case.throttled)))
    with pytest.raises(Refused):
        case.send(Wire(case.error(400, "Throttling")))


def test_a_right_or_a_quota_that_is_missing_is_refused_for_now(case: Case) -> None:
    for status, code in ((403, "AccessDenied"), (400, "MessageRejected"), (400, "LimitExceededException"), (404, "NotFound")):
        with pytest.raises(Refused):
            case.send(Wire(case.error(status, code)))


def test_an_address_that_is_refused_is_refused_for_good(case: Case) -> None:
    with pytest.raises(Permanent):
        case.send(Wire(case.error(400, case.bad_content)))


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_after_a_server_error_the_outcome_is_unknown(case: Case, status: int) -> None:
    with pytest.raises(OutcomeUnknown):
        case.send(Wire(case.error(status, "InternalFailure")))


def test_even_an_error_that_sounds_like_the_senders_fault_is_judged_by_its_status(case: Case) -> None:
    with pytest.raises(OutcomeUnknown):
        case.send(Wire(case.error(500, case.bad_content)))


@pytest.mark.parametrize(
    "failure",
    [
        botocore.exceptions.ReadTimeoutError(endpoint_url=URL),
        botocore.exceptions.ConnectionClosedError(endpoint_url=URL),
        botocore.exceptions.HTTPClientError(error="broken"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_after_a_lost_answer_the_outcome_is_unknown(case: Case, failure: Exception) -> None:
    with pytest.raises(OutcomeUnknown):
        case.send(Wire(failure))


@pytest.mark.parametrize(
    "failure",
    [
        botocore.exceptions.EndpointConnectionError(endpoint_url=URL, error="no route"),
        botocore.exceptions.ConnectTimeoutError(endpoint_url=URL),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_a_message_that_never_reached_aws_is_refused(case: Case, failure: Exception) -> None:
    with pytest.raises(Refused):
        case.send(Wire(failure))


def test_whatever_happens_there_is_exactly_one_attempt(case: Case) -> None:
    answers: list[tuple[int, str] | Exception] = [
        case.accepted,
        case.error(500, "InternalFailure"),
        case.error(429, case.throttled),
        botocore.exceptions.ReadTimeoutError(endpoint_url=URL),
        botocore.exceptions.ConnectTimeoutError(endpoint_url=URL),
    ]
    attempts = []
    for answer in answers:
        wire = Wire(answer)
        with suppress(Refused, OutcomeUnknown):
            case.send(wire)
        attempts.append(len(wire.requests))
    assert attempts == [1, 1, 1, 1, 1]


def test_an_error_tells_no_address(case: Case) -> None:
    with pytest.raises(Refused) as refused:
        case.send(Wire(case.error(400, "MessageRejected")))
    assert "to be repeated" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_mail_has_both_bodies_a_named_sender_and_an_address_for_answers() -> None:
    wire = Wire(SES_ACCEPTED)
    email_channel(wire).send(["a@example.com", "b@example.com"], MAIL, ENVELOPE, Addressing(("owner@acme.example",)))
    sent = json.loads(wire.sent)
    assert sent["Destination"] == {"ToAddresses": ["a@example.com", "b@example.com"], "CcAddresses": ["owner@acme.example"]}
    assert sent["ReplyToAddresses"] == ["accounts@acme.example"]
    assert sent["ConfigurationSetName"] == "the-set"
    simple = sent["Content"]["Simple"]
    assert simple["Subject"]["Data"] == "Réminder"
    assert (simple["Body"]["Text"]["Data"], simple["Body"]["Html"]["Data"]) == ("text €", "<p>html</p>")
    assert {"Name": "Auto-Submitted", "Value": "auto-generated"} in simple["Headers"]


def test_a_person_signs_before_the_company() -> None:
    wire = Wire(SES_ACCEPTED)
    email_channel(wire, "Acme").send(["a@example.com"], MAIL, ENVELOPE, Addressing(sender="Jane\r\nDoe"))
    assert json.loads(wire.sent)["FromEmailAddress"] == '"Jane Doe, Acme" <billing@acme.example>'


def test_a_document_goes_as_an_attachment_that_can_be_read_back() -> None:
    wire = Wire(SES_ACCEPTED)
    email_channel(wire).send(["a@example.com"], MAIL, ENVELOPE, attachments=[Attachment("N-1.pdf", b"%PDF-1.4 \xff")])
    (attached,) = json.loads(wire.sent)["Content"]["Simple"]["Attachments"]
    assert (attached["FileName"], attached["ContentType"]) == ("N-1.pdf", "application/pdf")
    assert base64.b64decode(attached["RawContent"]) == b"%PDF-1.4 \xff"


def test_a_mail_ends_with_one_click_where_there_is_a_page_for_it() -> None:
    wire = Wire(SES_ACCEPTED)
    email_channel(wire).send(["a@example.com"], MAIL, ENVELOPE, Addressing(unsubscribe_url="https://pay.example/u/t"))
    headers = {header["Name"]: header["Value"] for header in json.loads(wire.sent)["Content"]["Simple"]["Headers"]}
    assert headers["List-Unsubscribe"] == "<https://pay.example/u/t>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("company", ["Acme", 'Acme, "Inc."', "Zoë & Söhne", "Evil\r\nBcc: victim@example.com"])
def test_any_company_name_is_one_sender(company: str) -> None:
    wire = Wire(SES_ACCEPTED)
    email_channel(wire, company).send(["a@example.com"], MAIL, ENVELOPE)
    sender = json.loads(wire.sent)["FromEmailAddress"]
    assert parseaddr(sender)[1] == "billing@acme.example"
    assert sender.isascii()
    assert "\n" not in sender


def test_many_invoices_are_spread_over_tags_that_ses_accepts() -> None:
    wire = Wire(SES_ACCEPTED)
    invoices = tuple(f"in_{number:024d}" for number in range(90))
    envelope = Envelope("reminder", "stripe:cus_1", invoices, None, "c", "e")
    email_channel(wire).send(["a@example.com"], MAIL, envelope)
    tags = {tag["Name"]: tag["Value"] for tag in json.loads(wire.sent)["EmailTags"]}
    assert "step" not in tags
    assert all(len(value) <= 256 and value.replace("-", "").replace("_", "").isalnum() for value in tags.values())
    chunks = [tags["invoices"], *(tags[f"invoices_{n}"] for n in range(1, len(tags) - 4))]
    assert tuple(decoded("".join(chunks)).split(",")) == invoices


def test_an_sms_is_transactional_and_names_its_sender() -> None:
    wire = Wire(SNS_ACCEPTED)
    send_sms(wire)
    sent = fields(wire)
    assert sent["PhoneNumber"] == "+15550100"
    assert sent["Message"] == "text €"
    assert {"AWS.SNS.SMS.SMSType", "Transactional", "AWS.SNS.SMS.SenderID", "ACME"} <= set(sent.values())


def test_a_team_is_told_through_its_own_topic() -> None:
    wire = Wire(SNS_ACCEPTED)
    send_team(wire)
    sent = fields(wire)
    assert sent["TopicArn"] == "arn:aws:sns:eu-west-1:123456789012:collections"
    assert sent["Subject"] == "Take over: Zoe Bcc: x"


def test_an_unknown_team_is_no_ones_and_nothing_is_sent() -> None:
    wire = Wire(SNS_ACCEPTED)
    with pytest.raises(Permanent, match=r'no topic for team "sales".*collections'):
        team_channel(wire).send("sales", "subject", "text", ENVELOPE)
    assert wire.requests == []


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("Take over: Zoë", "Take over: Zoe"),
        ("金 owes €5", "? owes ?5"),
        ("two\nlines\tand\x07bell", "two lines and?bell"),
        ("x" * 101, "x" * 97 + "..."),
        ("x" * 100, "x" * 100),
    ],
)
def test_a_subject_is_made_fit_for_sns(text: str, subject: str) -> None:
    assert sns_subject(text) == subject
