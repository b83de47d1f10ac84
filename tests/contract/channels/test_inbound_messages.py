"""Mail and text messages as SES and AWS End User Messaging hand them on, written by people, robots and broken programs."""

import json
from base64 import b64encode
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest

from dunning.channels.inbound_messages import read_inbound
from dunning.domain.errors import Rejected
from dunning.domain.replying import Inbound

FROM = b"From: Zo\xc3\xab <zoe@acme.example>\r\n"


def notice(raw: bytes, *, source: str = "zoe@acme.example", spam: str = "PASS", encoding: str = "BASE64") -> str:
    content = b64encode(raw).decode() if encoding == "BASE64" else raw.decode()
    return json.dumps(
        {
            "notificationType": "Received",
            "mail": {"messageId": "ses-1", "source": source},
            "receipt": {"recipients": ["replies@reply.example.com"], "spamVerdict": {"status": spam}, "action": {"encoding": encoding}},
            "content": content,
        }
    )


def read(raw: bytes, **how: str) -> Inbound:
    found = read_inbound(notice(raw, **how))
    assert found is not None
    return found


def with_header(line: str) -> bytes:
    return FROM + f"Subject: Re: invoice\r\n{line}\r\n\r\nHello".encode()


def test_a_plain_mail_is_read_with_its_sender_subject_and_addresses() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Cc"] = "Zoë <zoe@acme.example>", "a+b@reply.example.com", "boss@acme.example"
    message["Subject"], message["Message-ID"] = "Größe", "<1@acme.example>"
    message.set_content("Das Paket kam nie an – bitte prüfen.")
    found = read(bytes(message))
    assert (found.id, found.sender, found.subject, found.text) == (
        "mail:<1@acme.example>",
        "zoe@acme.example",
        "Größe",
        "Das Paket kam nie an – bitte prüfen.",
    )
    assert found.addressed == ("replies@reply.example.com", "a+b@reply.example.com", "boss@acme.example")
    assert found.automatic is None


@pytest.mark.parametrize(
    ("charset", "body", "encoding"),
    [
        ("iso-8859-1", "Gr=F6=DFe", "quoted-printable"),
        ("utf-8", "Gr=C3=B6=C3=9Fe", "quoted-printable"),
        ("utf-8", b64encode("Größe".encode()).decode(), "base64"),
        ("windows-1252", "Gr=F6=DFe", "quoted-printable"),
    ],
)
def test_charsets_and_transfer_encodings_are_undone(charset: str, body: str, encoding: str) -> None:
    head = f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}"
    assert read(FROM + head.encode()).text == "Größe"


def test_of_two_forms_of_a_text_the_plain_one_is_read_and_html_without_its_tags() -> None:
    both = MIMEMultipart("alternative")
    both["From"] = "zoe@acme.example"
    both.attach(MIMEText("plain words"))
    both.attach(MIMEText("<p>other words</p>", "html"))
    assert read(both.as_bytes()).text == "plain words"
    only = b"Content-Type: text/html; charset=utf-8\r\n\r\n<style>p{}</style><p>We paid &amp; wait</p>"
    assert read(FROM + only).text == "We paid & wait"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        FROM + b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        FROM + b"Content-Type: text/plain; charset=no-such\r\n\r\nHello",
        FROM + b"Content-Transfer-Encoding: base64\r\n\r\n%%%",
        b"From: <<<\r\nSubject: =?utf-8?q?broken\r\nTo: ,,;\r\n\r\nHello",
    ],
)
def test_a_broken_mail_is_read_as_far_as_it_goes(raw: bytes) -> None:
    found = read(raw)
    assert found.id == "mail:ses-1"
    assert found.sender == "zoe@acme.example" or "<<<" in raw.decode("latin-1")


@pytest.mark.parametrize(
    ("line", "automatic"),
    [
        ("Auto-Submitted: auto-replied", True),
        ("auto-submitted: AUTO-GENERATED; owner=x", True),
        ("Auto-Submitted: no", False),
        ("Precedence: bulk", True),
        ("Precedence: first-class", False),
        ("X-Autoreply: yes", True),
        ("List-Id: <news.example>", True),
        ("X-Mailer: Anything", False),
    ],
)
def test_a_robots_headers_give_it_away(line: str, automatic: bool) -> None:
    assert (read(with_header(line)).automatic is not None) is automatic


@pytest.mark.parametrize(
    ("subject", "automatic"),
    [
        ("Automatic reply: invoice", True),
        ("Out of Office", True),
        ("Abwesenheitsnotiz", True),
        ("Réponse automatique : facture", True),
        ("Respuesta automática", True),
        ("Undeliverable: invoice", True),
        ("Re: invoice", False),
        ("We are out of stock", False),
    ],
)
def test_an_absence_is_known_by_its_subject(subject: str, automatic: bool) -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "zoe@acme.example", subject
    message.set_content("Hello")
    assert (read(bytes(message)).automatic is not None) is automatic


def test_bounces_robots_and_spam_are_no_answers() -> None:
    report = b"From: zoe@acme.example\r\nContent-Type: multipart/report; boundary=x\r\n\r\n--x--"
    assert read(report).automatic == "a report on delivery"
    assert read(FROM + b"\r\nHello", source="<>").automatic == "a report on delivery"
    assert read(b"From: MAILER-DAEMON@acme.example\r\n\r\nHello").automatic == "a robot's address"
    assert read(FROM + b"\r\nHello", spam="FAIL").automatic == "spam or a virus, by SES's verdict"
    assert read(FROM + b"\r\nHello", spam="GRAY").automatic is None


def test_a_text_message_is_read() -> None:
    sms = {"originationNumber": "+14255550182", "messageBody": "STOP", "inboundMessageId": "m-1"}
    assert read_inbound(json.dumps(sms)) == Inbound("sms:m-1", "sms", "+14255550182", "STOP")


def test_what_ses_sends_when_a_topic_is_set_up_concerns_nobody() -> None:
    assert read_inbound(json.dumps({"notificationType": "AmazonSnsSubscriptionSucceeded"})) is None


@pytest.mark.parametrize("message", ["no json", "[]", "{}", '{"originationNumber": "+1"}'])
def test_other_notifications_are_refused(message: str) -> None:
    with pytest.raises(Rejected):
        read_inbound(message)
