"""The daily digest, seen from outside: once a day, by mail, with what happened."""

from tests.integration.end_to_end.driver import LocalCloudOutside, invoice, paid

PLAN = """
name: standard
timezone: UTC
send_window: {email: "00:00-24:00"}
digest_to: [finance@example.com, cfo@example.com]
steps:
  - id: first
    at: {after_due: 1d, time: "09:00"}
    email: friendly
  - id: hand_over
    at: {after_previous: 1h}
    escalate: {team: collections}
"""


def test_one_mail_a_day_tells_what_was_sent_paid_and_handed_over(cloud: LocalCloudOutside) -> None:
    assert cloud.put_policy(PLAN)[0] < 300
    cloud.tell("invoice.finalized", invoice("1", due="2026-03-02"))
    cloud.tell("invoice.finalized", invoice("2", due="2026-01-02", currency="eur", collection_method="charge_automatically"))
    cloud.tell("invoice.finalized", invoice("3", due="2026-03-20"))
    cloud.move_to("2026-03-03T12:00:00Z")
    cloud.tell("invoice.paid", paid(invoice("3", due="2026-03-20")))
    cloud.move_to("2026-03-05T03:30:00Z")
    cloud.fault("sesv2", "SendEmail", "throttle", times=5)
    cloud.move_to("2026-03-05T12:00:00Z")
    digests = cloud.outbox(kind="digest")
    assert [(row["channel"], row["to"], row["sent_at"][:10], row["customer"]) for row in digests] == [
        ("email", ["finance@example.com", "cfo@example.com"], f"2026-03-0{day}", None) for day in (3, 4, 5)
    ]
    assert [row["sent_at"][11:16] for row in digests] == ["04:00", "04:00", "05:15"], "what SES refuses is tried every quarter of an hour"
    assert cloud.ask("GET", "/_local/dead_letters") == (200, [])
    second = digests[1]
    assert second["subject"] == "Reminders, 4 March 2026: 1 sent, 1 paid, 1 case for a person"
    for words in ("- Pat Doe, USD 120.00\n  handed over: ", "stripe:cus_1 (N-1)", "over 90 days", "61 to 90 days:  EUR 120.00"):
        assert words in second["text"], second["text"]
    assert "0 sent, 0 paid" in digests[2]["subject"]
