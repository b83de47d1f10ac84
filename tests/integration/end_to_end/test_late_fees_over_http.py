"""A late fee over HTTP, as an outsider sees it: one invoice at the provider, to the cent, whatever fails in between."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.end_to_end.driver import Json, LocalCloudOutside, invoice, paid

PLAN = """
name: standard
timezone: UTC
send_window: {email: "00:00-24:00", sms: "00:00-24:00"}
steps:
  - id: first
    at: {after_due: 7d, time: "09:00"}
    email: friendly
    late_fee: {fixed: "2.50", percent: "1.5", basis: contract, mode: MODE}
  - id: second
    at: {after_previous: 48h}
    email: second_notice
    late_fee: {interest_per_day: "0.05", basis: contract, mode: MODE}
  - id: escalate
    at: {after_previous: 72h}
    escalate: {team: collections}
"""
CUSTOMER = "stripe:cus_1"


def overdue(cloud: LocalCloudOutside, mode: str) -> None:
    assert cloud.put_policy(PLAN.replace("MODE", mode)) == (200, {"name": "standard"})
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-04"))


def fees(cloud: LocalCloudOutside) -> list[Json]:
    """The invoices of fees, as the provider holds them."""
    found = []
    for number in range(1, 20):
        status, held = cloud.ask("GET", f"/_local/provider/stripe/invoices/in_local_{number}")
        found += [held] if status == 200 else []
    return found


def told(cloud: LocalCloudOutside) -> list[str]:
    return [f"{row['type']} {row['step'] or ''}".strip() for row in cloud.case(CUSTOMER)["activities"]]


def dunning_fee(cloud: LocalCloudOutside, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("dunning")), "fee", *words, "--url", f"http://127.0.0.1:{cloud.port}"]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_a_fee_is_charged_by_itself_to_the_cent_and_rides_with_its_invoice(cloud: LocalCloudOutside) -> None:
    overdue(cloud, "apply")
    cloud.move_to("2026-03-11T09:00:00Z")
    (fee,) = fees(cloud)
    # USD 2.50, and 1.5 % of USD 120.00: 2.50 + 1.80
    assert (fee["status"], fee["total"], fee["amount_remaining"], fee["currency"], fee["customer"]) == ("open", 430, 430, "usd", "cus_1")
    assert fee["metadata"]["dunning_fee_for"] == "in_1"
    cloud.move_to("2026-03-13T09:00:00Z")
    (second,) = cloud.outbox(step="second")
    assert second["invoices"] == ["in_1", fee["id"]]
    for words in ("$120.00", "$4.30", "$124.30", fee["number"], fee["hosted_invoice_url"]):
        assert words in second["text"]
        assert words in second["html"]
    # 0.05 % a day of USD 120.00 for the 9 days from 5 to 13 March
    assert [each["total"] for each in fees(cloud)] == [430, 54]
    cloud.advance("8d")
    assert [each["total"] for each in fees(cloud)] == [430, 54]
    assert told(cloud) == [
        "enrolled",
        "sent first",
        "fee_applied first",
        "sent second",
        "fee_applied second",
        "escalated escalate",
    ]
    (escalation,) = cloud.outbox(channel="team")
    assert "USD 4.30" in escalation["text"]
    assert len(cloud.outbox()) == 3


def test_a_proposed_fee_waits_for_a_person_and_is_then_charged_once(cloud: LocalCloudOutside) -> None:
    overdue(cloud, "propose")
    cloud.move_to("2026-03-11T09:00:00Z")
    assert fees(cloud) == []
    (notice,) = cloud.outbox(channel="team")
    assert (notice["kind"], notice["customer"]) == ("notice", CUSTOMER)
    assert "1.5 % of USD 120.00: USD 1.8000" in notice["text"]
    assert f"dunning fee accept {CUSTOMER} in_1 first" in notice["text"]

    assert "charged as soon as nothing holds" in dunning_fee(cloud, "accept", CUSTOMER, "in_1").stdout
    assert "nothing changed" in dunning_fee(cloud, "accept", CUSTOMER, "N-1", "first").stdout
    assert [fee["total"] for fee in fees(cloud)] == [430]
    cloud.move_to("2026-03-13T10:00:00Z")
    assert dunning_fee(cloud, "decline", CUSTOMER, "in_1", "second").returncode == 0
    refused = dunning_fee(cloud, "accept", CUSTOMER, "in_1", "second")
    assert (refused.returncode, "declined already" in refused.stderr) == (2, True)
    cloud.advance("8d")
    assert [fee["total"] for fee in fees(cloud)] == [430]


def test_an_answer_that_cannot_be_taken_says_what_is_wrong(cloud: LocalCloudOutside) -> None:
    overdue(cloud, "propose")
    path = f"/_local/cases/{CUSTOMER}/fees"
    assert cloud.ask("POST", path, {"invoice": "in_1", "answer": "perhaps"})[0] == 422
    status, answer = cloud.ask("POST", path, {"invoice": "in_1", "answer": "accept"})
    assert (status, answer["error"]) == (422, "no late fee was proposed on invoice N-1")


@pytest.mark.parametrize(
    ("service", "operation", "mode", "times"),
    [
        ("dynamodb", "TransactWriteItems", "lost", 1),
        ("dynamodb", "TransactWriteItems", "crash", 1),
        ("dynamodb", "TransactWriteItems", "crash", 3),
        ("dynamodb", "Query", "crash", 3),
        ("dynamodb", "UpdateItem", "lost", 3),
        ("sqs", "SendMessage", "crash", 1),
    ],
)
def test_whatever_fails_in_between_there_is_one_fee(cloud: LocalCloudOutside, service: str, operation: str, mode: str, times: int) -> None:
    overdue(cloud, "apply")
    cloud.move_to("2026-03-11T08:59:59Z")
    cloud.fault(service, operation, mode, times)
    cloud.move_to("2026-03-13T08:00:00Z")
    assert [fee["total"] for fee in fees(cloud)] == [430]
    assert told(cloud) == ["enrolled", "sent first", "fee_applied first"]


def test_a_paid_invoice_bears_no_fee_and_what_is_left_of_one_becomes_a_task(cloud: LocalCloudOutside) -> None:
    overdue(cloud, "apply")
    cloud.move_to("2026-03-11T09:00:00Z")
    cloud.tell("invoice.paid", paid(invoice("1", due="2026-03-04")))
    cloud.advance("8d")
    (fee,) = fees(cloud)
    (task,) = cloud.outbox(channel="team")
    assert f"{fee['number']} (USD 4.30)" in task["text"]
    assert [row["step"] for row in cloud.outbox(channel="email")] == ["first"]
