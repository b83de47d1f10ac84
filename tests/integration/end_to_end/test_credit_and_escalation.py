"""Seen from outside: credit is netted before anyone is reminded; a team takes over on conditions, with what it has to know."""

from tests.integration.end_to_end.driver import LocalCloudOutside, invoice

PLAN = """
name: standard
timezone: UTC
send_window: {email: "00:00-24:00", sms: "00:00-24:00"}
steps:
  - id: first
    at: {after_due: 1d, time: "09:00"}
    email: friendly
  - id: second
    at: {after_previous: 48h}
    email: second_notice
    escalate: {team: collections, if: "amount_due >= 1000 or 'vip' in tags"}
  - id: third
    at: {after_previous: 48h}
    email: second_notice
  - id: hand_over
    at: {after_previous: 24h}
    escalate: {team: collections, if: "reminders_sent >= 3"}
"""
TENANT = "11111111-1111-1111-1111-111111111111"


def put(cloud: LocalCloudOutside, path: str, body: object) -> None:
    status, answer = cloud.ask("PUT", f"/_local/provider/{path}", body)
    assert status < 300, answer


def reasons(cloud: LocalCloudOutside, customer: str, kind: str) -> list[str]:
    return [row["reason"] for row in cloud.case(customer)["activities"] if row["type"] == kind]


def test_who_is_in_credit_is_not_reminded_until_the_credit_is_gone(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(PLAN)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-04"))
    put(cloud, "stripe/customers/cus_1", {"balance": -12_000, "currency": "usd"})
    cloud.move_to("2026-03-07T12:00:00Z")
    assert cloud.outbox() == []
    assert reasons(cloud, "stripe:cus_1", "suppressed") == ["covered_by_credit"]
    (row,) = cloud.case("stripe:cus_1")["invoices"]
    assert (row["status"], row["amount_due"], row["level"]) == ("open", 12_000, 0)
    put(cloud, "stripe/customers/cus_1", {"balance": -4_000})
    cloud.move_to("2026-03-08T12:00:00Z")
    (mail,) = cloud.outbox()
    assert "$80.00" in mail["text"]
    assert "-$40.00" in mail["text"]
    assert "-$40.00" in mail["html"]


def test_a_credit_note_at_xero_and_a_payment_not_applied_at_quickbooks_count_too(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(PLAN)[0] < 300
    put(cloud, "xero/credits/cn-1", {"CreditNotes": [{"Contact": {"ContactID": "c-1"}, "CurrencyCode": "USD", "RemainingCredit": 100}]})
    put(cloud, "quickbooks/credits/7", {"Payment": {"CustomerRef": {"value": "5"}, "UnappliedAmt": 60.5, "TotalAmt": 60.5}})
    put(cloud, "quickbooks/credits/8", {"CreditMemo": {"CustomerRef": {"value": "5"}, "Balance": 39.5, "TotalAmt": 40}})
    xero = {"InvoiceID": "x-1", "Contact": {"ContactID": "c-1", "Name": "Acme", "EmailAddress": "ap@acme.example"}, "CurrencyCode": "USD"}
    put(
        cloud, "xero/invoices/x-1", {**xero, "Status": "AUTHORISED", "AmountDue": 100, "Total": 100, "DueDateString": "2026-03-04T00:00:00"}
    )
    books = {"Id": "1", "CustomerRef": {"value": "5", "name": "Acme"}, "BillEmail": {"Address": "ap@acme.example"}}
    put(cloud, "quickbooks/invoices/1", {**books, "Balance": 100, "TotalAmt": 100, "DueDate": "2026-03-04"})
    cloud.move_to("2026-03-06T12:00:00Z")
    assert cloud.outbox() == []
    assert reasons(cloud, "quickbooks:1111111111:5", "suppressed") == ["covered_by_credit"]
    assert reasons(cloud, f"xero:{TENANT}:c-1", "suppressed") == ["covered_by_credit"]


def test_a_large_invoice_goes_to_the_team_with_what_was_sent_and_opened(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(PLAN)[0] < 300
    large = {"amount_due": 500_000, "amount_remaining": 500_000, "total": 500_000}
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-04", **large))
    cloud.tell("invoice.finalized", invoice("9", due="2026-06-01", customer="cus_1", customer_email="pat1@example.com"))
    cloud.move_to("2026-03-05T12:00:00Z")
    assert cloud.ask("POST", "/_local/delivery", {"to": "pat1@example.com", "event": "open"})[0] < 300
    cloud.move_to("2026-03-12T12:00:00Z")
    assert [(row["kind"], row["step"]) for row in cloud.outbox()] == [
        ("reminder", "first"),
        ("reminder", "second"),
        ("escalation", "second"),
    ]
    notice = cloud.outbox()[-1]
    assert notice["to"] == ["collections"]
    assert "- 5 March 2026: reminder sent (mail), step first\n- 5 March 2026: mail opened, step first\n" in notice["text"]
    for words in ("dunning explain stripe:cus_1", "https://dashboard.stripe.com/invoices/in_1"):
        assert words in notice["text"]
    for words in ("5,000.00", "Days overdue:  3", "the last on 5 March 2026", "Mails opened:  1", "N-9", "https://invoice.example/in_1"):
        assert words in notice["text"], notice["text"]


def test_a_small_invoice_goes_to_the_team_only_after_three_reminders(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(PLAN)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-04"))
    cloud.move_to("2026-03-12T12:00:00Z")
    assert [(row["sent_at"], row["kind"]) for row in cloud.outbox()] == [
        ("2026-03-05T09:00:00Z", "reminder"),
        ("2026-03-07T09:00:00Z", "reminder"),
        ("2026-03-09T09:00:00Z", "reminder"),
        ("2026-03-10T09:00:00Z", "escalation"),
    ]
