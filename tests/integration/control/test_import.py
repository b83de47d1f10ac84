"""`dunning import` and `dunning paid` on the local cloud: the same rules, nothing from a bad file, payments that stop reminders."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

import infra.samples
from infra.local.http.wire import Answer, Request
from infra.local.running import RunningCloud, running_cloud
from tests.integration.end_to_end.driver import ANY_HOUR

NAMES = "customer_id,customer_name,email,country,invoice_number,currency,amount,amount_due,due_on"
PAT = "pat,Pat Doe,pat@example.com,GB,R-1,GBP,120.00,{due},2026-03-04"
ZOE = "zoe,Zoë Ångström,zoe@example.com,SE,R-2,JPY,5000,,2026-03-05"


class Desk:
    """Somebody who keeps invoices in a spreadsheet."""

    def __init__(self, running: RunningCloud) -> None:
        self._running = running

    def post(self, path: str, body: bytes) -> Answer:
        path, _, query = path.partition("?")
        return self._running.api.answer(Request("POST", path, query, {}, body))

    def imports(self, *rows: str, options: str = "") -> dict[str, list[str]]:
        answer = self.post(f"/_local/import?name=book.csv{options}", "\n".join((NAMES, *rows)).encode())
        assert answer.status == 200, answer.body
        found: dict[str, list[str]] = json.loads(answer.body)
        return {name: value for name, value in found.items() if value}

    def spoil(self, *row: str) -> None:
        """Write over an invoice's status what this release does not know."""
        client = self._running.cloud.session().client("dynamodb")
        client.update_item(
            TableName=client.list_tables()["TableNames"][0],
            Key={name: {"S": value} for name, value in zip(("pk", "sk"), row, strict=True)},
            UpdateExpression="SET #status = :newer",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":newer": {"S": "of a newer release"}},
        )

    def advance(self, by: str) -> None:
        assert self.post("/_local/clock", json.dumps({"advance": by}).encode()).status == 200

    def get(self, path: str) -> object:
        return json.loads(self._running.api.answer(Request("GET", path, "", {}, b"")).body)

    def reminders(self) -> list[tuple[str, list[str]]]:
        rows = self.get("/_local/outbox")
        assert isinstance(rows, list)
        return [(row["step"], row["invoices"]) for row in rows if row["channel"] == "email" and row["kind"] == "reminder"]

    def log(self, customer: str) -> list[str]:
        case = self.get(f"/_local/cases/{quote(customer)}")
        assert isinstance(case, dict)
        return [activity["type"] for activity in case["activities"]]

    def calls(self, function: str, operation: str) -> int:
        rows = self.get("/_local/calls")
        assert isinstance(rows, list)
        return sum(row["count"] for row in rows if (row["function"], row["operation"]) == (function, operation))


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A fresh local cloud at 2 March 2026, 08:00 UTC, where mail may go out at any hour."""
    with running_cloud(datetime(2026, 3, 2, 8, tzinfo=UTC), outer_env={}) as running:
        running.cloud.put_policy("standard", ANY_HOUR)
        yield Desk(running)


def test_imported_invoices_follow_the_plan_until_they_are_paid(desk: Desk) -> None:
    assert desk.imports(PAT.format(due=""), ZOE) == {"new": ["R-1", "R-2"]}
    assert desk.imports(PAT.format(due=""), ZOE) == {"unchanged": ["R-1", "R-2"]}
    assert desk.log("manual:pat") == ["enrolled"]
    desk.advance("9d")
    desk.advance("2h")
    assert desk.reminders() == [("first", ["R-1"])]
    assert desk.calls("run_step", "Query") == 2  # the case, and the last check
    desk.advance("1d")
    assert desk.reminders() == [("first", ["R-1"]), ("first", ["R-2"])]

    answer = desk.post("/_local/paid", b'{"invoices": ["R-1"]}')
    assert json.loads(answer.body)["paid"] == ["R-1"]
    assert json.loads(desk.post("/_local/paid", b'{"invoices": ["R-1"]}').body)["unchanged"] == ["R-1"]
    desk.advance("14d")
    assert {invoice for _, invoices in desk.reminders()[2:] for invoice in invoices} == {"R-2"}
    assert desk.log("manual:pat")[-1] == "paid"
    assert desk.get("/_local/dead_letters") == []


def test_a_second_import_records_what_changed_and_a_missing_row_is_paid_only_in_a_complete_file(desk: Desk) -> None:
    desk.imports(PAT.format(due=""), ZOE)
    assert desk.imports(PAT.format(due="70.50").replace("pat@example.com", "pat.doe@example.com")) == {
        "changed": ["R-1"],
        "customers": ["pat: email"],
    }
    assert desk.log("manual:pat") == ["enrolled", "updated", "partly_paid"]
    assert desk.log("manual:zoe") == ["enrolled"]
    assert desk.imports(PAT.format(due="0")) == {"changed": ["R-1"], "customers": ["pat: email"]}
    assert desk.imports(PAT.format(due="")) == {"unchanged": ["R-1"]}
    assert desk.log("manual:pat")[-1] == "paid"

    third = "kim,Kim,kim@example.com,GB,R-3,KWD,1.250,,2026-03-20"
    assert desk.imports(third, options="&complete=yes") == {"new": ["R-3"], "paid": ["R-2"]}
    assert desk.log("manual:zoe")[-1] == "paid"
    assert desk.log("manual:kim") == ["enrolled"]


def test_an_invoice_that_was_written_to_the_wrong_customer_moves(desk: Desk) -> None:
    desk.imports(PAT.format(due=""))
    assert desk.imports(PAT.format(due="").replace("pat,Pat Doe,pat@", "kim,Kim,kim@")) == {"changed": ["R-1"]}
    assert desk.log("manual:pat") == ["enrolled", "closed"]
    assert desk.log("manual:kim") == ["enrolled"]


def test_one_bad_row_and_nothing_is_changed_unless_it_may_be_left_out(desk: Desk) -> None:
    bad = ZOE.replace("5000", "50.50")
    raw = "\n".join((NAMES, PAT.format(due=""), bad)).encode()
    refused = desk.post("/_local/import?name=book.csv", raw)
    assert refused.status == 422
    assert "line 3, amount: 50.50 has more decimals than JPY has (0); round it" in json.loads(refused.body)["error"]
    assert desk.get("/_local/cases") == []

    skipped = desk.imports(PAT.format(due=""), bad, options="&skip_bad=yes")
    assert skipped["new"] == ["R-1"]
    assert len(skipped["problems"]) == 1
    assert desk.post("/_local/import?name=book.csv&complete=yes&skip_bad=yes", raw).status == 422
    assert desk.post("/_local/paid", b'{"invoices": ["R-1", "R-9"]}').status == 422
    assert desk.log("manual:pat") == ["enrolled"]


def test_a_case_that_cannot_be_read_is_named_and_keeps_no_other_from_being_recorded(desk: Desk) -> None:
    desk.imports(PAT.format(due=""), ZOE)
    desk.spoil("CUST#manual:pat", "INV#R-1")
    done = desk.imports(PAT.format(due="70.50"), ZOE.replace("5000", "4000"))
    reason = "row CUST#manual:pat, INV#R-1 of the table cannot be read (ValueError): put it right, or deploy the release that wrote it"
    assert done == {"changed": ["R-2"], "not_recorded": [f"pat (R-1): {reason}"]}
    paid = json.loads(desk.post("/_local/paid", b'{"invoices": ["R-1", "R-2"]}').body)
    assert (paid["paid"], paid["not_recorded"]) == (["R-2"], done["not_recorded"])


def test_the_sample_file_is_taken_and_survives_the_daily_sweep(desk: Desk) -> None:
    raw = (Path(infra.samples.__file__).parent / "invoices.csv").read_bytes()
    assert len(json.loads(desk.post("/_local/import", raw).body)["new"]) == 7
    before = desk.log("manual:sakura")
    desk.advance("1d")
    assert desk.log("manual:sakura") == before
    assert desk.get("/_local/dead_letters") == []
