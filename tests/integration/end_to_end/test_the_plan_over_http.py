"""The founding brief's plan, seen from outside: signed webhooks, the clock, the outbox."""

from datetime import datetime, timedelta

import pytest

from tests.integration.end_to_end.driver import ANY_HOUR, Json, LocalCloudOutside, invoice, paid


def _instants(rows: list[Json]) -> list[datetime]:
    return [datetime.fromisoformat(row["sent_at"]) for row in rows]


def _near(found: datetime, wanted: str) -> bool:
    return abs(found - datetime.fromisoformat(wanted)) <= timedelta(seconds=60)


def test_the_shipped_plan_reminds_after_seven_days_again_48_hours_later_and_hands_over_after_72_more(cloud: LocalCloudOutside) -> None:
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-04"))
    cloud.advance("15d")
    rows = cloud.outbox()
    assert [(row["channel"], row["kind"], row["step"]) for row in rows] == [
        ("email", "reminder", "first"),
        ("email", "reminder", "second"),
        ("sms", "reminder", "second"),
        ("team", "escalation", "escalate"),
    ]
    wanted = ["2026-03-11T09:00:00Z", "2026-03-13T09:00:00Z", "2026-03-13T09:00:00Z", "2026-03-16T09:00:00Z"]
    assert all(_near(found, at) for found, at in zip(_instants(rows), wanted, strict=True)), _instants(rows)
    assert "late fee" in rows[1]["text"].lower()
    assert rows[3]["to"] == ["collections"]
    assert [activity["type"] for activity in cloud.case("stripe:cus_1")["activities"]] == ["enrolled", "sent", "sent", "escalated"]


def test_a_plan_of_minutes_keeps_its_instants_too(cloud: LocalCloudOutside) -> None:
    plan = ANY_HOUR.replace("48h", "5m").replace("72h", "16m").replace("7d", "1d")
    assert cloud.put_policy(plan)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    cloud.advance("2d")
    found = _instants(cloud.outbox())
    wanted = ["2026-03-03T09:00:00Z", "2026-03-03T09:05:00Z", "2026-03-03T09:05:00Z", "2026-03-03T09:21:00Z"]
    assert all(_near(one, at) for one, at in zip(found, wanted, strict=True)), found


def test_an_invoice_that_is_due_within_minutes_is_told_to_the_queue_at_once(cloud: LocalCloudOutside) -> None:
    cloud.move_to("2026-03-11T08:51:30Z")
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-04"))
    cloud.move_to("2026-03-11T09:00:30Z")
    assert all(_near(found, "2026-03-11T09:00:00Z") for found in _instants(cloud.outbox()))
    assert len(cloud.outbox()) == 1
    calls = cloud.calls("stripe_webhook")
    assert calls == {**calls, "dynamodb.Query": 1, "dynamodb.TransactWriteItems": 1, "sqs.SendMessage": 1}
    assert sum(count for name, count in calls.items() if not name.startswith("secretsmanager")) == 3


@pytest.mark.parametrize("when", ["2026-03-06T00:00:00Z", "2026-03-12T00:00:00Z", "2026-03-14T00:00:00Z"])
def test_a_payment_stops_the_plan(cloud: LocalCloudOutside, when: str) -> None:
    owed = invoice("1", due="2026-03-04")
    cloud.tell("invoice.finalized", owed)
    cloud.move_to(when)
    before = len(cloud.outbox())
    cloud.tell("invoice.paid", paid(owed))
    cloud.advance("8d")
    assert len(cloud.outbox()) == before
    assert cloud.case("stripe:cus_1")["invoices"][0]["status"] == "paid"


def test_a_payment_whose_webhook_never_came_is_caught_by_the_last_check(cloud: LocalCloudOutside) -> None:
    owed = invoice("1", due="2026-03-04")
    cloud.tell("invoice.finalized", owed)
    cloud.move_to("2026-03-11T08:59:00Z")
    cloud.stripe_says(paid(owed))
    cloud.advance("15d")
    assert cloud.outbox() == []
    assert [activity["type"] for activity in cloud.case("stripe:cus_1")["activities"]] == ["enrolled", "paid", "suppressed"]


def test_repeated_late_and_reordered_webhooks_change_nothing(cloud: LocalCloudOutside) -> None:
    owed = invoice("1", due="2026-03-04")
    start = cloud.now
    finalised = cloud.event("invoice.finalized", owed)
    assert cloud.deliver(finalised) == 200
    cloud.advance("10m")
    partly = {**owed, "amount_paid": 2000, "amount_remaining": 10000}
    newest = cloud.event("invoice.updated", partly)
    assert cloud.deliver(newest) == 200
    before = cloud.case("stripe:cus_1")
    late = cloud.event("invoice.updated", {**owed, "amount_remaining": 11000}, created=start + timedelta(minutes=2))
    for body in (finalised, newest, late, finalised):
        assert cloud.deliver(body) == 200
    cloud.advance("1h")
    assert cloud.case("stripe:cus_1") == before
    cloud.advance("9d")
    assert [row["step"] for row in cloud.outbox()] == ["first"]
    assert "$100.00" in cloud.outbox()[0]["text"]


def test_a_payment_that_overtakes_its_invoice_is_not_forgotten(cloud: LocalCloudOutside) -> None:
    owed = invoice("1", due="2026-03-04")
    start = cloud.now
    cloud.advance("1h")
    cloud.tell("invoice.paid", paid(owed))
    cloud.tell("invoice.finalized", owed, created=start)
    cloud.advance("15d")
    assert cloud.outbox() == []


