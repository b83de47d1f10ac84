"""What we tag a mail with is what SES's report of it tells us again."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dunning.channels.envelopes import ses_tags
from dunning.channels.ses_events import read_ses_event
from dunning.domain.errors import Rejected
from dunning.workflow.ports import Envelope

CUSTOMERS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=210)
IDS = st.text(st.characters(codec="utf-8", exclude_characters=","), min_size=1, max_size=40)
STEPS = st.none() | st.from_regex(r"[a-z0-9_]{1,64}", fullmatch=True)


@given(customer=CUSTOMERS, invoices=st.lists(IDS, max_size=95), step=STEPS, effect=IDS)
def test_an_envelope_survives_the_way_through_ses(customer: str, invoices: list[str], step: str | None, effect: str) -> None:
    envelope = Envelope("reminder", customer, tuple(invoices), step, "01JABCDEFGHJKMNPQRSTVWXYZ0", effect)
    tags = {tag["Name"]: [tag["Value"]] for tag in ses_tags(envelope)}
    assert all(len(value) <= 256 for values in tags.values() for value in values)
    mail = {"messageId": "m", "timestamp": "2026-03-02T08:00:00.000Z", "tags": tags}
    news = read_ses_event(json.dumps({"eventType": "Send", "mail": mail}))
    assert news is not None
    assert (news.customer, news.invoices, news.step, news.claim, news.effect) == (
        customer,
        tuple(invoices),
        step,
        envelope.claim,
        effect,
    )


TAGS = {"customer": [urlsafe_b64encode(b"stripe:cus_1").decode().rstrip("=")], "claim": ["c"], "effect": ["ZWZm"]}
MAIL: dict[str, object] = {"messageId": "m", "timestamp": "2026-03-02T08:00:00.000Z", "tags": TAGS}
BOUNCE: dict[str, object] = {
    "eventType": "Bounce",
    "mail": MAIL,
    "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": "pat@example.com"}]},
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"eventType": None},
        {"mail": None},
        {"mail": MAIL | {"timestamp": None}},
        {"mail": MAIL | {"tags": TAGS | {"customer": ["%%%"]}}},
        {"mail": MAIL | {"tags": TAGS | {"effect": ["y"]}}},
        {"mail": MAIL | {"tags": TAGS | {"customer": [""]}}},
        {"bounce": None},
        {"bounce": {}},
    ],
    ids=["no type", "no mail", "no timestamp", "no base64", "half a byte", "of nobody", "no bounce", "no bounceType"],
)
def test_a_report_that_ses_never_sends_is_refused(wrong: dict[str, object]) -> None:
    assert read_ses_event(json.dumps(BOUNCE)) is not None
    with pytest.raises(Rejected):
        read_ses_event(json.dumps(BOUNCE | wrong))


def test_a_time_without_a_zone_is_utc() -> None:
    news = read_ses_event(json.dumps(BOUNCE | {"mail": MAIL | {"timestamp": "2026-03-02T08:00:00"}}))
    assert news is not None
    assert news.mailed_at == datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "message",
    [
        "Successfully validated SNS topic for Amazon SES event publishing.",
        json.dumps({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "…"}),
        json.dumps({"eventType": "DeliveryDelay", "mail": {}}),
        json.dumps(BOUNCE | {"mail": {"messageId": "m", "timestamp": "2026-03-02T08:00:00.000Z"}}),
        json.dumps(BOUNCE | {"bounce": {"bounceType": "Transient"}}),
    ],
    ids=["set up", "subscribed", "of another kind", "of another mail", "for a while only"],
)
def test_what_concerns_no_mail_of_ours_is_none_of_our_business(message: str) -> None:
    assert read_ses_event(message) is None


@pytest.mark.parametrize(
    ("headers", "mailed_to"),
    [
        ({"to": ["Pat <pat@example.com>", "ap@example.com"], "cc": ["jane@us.example"]}, ("pat@example.com", "ap@example.com")),
        ({"to": "pat@example.com"}, ()),
        ({}, ()),
        (None, ()),
    ],
)
def test_whom_a_mail_was_for_is_told_without_its_copies(headers: object, mailed_to: tuple[str, ...]) -> None:
    news = read_ses_event(json.dumps(BOUNCE | {"mail": MAIL | {"commonHeaders": headers}}))
    assert news is not None
    assert (news.addresses, news.mailed_to) == (("pat@example.com",), mailed_to)
