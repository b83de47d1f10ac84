"""The policy language's further rules, seen from outside: one message per customer, gaps, workdays, local time."""

from datetime import datetime

from tests.integration.end_to_end.driver import LocalCloudOutside, invoice

ONE_MESSAGE = """
name: standard
timezone: UTC
scope: customer
min_gap: 1d
send_window: {email: "00:00-24:00", sms: "00:00-24:00"}
steps:
  - id: first
    at: {after_due: 1d, time: "09:00"}
    email: friendly
  - id: second
    at: {after_previous: 48h}
    email: second_notice
"""

WORKDAYS = """
name: standard
timezone: Europe/London
calendar: GB
send_window: {email: "08:30-17:30"}
steps:
  - id: first
    at: {after_due: 1d, time: "09:00"}
    email: friendly
"""


def test_three_invoices_in_two_currencies_make_one_mail_with_three_rows(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(ONE_MESSAGE)[0] < 300
    for number, currency in (("1", "usd"), ("2", "usd"), ("3", "eur")):
        cloud.tell(
            "invoice.finalized", invoice(number, due="2026-03-04", customer="cus_1", currency=currency, customer_email="pat@example.com")
        )
    cloud.move_to("2026-03-05T10:00:00Z")
    (mail,) = cloud.outbox()
    assert sorted(mail["invoices"]) == ["in_1", "in_2", "in_3"]
    assert all(f"N-{number}" in mail["text"] for number in (1, 2, 3))
    assert "€120.00" in mail["text"]
    case = cloud.case("stripe:cus_1")
    assert [(row["type"], sorted(row["invoices"])) for row in case["activities"] if row["type"] == "sent"] == [
        ("sent", ["in_1", "in_2", "in_3"])
    ]
    assert {row["level"] for row in case["invoices"]} == {1}


def test_an_invoice_that_falls_due_a_day_later_waits_for_the_gap_and_joins_the_next_mail(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(ONE_MESSAGE.replace("min_gap: 1d", "min_gap: 2d"))[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-04", customer="cus_1"))
    cloud.tell("invoice.finalized", invoice("2", due="2026-03-05", customer="cus_1"))
    cloud.move_to("2026-03-08T00:00:00Z")
    assert [(row["sent_at"], sorted(row["invoices"]), row["step"]) for row in cloud.outbox()] == [
        ("2026-03-05T09:00:00Z", ["in_1"], "first"),
        ("2026-03-07T09:00:00Z", ["in_1", "in_2"], "second"),
    ]


def test_a_lost_answer_of_a_mail_about_three_invoices_repeats_none_of_them(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(ONE_MESSAGE)[0] < 300
    for number in ("1", "2", "3"):
        cloud.tell("invoice.finalized", invoice(number, due="2026-03-04", customer="cus_1"))
    cloud.fault("sesv2", "SendEmail", "crash")
    cloud.move_to("2026-03-06T00:00:00Z")
    assert len(cloud.outbox()) == 1
    assert {row["level"] for row in cloud.case("stripe:cus_1")["invoices"]} == {1}


def test_no_mail_on_a_weekend_or_a_holiday_there(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(WORKDAYS)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-04-02"))  # Good Friday is 3 April, Easter Monday the 6th
    cloud.move_to("2026-04-08T00:00:00Z")
    assert [row["sent_at"] for row in cloud.outbox()] == ["2026-04-07T08:00:00Z"]


def test_the_hour_is_that_of_the_customers_country(cloud: LocalCloudOutside) -> None:
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-04", customer_address={"country": "JP"}))
    cloud.move_to("2026-03-11T12:00:00Z")
    assert [datetime.fromisoformat(row["sent_at"]).hour for row in cloud.outbox()] == [0]
