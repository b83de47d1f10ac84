"""accounting_webhook on real events of its routes: the exact answers, and two calls to AWS at most."""

import hmac
import json
from base64 import b64encode

import pytest

from dunning.bootstrap import Handler
from functions.accounting_webhook.app import build
from tests.integration.handlers.cloud import Aws, Json, invoke, sample

TENANT = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
def handler(aws: Aws) -> Handler:
    for name in ("quickbooks", "xero"):
        content = json.dumps({"client_id": "c", "client_secret": "s", "webhook_keys": [f"local-{name}"]})
        aws.session.client("secretsmanager").create_secret(Name=name, SecretString=content)
    aws.forget_calls()
    return build(aws.platform)


def queued(aws: Aws) -> list[Json]:
    return [message["requests"] for message in aws.messages("sync") if isinstance(message["requests"], dict)]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "quickbooks_two_companies",
            {
                "1111111111": {"invoice": ["145"], "customer": ["5", "6"]},
                # The credit memo was voided: what it had been applied to must be found otherwise.
                "2222222222": {"payment": ["901"], "changes": ["2026-03-02T07:50:00+00:00"], "credit_note": ["77"]},
            },
        ),
        ("quickbooks_cloud_events_base64", {"1111111111": {"invoice": ["145"]}, "2222222222": {"payment": ["901"]}}),
        (
            "xero_invoice_contact_and_credit_note",
            {
                TENANT: {
                    "invoice": ["0f1d3a52-6c0e-4d5c-9a3f-2c7c5f1b8e01"],
                    "customer": ["7b9e2c44-1f0a-4f6e-8d21-90a3b5c6d702"],
                    "credit_note": ["c2a4e6f8-3b5d-4f7a-9c1e-a0b2c4d6e803"],
                }
            },
        ),
    ],
)
def test_what_changed_is_queued_in_one_message_and_acknowledged_without_a_body(aws: Aws, handler: Handler, name: str, wanted: Json) -> None:
    assert invoke(handler, sample(f"accounting_webhook/{name}")) == {"statusCode": 200}
    assert queued(aws) == [wanted]
    assert [operation for operation, _ in aws.requests] == ["GetSecretValue", "SendMessage"]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("xero_intent_to_receive", 200),
        ("xero_intent_to_receive_forged", 401),
        ("quickbooks_forged", 401),
        ("quickbooks_not_json", 400),
    ],
)
def test_what_asks_for_nothing_or_is_not_the_provider_s_queues_nothing(aws: Aws, handler: Handler, name: str, status: int) -> None:
    assert invoke(handler, sample(f"accounting_webhook/{name}")) == {"statusCode": status}
    assert queued(aws) == []


@pytest.mark.parametrize("source", ["quickbooks", "xero"])
def test_what_is_said_to_be_base64_and_is_not_cannot_be_verified_and_so_is_forged(aws: Aws, handler: Handler, source: str) -> None:
    event = sample(f"accounting_webhook/{source}_{'intent_to_receive_' if source == 'xero' else ''}forged")
    assert invoke(handler, event | {"body": "%%% no base64", "isBase64Encoded": True}) == {"statusCode": 401}
    assert queued(aws) == []


@pytest.mark.parametrize("body", ["", "null", '{"events": 3}', "[" * 5_000, '{"events": [{"resourceId": 1}]'])
def test_a_signed_body_that_is_no_webhook_is_taken_from_xero_lest_it_switches_us_off(aws: Aws, handler: Handler, body: str) -> None:
    signature = b64encode(hmac.digest(b"local-xero", body.encode(), "sha256")).decode()
    event = sample("accounting_webhook/xero_invoice_contact_and_credit_note")
    event |= {"body": body, "isBase64Encoded": False, "headers": {"x-xero-signature": signature}}
    assert invoke(handler, event) == {"statusCode": 200}
    assert queued(aws) == []


def test_while_the_queue_is_down_the_provider_is_asked_to_come_again(aws: Aws, handler: Handler) -> None:
    aws.fails("SendMessage", times=10)
    assert invoke(handler, sample("accounting_webhook/quickbooks_two_companies")) == {"statusCode": 503}


def test_as_many_events_as_lambda_takes_in_one_request_are_one_message(aws: Aws, handler: Handler) -> None:
    ids = [f"{n:08x}-6c0e-4d5c-9a3f-2c7c5f1b8e01" for n in range(25_000)]
    events = [{"resourceId": each, "eventType": "UPDATE", "eventCategory": "INVOICE", "tenantId": TENANT} for each in ids]
    body = json.dumps({"events": events, "firstEventSequence": 1, "lastEventSequence": len(ids), "entropy": "S0m3"}, separators=(",", ":"))
    signature = b64encode(hmac.digest(b"local-xero", body.encode(), "sha256")).decode()
    event = sample("accounting_webhook/xero_invoice_contact_and_credit_note")
    event |= {"body": body, "isBase64Encoded": False, "headers": {"x-xero-signature": signature}}
    assert invoke(handler, event) == {"statusCode": 200}
    assert queued(aws) == [{TENANT: {"invoice": ids}}]
    assert [operation for operation, _ in aws.requests if operation != "ReceiveMessage"] == ["GetSecretValue", "SendMessage"]
