"""Mail and text messages as SES and AWS End User Messaging hand them on, written by people, robots and broken programs."""

import json
from base64 import b64encode
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from time import process_time

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

    assert read_inbound("Successfully validated SNS topic for Amazon SES event publishing.") is None


SMS: dict[str, object] = {"originationNumber": "+1", "messageBody": "STOP", "inboundMessageId": "m-1"}
MAIL: dict[str, object] = json.loads(notice(FROM + b"\r\nHello"))


def without(notice: dict[str, object], name: str) -> str:
    return json.dumps({key: value for key, value in notice.items() if key != name})


@pytest.mark.parametrize(
    "message",
    [
        "no json",
        "[]",
        "{}",
        *(without(SMS, name) for name in SMS),
        *(without(MAIL, name) for name in MAIL),
        json.dumps(MAIL | {"content": "SGVsbG8"}),
        json.dumps(MAIL | {"content": "Hello, this is plain"}),
        json.dumps(MAIL | {"content": "Größe"}),
        json.dumps(MAIL | {"mail": {"source": "zoe@acme.example"}}),
    ],
)
def test_what_aws_never_sends_is_refused(message: str) -> None:
    with pytest.raises(Rejected):
        read_inbound(message)


def test_base64_may_have_lines_and_a_mail_without_an_id_of_its_own_has_that_of_ses() -> None:
    content = str(MAIL["content"])
    folded = "\r\n".join(content[start : start + 8] for start in range(0, len(content), 8))
    found = read_inbound(json.dumps(MAIL | {"content": folded}))
    assert found is not None
    assert (found.id, found.text) == ("mail:ses-1", "Hello")


DEEP = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (level, level) for level in range(1_020))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (FROM + DEEP + b"\r\nHello", "Hello"),
        (FROM + b"To: " + b"(" * 140_000 + b"\r\n\r\nHello", "Hello"),
        (FROM + b"To: " + b'"' * 50_000 + b"\r\n\r\nHello", "Hello"),
        (FROM + b"Content-Type: text/html\r\n\r\nHello" + b"<script>" * 17_000, "Hello"),
        (FROM + b"Content-Type: text/html\r\n\r\nHello" + b"<" * 140_000, "Hello"),
        (FROM + b"Subject: a\x00b\xff\r\n\r\nHello\x00\x1b", "Hello"),
        (b"From: " + b"a" * 100_000 + b"@acme.example\r\n\r\nHello", "Hello"),
    ],
    ids=["deeply nested", "parentheses", "quotation marks", "scripts", "brackets", "unprintable", "long address"],
)
def test_nothing_that_a_stranger_may_write_stops_the_reader_or_fails_behind_it(raw: bytes, text: str) -> None:
    began = process_time()
    found = read(raw)
    assert process_time() - began < 10
    assert text in found.text
    assert len(found.sender) <= 320
    for said in (found.id, found.sender, found.subject, found.text):
        assert said.encode().decode().translate(dict.fromkeys([*range(9), *range(14, 32)])) == said


def test_a_script_hides_no_words_but_its_own() -> None:
    page = b"<STYLE>p{}</STYLE><p>We paid</p><script>if (a<b) {}</script> 3 < 4 <style>never closed <b>on</b> Friday"
    found = read(FROM + b"Content-Type: text/html\r\n\r\n" + page)
    assert found.text.split() == ["We", "paid", "3", "<", "4", "never", "closed", "on", "Friday"]
