"""What `dunning simulate` foretells is what a running cloud then does: the same invoices, policy and payments, message by message."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.cli import main
from tests.integration.end_to_end.driver import LocalCloudOutside, invoice, paid

POLICY = """
name: standard
timezone: Europe/London
calendar: GB
scope: customer
min_gap: 2d
max_messages: {count: 3, per: 14d}
send_window: {email: "08:30-17:30", sms: "10:00-19:00"}
minimum_balance: {default: "5.00"}
steps:
  - {id: upcoming, at: {before_due: 3d, time: "09:00"}, email: upcoming}
  - {id: first, at: {after_due: 7d, time: "09:00"}, email: friendly}
  - {id: second, at: {after_previous: 48h}, if: "amount_due > 50", email: second_notice, sms: second_notice}
  - {id: escalate, at: {after_previous: 5d, time: "09:00"}, escalate: {team: collections}}
"""
BOOK = (
    # number, customer, country, currency, minor units, amount, due, paid at
    ("1", "ada", "DE", "eur", 12000, "120.00", "2026-02-27", None),
    ("2", "ada", "DE", "eur", 4000, "40.00", "2026-02-28", "2026-03-12T15:00:00Z"),
    ("3", "bo", "JP", "jpy", 54000, "54000", "2026-03-12", None),
    ("4", "cy", "US", "usd", 12000, "120.00", "2026-01-15", "2026-03-05T09:30:00Z"),
    ("5", "cy", "US", "usd", 499, "4.99", "2026-02-25", None),
    ("6", "di", "KW", "kwd", 415250, "415.250", "2026-03-08", None),
)
START = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAYS = 18
Seen = tuple[str, str, str | None, tuple[str, ...]]


def test_the_forecast_is_what_happens(cloud: LocalCloudOutside, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cloud.put_policy(POLICY)[0] < 300
    events = []
    for number, customer, country, currency, minor, _, due, paid_at in BOOK:
        found = invoice(
            number,
            due,
            customer=f"cus_{customer}",
            customer_email=f"{customer}@example.com",
            customer_phone="+442079460117" if customer == "ada" else None,
            customer_address={"country": country},
            currency=currency,
            amount_due=minor,
            amount_remaining=minor,
            total=minor,
        )
        cloud.tell("invoice.finalized", found)
        events += [(paid_at, found)] if paid_at else []
    for at, found in sorted(events, key=lambda event: event[0]):
        cloud.move_to(at)
        cloud.tell("invoice.paid", paid(found))
    cloud.move_to(f"{START + timedelta(days=DAYS):%Y-%m-%dT%H:%M:%SZ}")

    happened = sorted((row["sent_at"], row["channel"], row["step"], tuple(sorted(row["invoices"]))) for row in cloud.outbox())
    foretold = _foretold(tmp_path, capsys)
    assert len(happened) >= 9
    assert foretold == happened


def _foretold(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[Seen]:
    entries = [
        {
            "source": "stripe",
            "customer_id": f"cus_{customer}",
            "email": f"{customer}@example.com",
            "phone": "+442079460117" if customer == "ada" else None,
            "country": country,
            "invoice_number": f"in_{number}",
            "currency": currency.upper(),
            "amount": amount,
            "due_on": due,
            "pays_on": paid_at,
        }
        for number, customer, country, currency, _, amount, due, paid_at in BOOK
    ]
    (folder / "book.json").write_text(json.dumps(entries), encoding="utf-8")
    (folder / "standard.yaml").write_text(POLICY, encoding="utf-8")
    files = ["--invoices", str(folder / "book.json"), "--policy", str(folder / "standard.yaml")]
    assert main(["simulate", *files, "--start", START.isoformat(), "--days", str(DAYS), "--json"]) == 0
    messages = json.loads(capsys.readouterr().out)["messages"]
    return sorted(
        (message["at"], message["channel"], message["step"], tuple(sorted(item["number"] for item in message["invoices"])))
        for message in messages
    )
