"""Catching up, seen from outside: an invoice that comes 40 days late, and a first import."""

import pytest

from tests.integration.end_to_end.driver import LocalCloudOutside, invoice

PLAN = """
name: standard
timezone: UTC
catch_up: next
send_window: {email: "08:00-18:00"}
steps:
  - id: upcoming
    at: {before_due: 3d, time: "09:00"}
    email: upcoming
  - id: first
    at: {after_due: 7d, time: "09:00"}
    email: friendly
  - id: reminder
    at: {after_due: 7d, time: "15:00"}
    email: friendly
  - id: second
    at: {after_due: 14d, time: "09:00"}
    email: second_notice
  - id: hand_over
    at: {after_due: 21d, time: "09:00"}
    escalate: {team: collections}
"""


def sent(cloud: LocalCloudOutside) -> list[tuple[str, str]]:
    return [(row["sent_at"], row["step"]) for row in cloud.outbox()]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (
            "next",
            [
                ("2026-03-02T08:00:00Z", "first"),
                ("2026-03-03T15:00:00Z", "reminder"),
                ("2026-03-10T09:00:00Z", "second"),
                ("2026-03-17T09:00:00Z", "hand_over"),
            ],
        ),
        ("latest", [("2026-03-02T09:00:00Z", "second"), ("2026-03-09T09:00:00Z", "hand_over")]),
    ],
)
def test_an_invoice_that_comes_forty_days_late(cloud: LocalCloudOutside, mode: str, expected: list[tuple[str, str]]) -> None:
    """Neither way are there two steps on one day, and nobody hears of it only through the collections team."""
    assert cloud.put_policy(PLAN.replace("catch_up: next", f"catch_up: {mode}"))[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-01-21"))
    cloud.move_to("2026-03-20T00:00:00Z")
    days = [at[:10] for at, _ in sent(cloud)]
    assert len(set(days)) == len(days)
    assert [step for _, step in sent(cloud)] == [step for _, step in expected]
    assert days == [at[:10] for at, _ in expected]


def test_a_first_import_writes_to_the_largest_balances_first(cloud: LocalCloudOutside) -> None:
    capped = PLAN.replace("catch_up: next", "catch_up: latest\nfirst_contacts_per_day: 2")
    assert cloud.put_policy(capped)[0] < 300
    for number, amount in (("1", 10_000), ("2", 50_000), ("3", 30_000), ("4", 40_000), ("5", 20_000)):
        cloud.tell("invoice.finalized", invoice(number, due="2026-01-21", amount_due=amount, amount_remaining=amount, total=amount))
    cloud.move_to("2026-03-05T00:00:00Z")
    found: dict[str, set[str]] = {}
    for row in cloud.outbox():
        found.setdefault(row["sent_at"][:10], set()).update(row["invoices"])
    assert found == {"2026-03-02": {"in_2", "in_4"}, "2026-03-03": {"in_3", "in_5"}, "2026-03-04": {"in_1"}}
    reasons = [row["reason"] for row in cloud.case("stripe:cus_1")["activities"] if row["type"] == "suppressed"]
    assert reasons == ["first_contacts_per_day"]
