"""daily_sweep on its schedule's and its own queue's real events."""

import json

import pytest

from dunning.bootstrap import Handler
from dunning.domain.invoice import Status
from functions.daily_sweep.app import LAST_RECEIVES, build
from functions.sync_invoice.app import build as build_sync
from tests.contract.providers.played_stripe import PlayedStripe
from tests.integration.handlers.cloud import SHARDS, Aws, Json, batch, failures, invoke, records, sample
from tests.integration.handlers.larkfield import CUSTOMER, FIRST, INVOICE, ISSUED, invoice_object

NOT_CONNECTED = 2
"""QuickBooks and Xero, of which no company is connected: a message each."""

OF_FILES = SHARDS
"""Invoices from files are held in our own table: a page of its index each."""


@pytest.fixture
def handler(aws: Aws) -> Handler:
    aws.clock.now = ISSUED
    return build(aws.platform)


def waiting(aws: Aws) -> list[Json]:
    """The sweep's messages since last asked."""
    found = aws.messages("sweep")
    aws.forget_calls()
    return found


def sweep(aws: Aws, handler: Handler) -> int:
    """A whole sweep, message by message; answers how many invocations it took."""
    invoke(handler, sample("daily_sweep/daily"))
    stages, invocations = waiting(aws), 0
    while stages:
        invocations += len(stages)
        for stage in stages:
            assert failures(invoke(handler, batch(stage))) == []
        for request in aws.messages("sync"):
            invoke(build_sync(aws.platform), batch(request))
        stages = waiting(aws)
    return invocations


def test_the_schedule_begins_a_sweep_of_every_source(aws: Aws, handler: Handler) -> None:
    assert invoke(handler, sample("daily_sweep/daily")) == {"sources": 4}
    begun = [(stage["source"], stage["stage"], stage["run"], stage["cursor"]) for stage in waiting(aws)]
    assert begun == [
        ("stripe", "listing", "stripe:2026-03-23T04:00", None),
        ("manual", "listing", "manual:2026-03-23T04:00", None),
        ("quickbooks", "accounts", "quickbooks:2026-03-23T04:00", None),
        ("xero", "accounts", "xero:2026-03-23T04:00", None),
    ]


def test_an_invoice_no_webhook_told_of_is_enrolled(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.has("invoices", invoice_object())
    assert sweep(aws, handler) == NOT_CONNECTED + 1 + OF_FILES + SHARDS
    assert aws.case(CUSTOMER).profile.due_at == FIRST


def test_a_book_of_more_than_one_page_is_swept_page_by_page(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    for number in range(120):
        customer = f"cus_{number}" if number in (0, 119) else None
        stripe.has("invoices", invoice_object(id=f"in_{number:03}", customer=customer))
    assert sweep(aws, handler) == NOT_CONNECTED + 2 + OF_FILES + SHARDS
    assert [aws.case(f"stripe:cus_{number}").profile.due_at for number in (0, 119)] == [FIRST, FIRST]


def test_a_payment_that_was_missed_is_found(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.has("invoices", invoice_object())
    sweep(aws, handler)
    stripe.has("invoices", invoice_object(status="paid", amount_remaining=0))
    sweep(aws, handler)
    assert aws.case(CUSTOMER).invoices[INVOICE].status is Status.PAID


def test_the_sample_message_goes_on_behind_its_cursor(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    assert failures(invoke(handler, sample("daily_sweep/next_page"))) == []
    assert stripe.asked == [f"/v1/invoices?status=open&expand%5B0%5D=data.customer&limit=100&starting_after={INVOICE}"]
    (following,) = waiting(aws)
    assert (following["stage"], following["page"]) == ("vanished", 0)


@pytest.mark.parametrize("poison", ["", "{}", json.dumps({"source": "paper", "run": "r", "stage": "listing", "started_at": "2026-03-23"})])
def test_a_bad_message_is_put_aside_with_its_reason_and_its_neighbour_goes_on(aws: Aws, handler: Handler, poison: str) -> None:
    good = str(records(sample("daily_sweep/next_page"))[0]["body"])
    assert failures(invoke(handler, batch(poison, good))) == []
    ((body, reason),) = aws.letters("sweep-dead")
    assert body == poison
    assert any(told in reason for told in ("not JSON", "has no source", "no time zone", "'paper'"))
    assert len(waiting(aws)) == 1


def test_a_page_that_fails_as_nobody_foresaw_comes_again_and_at_last_is_put_aside_with_its_kind_and_place(
    aws: Aws, handler: Handler
) -> None:
    page = json.loads(str(records(sample("daily_sweep/next_page"))[0]["body"])) | {"stage": "vanished", "cursor": None}
    for receives, again in ((LAST_RECEIVES - 1, ["m0"]), (LAST_RECEIVES, [])):
        aws.answers("Query", {"Items": [{"pk": {"S": "of nobody"}}]})
        assert aws.letters("sweep-dead") == []
        assert failures(invoke(handler, batch(page, receives=receives))) == again
    ((_, reason),) = aws.letters("sweep-dead")
    assert reason.startswith("unforeseen KeyError at ")


def test_a_page_that_fails_otherwise_comes_again_and_at_last_is_put_aside_with_its_reason(aws: Aws, handler: Handler) -> None:
    page = json.loads(str(records(sample("daily_sweep/next_page"))[0]["body"])) | {"stage": "vanished", "cursor": None}
    for receives, again in ((LAST_RECEIVES - 1, ["m0"]), (LAST_RECEIVES, [])):
        assert aws.letters("sweep-dead") == []
        aws.fails("Query", "ConditionalCheckFailedException", 400)
        assert failures(invoke(handler, batch(page, receives=receives))) == again
    assert [reason for _, reason in aws.letters("sweep-dead")] == ["the condition of a write did not hold"]


def test_what_cannot_be_put_aside_comes_again(aws: Aws, handler: Handler) -> None:
    aws.fails("SendMessage", times=20)
    assert failures(invoke(handler, batch("not json"))) == ["m0"]


def test_what_stripe_refuses_for_good_is_put_aside_with_its_reason(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.answers(400, {"message": "no such parameter"})
    assert failures(invoke(handler, sample("daily_sweep/next_page"))) == []
    ((_, reason),) = aws.letters("sweep-dead")
    assert "400" in reason
    assert waiting(aws) == []


def test_while_stripe_is_down_the_page_comes_again(aws: Aws, handler: Handler, stripe: PlayedStripe) -> None:
    stripe.answers(500)
    assert failures(invoke(handler, sample("daily_sweep/next_page"))) == []
    (again,) = waiting(aws)
    assert (again["stage"], again["cursor"], again["delay"]) == ("listing", INVOICE, 300)
