import json
from datetime import timedelta

from dunning.providers.stripe_events import read_event
from dunning.providers.stripe_signature import verify
from dunning.workflow.source_events import Ignored
from infra.samples import sample_webhooks
from infra.samples.book import BOOK, What
from infra.samples.story import Delivery, Silence, tell
from tests.unit.demo.invented import START

STORY = tell(START)
DELIVERIES = [moment for moment in STORY.moments if isinstance(moment, Delivery)]


def test_twenty_invoices_in_five_currencies_with_and_without_a_phone() -> None:
    assert len(BOOK) == 20
    assert {sample.currency for sample in BOOK} == {"USD", "EUR", "GBP", "JPY", "KWD"}
    assert {sample.customer.phone is None for sample in BOOK} == {True, False}


def test_every_fate_of_an_invoice_is_among_them() -> None:
    assert {turn.what for sample in BOOK for turn in sample.turns} == set(What) - {What.ISSUED}
    assert any(not sample.turns and sample.due is not None for sample in BOOK)
    assert any(sample.due is None and not sample.charged_automatically for sample in BOOK)
    assert any(sample.charged_automatically for sample in BOOK)


def test_every_delivery_is_signed_for_its_own_instant() -> None:
    for delivery in DELIVERIES:
        webhook = delivery.signed()
        verify(webhook.body, webhook.headers["Stripe-Signature"], ["whsec_local"], delivery.at, tolerance=timedelta(seconds=1))


def test_every_event_but_a_draft_means_something_to_us() -> None:
    ignored = {delivery.event["type"] for delivery in DELIVERIES if isinstance(read_event(delivery.signed().body), Ignored)}
    assert ignored == {"invoice.created"}


def test_an_event_that_comes_again_is_the_same_and_all_others_have_ids_of_their_own() -> None:
    seen: dict[object, object] = {}
    for delivery in DELIVERIES:
        assert seen.setdefault(delivery.event["id"], delivery.event) == delivery.event
    repeats = len(DELIVERIES) - len(seen)
    assert repeats == sum(len(turn.repeats) for sample in BOOK for turn in sample.turns) > 0


def test_one_event_comes_after_a_newer_one_about_the_same_invoice() -> None:
    stamps: dict[str, int] = {}
    late = []
    for delivery in DELIVERIES:
        event = json.loads(delivery.signed().body)
        invoice = event["data"]["object"]["id"]
        late += [event["type"]] if event["created"] < stamps.get(invoice, 0) and event["type"] == "invoice.updated" else []
        stamps[invoice] = max(stamps.get(invoice, 0), event["created"])
    assert late == ["invoice.updated"]


def test_a_payment_without_webhook_is_known_to_the_provider_alone() -> None:
    (silence,) = [moment for moment in STORY.moments if isinstance(moment, Silence)]
    assert silence.obj["status"] == "paid"
    told = [json.loads(delivery.signed().body)["data"]["object"] for delivery in DELIVERIES]
    assert {each["status"] for each in told if each["id"] == silence.invoice} == {"draft", "open"}


def test_a_dispute_names_a_payment_that_the_invoice_has_shown() -> None:
    shown: set[str] = set()
    disputed = []
    for delivery in DELIVERIES:
        obj = json.loads(delivery.signed().body)["data"]["object"]
        if obj["object"] == "invoice":
            shown |= {row["payment"]["payment_intent"] for row in obj["payments"]["data"]}
        elif obj["object"] == "dispute":
            assert obj["payment_intent"] in shown
            disputed.append(obj["status"])
    assert disputed == ["needs_response", "won"]


def test_amounts_of_every_snapshot_agree_with_each_other() -> None:
    for delivery in DELIVERIES:
        obj = json.loads(delivery.signed().body)["data"]["object"]
        if obj["object"] == "invoice":
            assert obj["amount_paid"] + obj["amount_remaining"] == obj["amount_due"] == obj["total"]
            assert (obj["status"] == "paid") == (obj["amount_remaining"] == 0)


def test_the_story_is_in_the_order_of_time_and_always_the_same() -> None:
    assert [moment.at for moment in STORY.moments] == sorted(moment.at for moment in STORY.moments)
    assert tell(START) == STORY


def test_the_handful_for_a_look_by_hand_verifies_at_the_start_and_holds_overdue_and_open_invoices() -> None:
    webhooks = sample_webhooks(START)
    for webhook in webhooks:
        verify(webhook.body, webhook.headers["Stripe-Signature"], ["whsec_local"], START, tolerance=timedelta(0))
    due = [json.loads(webhook.body)["data"]["object"]["due_date"] for webhook in webhooks]
    assert min(due) < START.timestamp() < max(due)
    assert 4 <= len(webhooks) <= 8
