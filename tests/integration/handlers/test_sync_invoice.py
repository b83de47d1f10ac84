"""sync_invoice on its queue's real events."""

import json
from datetime import timedelta

import pytest

from dunning.bootstrap import Handler, daily_sweep, sync_invoice
from dunning.bootstrap.running import run_step
from dunning.workflow.sync_invoice import MOST_TRIES, QUARTER_OF_AN_HOUR
from dunning.workflow.sync_many import MOST_HOPS
from functions.sync_invoice.app import LAST_RECEIVES, build
from tests.contract.providers.played_stripe import PlayedStripe
from tests.integration.handlers.cloud import Aws, LambdaContext, batch, failures, invoke, records, sample
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


def test_a_bad_message_is_put_aside_at_once_and_its_neighbours_are_worked_off(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.has("invoices", invoice_object())
    stripe.has_customer("wZv81BRahnFCm6", name="Weaver & Daughters Ltd", email="accounts@weaver.example")
    event = sample("sync_invoice/batch_with_a_bad_message")
    assert failures(invoke(handler, event)) == []
    assert aws.letters("sync-dead") == [(records(event)[1]["body"], "queue message has no kind")]
    assert aws.case(CUSTOMER).profile.due_at == FIRST


@pytest.mark.parametrize("poison", ["", "[]", "{}", '{"source": "paper", "kind": "invoice", "id": "1"}', '{"source": "stripe"}'])
def test_no_shape_of_poison_stops_its_neighbours(aws: Aws, handler: Handler, stripe: PlayedStripe, poison: str) -> None:
    stripe.has("invoices", invoice_object())
    assert failures(invoke(handler, batch(poison, WANTED))) == []
    ((body, reason),) = aws.letters("sync-dead")
    assert body == poison
    assert any(told in reason for told in ("not JSON", "not a JSON object", "has no", "'paper'"))
    assert aws.case(CUSTOMER).profile.due_at == FIRST


def test_what_nobody_foresaw_comes_again_alone_and_at_last_is_put_aside_with_its_kind_and_place(
    aws: Aws, handler: Handler, stripe: PlayedStripe
) -> None:
    stripe.has("invoices", invoice_object())
    aws.answers("Query", {"Items": [{"PK": {"S": "of nobody"}}]})
    assert failures(invoke(handler, batch(WANTED, receives=LAST_RECEIVES - 1))) == ["m0"]
    assert aws.letters("sync-dead") == []
    assert failures(invoke(handler, batch(WANTED, receives=LAST_RECEIVES))) == []
    ((_, reason),) = aws.letters("sync-dead")
    assert reason.startswith("unforeseen KeyError at ")


class NearlyOver(LambdaContext):
    def get_remaining_time_in_millis(self) -> int:
        return 15_000


def test_what_another_source_left_no_time_for_is_handed_on_at_once_and_counts_no_failure(
    aws: Aws, handler: Handler, stripe: PlayedStripe
) -> None:
    stripe.has("invoices", invoice_object())
    answer = handler(batch(WANTED), NearlyOver())
    assert answer == {"batchItemFailures": []}
    assert (aws.messages("sync"), aws.letters("sync-dead")) == ([{**WANTED, "delay": 0}], [])
    assert failures(invoke(handler, batch(WANTED))) == []
    assert aws.case(CUSTOMER).profile.due_at == FIRST


def test_what_cannot_be_put_aside_comes_again(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.has("invoices", invoice_object())
    aws.fails("SendMessage", times=20)
    assert failures(invoke(handler, batch("not json", WANTED))) == ["m0"]
    assert aws.case(CUSTOMER).profile.due_at == FIRST


def test_what_stripe_refuses_for_good_is_put_aside_with_its_reason(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.answers(400, {"message": "no such parameter"})
    assert failures(invoke(handler, batch(WANTED))) == []
    ((body, reason),) = aws.letters("sync-dead")
    assert json.loads(body) == WANTED
    assert "400" in reason


def test_of_many_things_in_one_message_the_one_that_never_succeeds_is_put_aside_alone(
    aws: Aws, handler: Handler, stripe: PlayedStripe
) -> None:
    stripe.has("invoices", invoice_object())
    many = {"source": "stripe", "stamp": None, "hops": 0, "requests": {"": {"invoice": [INVOICE], "nonsense": ["x"]}}}
    assert failures(invoke(handler, batch(many))) == []
    (alone,) = aws.messages("sync")
    assert aws.letters("sync-dead") == []
    assert failures(invoke(handler, batch(alone))) == []
    ((body, _),) = aws.letters("sync-dead")
    assert json.loads(body)["id"] == "x"
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


def test_what_was_put_off_for_three_days_is_put_aside_with_its_reason_to_be_tried_for_three_days_again(
    aws: Aws, handler: Handler, stripe: PlayedStripe
) -> None:
    stripe.answers(503)
    assert failures(invoke(handler, batch(WANTED | {"tries": MOST_TRIES - 1}, WANTED | {"tries": MOST_TRIES}))) == []
    ((body, reason),) = aws.letters("sync-dead")
    assert json.loads(body) == WANTED
    assert "503" in reason
    assert [message["tries"] for message in aws.messages("sync")] == [MOST_TRIES]


def test_its_tries_last_three_days_and_the_half_hour_before_the_first() -> None:
    hidden, quarter = timedelta(seconds=360), timedelta(seconds=QUARTER_OF_AN_HOUR)
    assert timedelta(days=3) <= (LAST_RECEIVES - 1) * hidden + MOST_TRIES * quarter <= timedelta(days=3, minutes=30)


def test_many_things_that_failed_for_three_days_are_put_aside_together_with_their_reason(
    aws: Aws, handler: Handler, stripe: PlayedStripe
) -> None:
    stripe.answers(503)
    many = {"source": "stripe", "stamp": None, "hops": MOST_HOPS, "requests": {"": {"invoice": [INVOICE, "in_2"]}}}
    assert failures(invoke(handler, batch(many))) == []
    ((body, reason),) = aws.letters("sync-dead")
    assert json.loads(body) | {"requests": None} == many | {"hops": 0, "requests": None}
    assert sorted(json.loads(body)["requests"][""]["invoice"]) == sorted([INVOICE, "in_2"])
    assert "503" in reason


def test_every_source_that_is_swept_and_asked_before_a_reminder_is_fetched_from_when_its_news_come(aws: Aws) -> None:
    synced, swept = sync_invoice(aws.platform).one, daily_sweep(aws.platform).sweep
    assert set(synced.sources) == set(swept.sources) == set(run_step(aws.platform).run.check.sources)
    assert set(synced.changes) == {"quickbooks"}
