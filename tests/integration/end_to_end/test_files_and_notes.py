"""Invoices from a file by the command line, and notes at every source, seen from outside."""

import json
import subprocess
import sys
from pathlib import Path

from tests.integration.accounting.books import quickbooks_invoice, signature, xero_body, xero_invoice
from tests.integration.accounting.test_the_plan import XERO_ID
from tests.integration.end_to_end.driver import ANY_HOUR, LocalCloudOutside, invoice

BOOK = """customer_id,customer_name,email,country,invoice_number,currency,amount,due_on
pat,Zoë Ångström,pat@example.com,GB,R-1,GBP,120.00,2026-03-04
kim,Kim,kim@example.com,GB,R-2,JPY,{amount},2026-03-04
"""


def dunning(cloud: LocalCloudOutside, *arguments: str) -> tuple[int, str]:
    command = [str(Path(sys.executable).with_name("dunning")), *arguments, "--url", f"http://127.0.0.1:{cloud.port}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def reminded(cloud: LocalCloudOutside) -> list[str]:
    return [row["invoices"][0] for row in cloud.outbox(channel="email", kind="reminder")]


def test_a_file_is_imported_follows_the_plan_and_stops_when_it_is_paid(cloud: LocalCloudOutside, tmp_path: Path) -> None:
    cloud.put_policy(ANY_HOUR)
    book = tmp_path / "book.csv"
    book.write_text(BOOK.format(amount="50.50"), encoding="utf-8")
    status, told = dunning(cloud, "import", str(book))
    assert (status, "line 3, amount: 50.50 has more decimals than JPY has (0)" in told) == (2, True)
    assert cloud.ask("GET", "/_local/cases")[1] == []

    book.write_text(BOOK.format(amount="5000"), encoding="utf-8")
    assert dunning(cloud, "import", str(book)) == (0, "    2 new        R-1, R-2\n")
    assert dunning(cloud, "import", str(book)) == (0, "    2 as before  R-1, R-2\n")
    cloud.move_to("2026-03-11T09:00:00Z")
    assert sorted(reminded(cloud)) == ["R-1", "R-2"]
    assert dunning(cloud, "paid", "R-1")[0] == 0
    assert dunning(cloud, "paid", "R-9")[0] == 2
    cloud.move_to("2026-03-14T09:00:00Z")
    assert sorted(reminded(cloud)) == ["R-1", "R-2", "R-2"]


def test_a_reminder_is_noted_at_each_source_of_its_own(cloud: LocalCloudOutside) -> None:
    cloud.put_policy(ANY_HOUR)
    cloud.tell("invoice.finalized", invoice("1", "2026-03-04"))
    cloud.ask("PUT", "/_local/provider/quickbooks/invoices/145", quickbooks_invoice(PrivateNote="Ask for Dukes"))
    cloud.ask("PUT", f"/_local/provider/xero/invoices/{XERO_ID}", xero_invoice())
    entity = {"name": "Invoice", "id": "145", "operation": "Create", "lastUpdated": "2026-03-02T08:00:00Z"}
    bodies = {
        "quickbooks": {"eventNotifications": [{"realmId": "1111111111", "dataChangeEvent": {"entities": [entity]}}]},
        "xero": xero_body([XERO_ID]),
    }
    for source, header in (("quickbooks", "intuit-signature"), ("xero", "x-xero-signature")):
        raw = json.dumps(bodies[source])
        assert cloud.ask("POST", f"/webhooks/{source}", raw, {header: signature(raw.encode(), f"local-{source}")})[0] == 200
    cloud.move_to("2026-03-11T10:00:00Z")

    stripe, quickbooks, xero = (
        cloud.ask("GET", f"/_local/provider/{source}/invoices/{invoice_id}")[1]
        for source, invoice_id in (("stripe", "in_1"), ("quickbooks", "145"), ("xero", XERO_ID))
    )
    note = '2026-03-11 dunning: Reminder "first" sent by email ['
    assert [key[:11] for key, text in stripe["metadata"].items() if text == note.removesuffix(" [")] == ["dunning_las", "dunning_01K"]
    assert quickbooks["PrivateNote"].startswith(f"Ask for Dukes\n{note}")
    assert [record["Details"].startswith(note) for record in xero["HistoryRecords"]] == [True]
    assert cloud.ask("GET", "/_local/dead_letters")[1] == []
