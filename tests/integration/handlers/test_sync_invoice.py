"""sync_invoice on its queue's real events."""

import json

import pytest

from dunning.bootstrap import Handler
from functions.sync_invoice.app import LAST_RECEIVES, build
from tests.contract.providers.played_stripe import PlayedStripe
from tests.integration.handlers.cloud import Aws, batch, failures, invoke, records, sample
from tests.integration.handlers.larkfield import CUSTOMER, FIRST, INVOICE, ISSUED, invoice_object

WANTED = {"source": "stripe", "kind": "invoice", "id": INVOICE, "customer": CUSTOMER, "stamp": None, "detail": None}


@pytest.fixture
def handler(aws: Aws) -> Handler:
    aws.clock.now = ISSUED
    return build(aws.platform)


def test_the_changed_invoice_is_fetched_and_recorded(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.has("invoices", invoice_object())
    assert failures(invoke(handler, sample("sync_invoice/invoice_changed"))) == []
    assert aws.case(CUSTOMER).profile.due_at == FIRST
    assert aws.calls == {"Query": 1, "TransactWriteItems": 1}


def test_a_bad_message_is_handled_for_itself(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.has("invoices", invoice_object())
    stripe.has_customer("wZv81BRahnFCm6", name="Weaver & Daughters Ltd", email="accounts@weaver.example")
    event = sample("sync_invoice/batch_with_a_bad_message")
    assert failures(invoke(handler, event)) == [records(event)[1]["messageId"]]
    assert aws.case(CUSTOMER).profile.due_at == FIRST


@pytest.mark.parametrize("poison", ["", "[]", "{}", '{"source": "paper", "kind": "invoice", "id": "1"}', '{"source": "stripe"}'])
def test_no_shape_of_poison_stops_its_neighbours(aws: Aws, handler: Handler, stripe: PlayedStripe, poison: str) -> None:
    stripe.has("invoices", invoice_object())
    assert failures(invoke(handler, batch(poison, WANTED))) == ["m0"]
    assert aws.case(CUSTOMER).profile.due_at == FIRST


def test_what_stripe_does_not_answer_comes_again(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.answers(503)
    assert failures(invoke(handler, batch(WANTED, WANTED))) == ["m0", "m1"]
    assert aws.case(CUSTOMER).profile.version == 0


def test_the_same_message_twice_writes_once(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.has("invoices", invoice_object())
    invoke(handler, batch(WANTED, WANTED))
    assert aws.calls["TransactWriteItems"] == 1


def test_an_invoice_stripe_no_longer_has_is_found_through_its_reference(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.has("invoices", invoice_object())
    invoke(handler, batch(WANTED))
    stripe._objects.clear()
    invoke(handler, batch(WANTED | {"customer": None}))
    assert aws.case(CUSTOMER).profile.due_at is None
    assert [activity.type.value for activity in aws.log(CUSTOMER)] == ["enrolled", "closed"]


def test_what_stripe_does_not_answer_for_long_is_put_off_and_not_given_up(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.answers(503)
    assert failures(invoke(handler, batch(WANTED, receives=LAST_RECEIVES - 1))) == ["m0"]
    assert failures(invoke(handler, batch(WANTED, receives=LAST_RECEIVES))) == []
    (again,) = aws.sent("SendMessage")
    assert again["DelaySeconds"] == 900
    assert json.loads(again["MessageBody"]) == WANTED | {"tries": 1}