def test_two_words_within_a_minute_are_settled_by_asking_stripe(cloud: LocalCloudOutside) -> None:
    owed = invoice("1", due="2026-03-04")
    cloud.tell("invoice.finalized", owed)
    cloud.advance("10s")
    cloud.tell("invoice.updated", {**owed, "amount_remaining": 5000, "amount_paid": 7000})
    assert cloud.calls("sync_invoice")["dynamodb.TransactWriteItems"] == 1
    assert cloud.case("stripe:cus_1")["invoices"][0]["amount_due"] == 5000


def test_forged_stale_and_missing_signatures_are_refused_and_change_nothing(cloud: LocalCloudOutside) -> None:
    body = cloud.event("invoice.finalized", invoice("1", due="2026-03-04"))
    assert cloud.deliver(body, secret="whsec_other") == 400
    assert cloud.deliver(body, at=cloud.now - timedelta(seconds=301)) == 400
    assert cloud.deliver(body, at=cloud.now + timedelta(seconds=301)) == 400
    assert cloud.ask("POST", "/webhooks/stripe", body)[0] == 400
    assert cloud.deliver("[]") == 400
    assert cloud.deliver("no json") == 400
    assert cloud.deliver(cloud.event("balance.available", {"object": "balance"})) == 200
    assert cloud.ask("GET", "/_local/cases/stripe:cus_1")[0] == 404


def test_a_void_or_uncollectible_invoice_is_left_alone(cloud: LocalCloudOutside) -> None:
    for number, status in (("1", "void"), ("2", "uncollectible")):
        owed = invoice(number, due="2026-03-04")
        cloud.tell("invoice.finalized", owed)
        cloud.advance("2m")
        cloud.tell("invoice.voided" if status == "void" else "invoice.marked_uncollectible", {**owed, "status": status})
        assert cloud.case(f"stripe:cus_{number}")["invoices"][0]["status"] == status
    cloud.advance("15d")
    assert cloud.outbox() == []


def test_a_dispute_holds_the_case_until_it_is_closed(cloud: LocalCloudOutside) -> None:
    payment = {"type": "payment_intent", "payment_intent": "pi_1"}
    owed = invoice("1", due="2026-03-04", payments={"object": "list", "data": [{"id": "inpay_1", "payment": payment}]})
    dispute = {"id": "dp_1", "object": "dispute", "charge": "ch_1", "payment_intent": "pi_1", "status": "needs_response", "amount": 1}
    cloud.tell("invoice.finalized", owed)
    cloud.move_to("2026-03-10T08:00:00Z")
    cloud.tell("charge.dispute.created", dispute)
    assert cloud.case("stripe:cus_1")["invoices"][0]["holds"] == ["dispute"]
    cloud.move_to("2026-03-20T10:00:00Z")
    assert cloud.outbox() == []
    cloud.tell("charge.dispute.closed", {**dispute, "status": "won"})
    assert cloud.case("stripe:cus_1")["invoices"][0]["holds"] == []
    cloud.advance("1d")
    assert [row["step"] for row in cloud.outbox()] == ["first"]


def test_charge_automatically_and_undated_invoices_are_recorded_and_not_reminded(cloud: LocalCloudOutside) -> None:
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-04", collection_method="charge_automatically"))
    cloud.tell("invoice.finalized", invoice("2", due="2026-03-04", due_date=None))
    cloud.advance("15d")
    assert cloud.outbox() == []
    assert [row["type"] for row in cloud.case("stripe:cus_1")["activities"]] == ["enrolled", "suppressed"]
    assert cloud.case("stripe:cus_2")["activities"][1]["reason"] == "no_due_date"


def test_the_daily_sweep_enrols_what_no_webhook_told_and_closes_what_vanished(cloud: LocalCloudOutside) -> None:
    unknown, lost = invoice("1", due="2026-03-04"), invoice("2", due="2026-03-04")
    cloud.stripe_says(unknown)
    cloud.tell("invoice.finalized", lost)
    cloud.advance("1h")
    cloud.stripe_says(paid(lost))
    cloud.advance("1d")
    assert cloud.case("stripe:cus_1")["invoices"][0]["next_step"] == "first"
    assert cloud.case("stripe:cus_2")["invoices"][0]["status"] == "paid"


def test_one_reminder_costs_five_calls_at_most(cloud: LocalCloudOutside) -> None:
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-04"))
    new = cloud.calls("stripe_webhook")
    assert sum(count for name, count in new.items() if not name.startswith("secretsmanager")) == 2
    cloud.move_to("2026-03-11T09:30:00Z")
    assert len(cloud.outbox()) == 1
    run = cloud.calls("run_step")
    assert sum(count for name, count in run.items() if not name.startswith("secretsmanager")) <= 5, run


def test_the_wheel_costs_the_same_for_ten_and_for_a_thousand_open_invoices(cloud: LocalCloudOutside) -> None:
    def turns() -> int:
        before = sum(cloud.calls("dispatch_due").values())
        cloud.advance("2h")
        return sum(cloud.calls("dispatch_due").values()) - before

    for number in range(10):
        cloud.tell("invoice.finalized", invoice(str(number), due="2026-05-01"))
    with_ten = turns()
    for number in range(10, 1000):
        cloud.tell("invoice.finalized", invoice(str(number), due="2026-05-01"))
    assert turns() == with_ten == 12
