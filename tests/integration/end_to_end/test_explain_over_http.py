"""What `dunning explain` says of a running cloud is what then happens."""

import pytest

from infra.cli import main
from tests.integration.end_to_end.driver import LocalCloudOutside, invoice

EASTER = """
name: standard
timezone: Europe/London
calendar: GB
min_gap: 1d
send_window: {email: "08:30-17:30"}
steps:
  - id: first
    at: {after_due: 7d, time: "09:00"}
    email: friendly
"""


def test_what_is_explained_is_what_then_happens(cloud: LocalCloudOutside, capsys: pytest.CaptureFixture[str]) -> None:
    assert cloud.put_policy(EASTER)[0] < 300
    for number in ("1", "2"):
        cloud.tell("invoice.finalized", invoice(number, due="2026-03-27", customer="cus_1"))
    _, explanation = cloud.ask("GET", "/_local/explain/stripe:cus_1")
    first, second = explanation["next"]
    (rest,) = first["not_sooner"]
    assert rest["words"].startswith("no working days there: Friday 3 April (Good Friday), Saturday 4 April to Sunday 5 April (weekend), ")
    assert second["not_sooner"][-1]["words"] == "too soon after the message before"

    url = f"http://127.0.0.1:{cloud.port}"
    assert main(["explain", "stripe:cus_1", "--url", url]) == 0
    assert "Tue 7 Apr 2026 09:00 Europe/London (Tue 7 Apr 2026 08:00 UTC)" in capsys.readouterr().out
    assert main(["explain", "stripe:cus_none", "--url", url]) == 2

    cloud.move_to("2026-04-09T00:00:00Z")
    assert [(row["sent_at"], row["invoices"]) for row in cloud.outbox()] == [
        (first["at"], [first["invoice"]]),
        (second["at"], [second["invoice"]]),
    ]
