"""Whom a company does not chase, and what a person must approve, seen from outside."""

from datetime import datetime

from infra.cli import main
from tests.integration.end_to_end.driver import ANY_HOUR, LocalCloudOutside, invoice

CUSTOMER = "stripe:cus_1"
APPROVALS = ANY_HOUR.replace("    email: friendly\n", '    email: friendly\n    approve_above: {USD: "100.00"}\n')


def operate(cloud: LocalCloudOutside, *arguments: str) -> int:
    return main([*arguments, "--url", f"http://127.0.0.1:{cloud.port}"])


def test_a_customer_marked_at_stripe_gets_nothing_until_the_mark_is_taken_back(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(ANY_HOUR)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    customer = {"id": "cus_1", "object": "customer", "email": "pat1@example.com", "name": "Pat Doe", "phone": "+15550100"}
    cloud.tell("customer.updated", {**customer, "metadata": {"dunning": "do_not_chase"}})
    cloud.move_to("2026-03-10T00:00:00Z")
    assert cloud.outbox(channel="email") == []
    (told,) = cloud.outbox(channel="team")
    assert "N-1" in told["text"]
    assert cloud.case(CUSTOMER)["profile"]["holds"] == ["do_not_chase"]
    cloud.tell("customer.updated", {**customer, "metadata": {}})
    cloud.advance("12h")
    assert [mail["step"] for mail in cloud.outbox(channel="email")] == ["first"]


def test_a_person_marks_a_customer_and_lifts_the_mark_by_command(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(ANY_HOUR)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    assert operate(cloud, "customer", CUSTOMER, "do-not-chase", "on") == 0
    cloud.move_to("2026-03-11T00:00:00Z")
    assert cloud.outbox(channel="email") == []
    assert operate(cloud, "customer", CUSTOMER, "do-not-chase", "off") == 0
    cloud.advance("12h")
    assert [mail["step"] for mail in cloud.outbox(channel="email")] == ["first"]
    assert operate(cloud, "customer", "stripe:cus_9", "do-not-chase", "on") == 2


def test_a_step_over_the_amount_waits_for_approve_and_then_runs(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(APPROVALS)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    cloud.move_to("2026-03-12T12:00:00Z")
    assert cloud.outbox(channel="email") == []
    (asked,) = cloud.outbox(channel="team")
    assert "dunning approve stripe:cus_1 in_1" in asked["text"]
    assert cloud.case(CUSTOMER)["invoices"][0]["holds"] == ["approval"]
    assert operate(cloud, "approve", CUSTOMER, "N-1") == 0
    (mail,) = cloud.outbox(channel="email")
    assert (mail["step"], datetime.fromisoformat(mail["sent_at"]).day) == ("first", 12)
    assert operate(cloud, "approve", CUSTOMER, "N-1") == 1


def test_declined_the_step_is_skipped_and_the_plan_goes_on(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(APPROVALS)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    cloud.move_to("2026-03-12T12:00:00Z")
    assert operate(cloud, "decline", CUSTOMER, "in_1", "--reason", "they pay on Friday") == 0
    cloud.advance("3d")
    assert [mail["step"] for mail in cloud.outbox(channel="email")] == ["second"]
    skipped = [row["reason"] for row in cloud.case(CUSTOMER)["activities"] if row["type"] == "skipped"]
    assert skipped == ["declined by a person: they pay on Friday"]
