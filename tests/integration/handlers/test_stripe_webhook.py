"""POST /webhooks/stripe as API Gateway hands it over."""

import json

import pytest

from dunning.bootstrap import Handler
from dunning.domain.invoice import Status
from functions.stripe_webhook.app import build
from infra.sign_event import signed
from tests.integration.handlers.cloud import Aws, Json, delivered_at, invoke, minutes, sample, webhook
from tests.integration.handlers.larkfield import CUSTOMER, FIRST, INVOICE, ISSUED


@pytest.fixture
def handler(aws: Aws) -> Handler:
    aws.clock.now = ISSUED
    return build(aws.platform)


def outcome(answer: Json) -> tuple[object, object]:
    return answer["statusCode"], json.loads(str(answer["body"]))["outcome"]


@pytest.mark.parametrize("name", ["invoice_finalized", "invoice_finalized_base64"])
def test_a_new_invoice_is_recorded_in_two_calls(aws: Aws, handler: Handler, name: str) -> None:
    assert outcome(invoke(handler, sample(f"stripe_webhook/{name}"))) == (200, "recorded")
    assert aws.calls == {"Query": 1, "TransactWriteItems": 1}
    case = aws.case(CUSTOMER)
    assert (case.profile.due_at, case.invoices[INVOICE].amount_due, case.invoices[INVOICE].next_step) == (FIRST, 1840_50, "first")


def test_one_that_is_due_within_a_quarter_of_an_hour_costs_one_message_more(aws: Aws, handler: Handler) -> None:
    aws.clock.now = FIRST - minutes(15)
    invoke(handler, webhook("invoice_finalized", aws.clock.now))
    assert aws.calls == {"Query": 1, "TransactWriteItems": 1, "SendMessage": 1}
    assert aws.messages("run") == [{"customer": CUSTOMER, "hops": 0, "delay": 900}]


def test_the_same_webhook_again_reads_and_writes_nothing(aws: Aws, handler: Handler) -> None:
    invoke(handler, sample("stripe_webhook/invoice_finalized"))
    stored = aws.case(CUSTOMER)
    aws.forget_calls()
    assert outcome(invoke(handler, sample("stripe_webhook/invoice_finalized_base64"))) == (200, "nothing new")
    assert aws.calls == {"Query": 1}
    assert aws.case(CUSTOMER) == stored


@pytest.mark.parametrize(
    ("name", "status", "owed"),
    [("invoice_paid", Status.PAID, 0), ("invoice_partly_paid", Status.OPEN, 1000_00), ("invoice_voided", Status.VOID, 1840_50)],
)
def test_what_happens_to_the_invoice_is_recorded(aws: Aws, handler: Handler, name: str, status: Status, owed: int) -> None:
    invoke(handler, sample("stripe_webhook/invoice_finalized"))
    later = sample(f"stripe_webhook/{name}")
    aws.clock.now = delivered_at(later)
    assert outcome(invoke(handler, later))[0] == 200
    case = aws.case(CUSTOMER)
    assert (case.invoices[INVOICE].status, case.invoices[INVOICE].amount_due) == (status, owed)
    assert (case.profile.due_at is not None) == (status is Status.OPEN)


@pytest.mark.parametrize("name", ["forged", "unsigned"])
def test_what_stripe_did_not_sign_is_refused_and_touches_nothing(aws: Aws, handler: Handler, name: str) -> None:
    assert outcome(invoke(handler, sample(f"stripe_webhook/{name}")))[0] == 400
    assert aws.calls == {}


@pytest.mark.parametrize("minutes_off", [-6, 6])
def test_a_stale_or_future_signature_is_refused(aws: Aws, handler: Handler, minutes_off: int) -> None:
    assert outcome(invoke(handler, webhook("invoice_finalized", ISSUED + minutes(minutes_off))))[0] == 400
    assert aws.calls == {}


def test_a_body_that_is_said_to_be_base64_and_is_not_is_refused(handler: Handler) -> None:
    event = sample("stripe_webhook/invoice_finalized") | {"isBase64Encoded": True}
    assert outcome(invoke(handler, event)) == (400, "the body is said to be base64 and is not")


def test_a_request_without_a_body_is_refused(handler: Handler) -> None:
    event = sample("stripe_webhook/invoice_finalized")
    del event["body"]
    assert outcome(invoke(handler, event))[0] == 400


@pytest.mark.parametrize("body", ["[]", "{}", "not json", '{"id": "evt_1", "object": "event", "type": "invoice.paid"}'])
def test_what_is_signed_but_no_event_is_refused(aws: Aws, handler: Handler, body: str) -> None:
    event = signed(sample("stripe_webhook/invoice_finalized") | {"body": body}, ISSUED)
    assert outcome(invoke(handler, event))[0] == 400
    assert aws.calls == {}


def test_a_type_we_do_not_know_is_welcome_and_changes_nothing(aws: Aws, handler: Handler) -> None:
    event = sample("stripe_webhook/unknown_type")
    aws.clock.now = delivered_at(event)
    assert outcome(invoke(handler, event))[0] == 200
    assert aws.calls == {}


@pytest.mark.parametrize(("name", "kind"), [("thin_invoice_overdue", "invoice"), ("dispute_created", "dispute")])
def test_an_event_that_only_points_at_something_becomes_a_message(aws: Aws, handler: Handler, name: str, kind: str) -> None:
    event = sample(f"stripe_webhook/{name}")
    aws.clock.now = delivered_at(event)
    assert outcome(invoke(handler, event)) == (200, f"queued a fetch of {kind}")
    assert aws.calls == {"SendMessage": 1}
    assert [(message["source"], message["kind"]) for message in aws.messages("sync")] == [("stripe", kind)]


@pytest.mark.parametrize("operation", ["Query", "TransactWriteItems", "GetSecretValue"])
def test_when_aws_does_not_answer_stripe_is_asked_to_repeat_it(aws: Aws, handler: Handler, operation: str) -> None:
    aws.fails(operation)
    assert invoke(handler, sample("stripe_webhook/invoice_finalized"))["statusCode"] == 503
    assert aws.case(CUSTOMER).invoices == {}
    assert invoke(handler, sample("stripe_webhook/invoice_finalized"))["statusCode"] == 200
    assert aws.case(CUSTOMER).profile.due_at == FIRST


def test_what_the_table_will_never_take_is_not_said_to_be_worth_a_repetition(aws: Aws, handler: Handler) -> None:
    aws.fails("TransactWriteItems", "ValidationException", 400)
    assert invoke(handler, sample("stripe_webhook/invoice_finalized"))["statusCode"] == 422
    assert aws.case(CUSTOMER).invoices == {}


def test_a_message_that_could_not_be_sent_is_sent_when_stripe_repeats_the_webhook(aws: Aws, handler: Handler) -> None:
    aws.clock.now = FIRST - minutes(1)
    aws.fails("SendMessage", times=1)
    event = webhook("invoice_finalized", aws.clock.now)
    assert invoke(handler, event)["statusCode"] == 503
    aws.forget_calls()
    assert outcome(invoke(handler, event)) == (200, "nothing new")
    assert aws.messages("run") == [{"customer": CUSTOMER, "hops": 0, "delay": 60}]


def test_an_answer_tells_nothing_that_stripe_did_not_say(handler: Handler) -> None:
    answer = invoke(handler, sample("stripe_webhook/forged"))
    assert "whsec" not in str(answer)
    assert answer["headers"] == {"content-type": "application/json"}
