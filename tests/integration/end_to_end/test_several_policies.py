"""Several policies, seen from outside: who follows which, and what becomes of a plan that is edited while it runs."""

from tests.integration.end_to_end.driver import LocalCloudOutside, invoice

STANDARD = """
name: standard
timezone: UTC
send_window: {email: "00:00-24:00"}
steps:
  - id: first
    at: {after_due: 7d, time: "09:00"}
    email: friendly
  - id: second
    at: {after_previous: 48h}
    email: second_notice
  - id: hand_over
    at: {after_previous: 48h}
    escalate: {team: collections}
"""

LARGE = """
name: large
applies_to: {if: "amount_due >= 1000 and currency == 'USD'", priority: 10}
timezone: UTC
send_window: {email: "00:00-24:00"}
steps:
  - id: early
    at: {after_due: 1d, time: "09:00"}
    email: friendly
  - id: late
    at: {after_due: 20d, time: "09:00"}
    email: second_notice
"""

TAGGED = """
name: tagged
applies_to: {if: "'vip' in tags or subscription", priority: 5}
timezone: UTC
send_window: {email: "00:00-24:00"}
steps:
  - id: gentle
    at: {after_due: 14d, time: "09:00"}
    email: friendly
"""


def put(cloud: LocalCloudOutside, *policies: str) -> None:
    for text in policies:
        name = text.split("name: ")[1].split("\n")[0]
        status, answer = cloud.ask("PUT", f"/_local/policies/{name}", text)
        assert status < 300, answer


def next_step(cloud: LocalCloudOutside, customer: str) -> str:
    (row,) = cloud.case(f"stripe:{customer}")["invoices"]
    return str(row["next_step"])


def test_each_invoice_follows_the_first_policy_that_is_for_it(cloud: LocalCloudOutside) -> None:
    put(cloud, STANDARD, LARGE, TAGGED)
    large = {"amount_due": 500_000, "amount_remaining": 500_000, "total": 500_000}
    subscription = {"parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}}}
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-10"))
    cloud.tell("invoice.finalized", invoice("2", due="2026-03-10", **large))
    cloud.tell("invoice.finalized", invoice("3", due="2026-03-10", **large, metadata={"tags": "North, VIP"}))
    cloud.tell("invoice.finalized", invoice("4", due="2026-03-10", **subscription))
    cloud.tell("invoice.finalized", invoice("5", due="2026-03-10", subscription="sub_1"))
    cloud.tell("invoice.finalized", invoice("6", due="2026-03-10", **large, currency="eur"))
    found = [next_step(cloud, f"cus_{number}") for number in range(1, 7)]
    assert found == ["first", "early", "gentle", "gentle", "gentle", "first"]


def test_a_customers_tag_counts_and_one_that_comes_before_the_first_message_too(cloud: LocalCloudOutside) -> None:
    put(cloud, STANDARD, TAGGED)
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-10"))
    customer = {"id": "cus_1", "object": "customer", "email": "pat1@example.com", "metadata": {"vip": "true"}}
    cloud.tell("customer.updated", customer)
    cloud.move_to("2026-03-18T00:00:00Z")
    assert (cloud.outbox(), next_step(cloud, "cus_1")) == ([], "gentle")
    cloud.move_to("2026-03-24T10:00:00Z")
    assert [(row["sent_at"], row["step"]) for row in cloud.outbox()] == [("2026-03-24T09:00:00Z", "gentle")]


def test_a_plan_edited_while_it_runs_goes_on_where_it_was(cloud: LocalCloudOutside) -> None:
    put(cloud, STANDARD)
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-03"))
    cloud.move_to("2026-03-10T10:00:00Z")
    renamed = STANDARD.replace("id: first", "id: hello").replace("id: second", "id: firm").replace("48h}\n    email", "96h}\n    email")
    put(cloud, renamed)
    cloud.move_to("2026-03-20T00:00:00Z")
    assert [(row["sent_at"], row["kind"], row["step"]) for row in cloud.outbox()] == [
        ("2026-03-10T09:00:00Z", "reminder", "first"),
        ("2026-03-14T09:00:00Z", "reminder", "firm"),
        ("2026-03-16T09:00:00Z", "escalation", "hand_over"),
    ]


def test_two_policies_of_one_priority_are_refused(cloud: LocalCloudOutside) -> None:
    put(cloud, STANDARD, LARGE)
    status, answer = cloud.ask("PUT", "/_local/policies/other", LARGE.replace("name: large", "name: other"))
    assert status == 422
    assert "large and other" in str(answer)
    assert "priority" in str(answer)
