"""What was sent appears where the bookkeeper looks: at each source, once, and without setting anything off again."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from infra.local.http.wire import Answer, Request, Server
from infra.local.running import running_cloud
from infra.local.sandbox.server import ProviderSandbox
from tests.integration.accounting.books import Books, Json, quickbooks_invoice, xero_invoice
from tests.integration.accounting.test_the_plan import DUKES, LIAM, XERO_ID
from tests.integration.end_to_end.driver import ANY_HOUR

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SENT = '2026-03-11 dunning: Reminder "first" sent by email ['


def quickbooks_note(books: Books) -> str:
    return str(shown(books, "quickbooks", "145").get("PrivateNote", ""))


def xero_notes(books: Books) -> list[str]:
    records = shown(books, "xero", XERO_ID).get("HistoryRecords", [])
    assert isinstance(records, list)
    return [record["Details"] for record in records]


def shown(books: Books, source: str, invoice_id: str) -> Json:
    answer = books.ask("GET", f"/_local/provider/{source}/invoices/{invoice_id}")
    found = answer_json(answer)
    assert isinstance(found, dict)
    return found


def answer_json(answer: Answer) -> object:
    import json

    return json.loads(answer.body)


def both(books: Books) -> None:
    books.holds("quickbooks", quickbooks_invoice(PrivateNote="Ask for Dukes"))
    books.holds("xero", xero_invoice())
    books.quickbooks_tells("145")
    books.xero_tells(XERO_ID)


def test_a_reminder_is_noted_at_its_source(books: Books) -> None:
    both(books)
    books.advance("9d")
    books.advance("2h")
    assert quickbooks_note(books).startswith(f"Ask for Dukes\n{SENT}")
    assert [details.startswith(SENT) for details in xero_notes(books)] == [True]
    books.advance("5d")
    assert [details.split("dunning: ")[1].split(" [")[0] for details in reversed(xero_notes(books))] == [
        'Reminder "first" sent by email',
        'Reminder "second" sent by email and SMS',
        'Handed over to our team (step "escalate")',
    ]
    assert books.dead_letters() == []


def test_the_webhook_that_a_note_causes_changes_nothing(books: Books) -> None:
    both(books)
    books.advance("9d")
    books.advance("2h")
    logged, noted = (len(books.case(customer)["activities"]) for customer in (DUKES, LIAM)), quickbooks_note(books)
    before = list(logged)
    writes = books.calls("sync_invoice").get("TransactWriteItems", 0)
    for _ in range(3):
        books.quickbooks_tells("145")
        books.xero_tells(XERO_ID)
        books.advance("10m")
    assert [len(books.case(customer)["activities"]) for customer in (DUKES, LIAM)] == before
    assert books.calls("sync_invoice").get("TransactWriteItems", 0) == writes
    assert (quickbooks_note(books), len(xero_notes(books))) == (noted, 1)


def test_what_is_switched_off_gets_no_notes() -> None:
    with running_cloud(START, outer_env={"WRITE_BACK": "quickbooks:off"}) as running:
        running.cloud.put_policy("standard", ANY_HOUR)
        books = Books(running)
        both(books)
        books.advance("9d")
        books.advance("2h")
        assert quickbooks_note(books) == "Ask for Dukes"
        assert len(xero_notes(books)) == 1


class Between:
    """Stands between the functions and a sandbox: writes of notes fail while it is told so."""

    def __init__(self) -> None:
        self.sandbox: ProviderSandbox | None = None
        self.status: int | None = 503
        self.refused = 0
        self.server = Server()
        self.server.start(self.answer)

    def answer(self, request: Request) -> Answer:
        assert self.sandbox is not None
        if self.status is not None and request.path.endswith("/History"):
            self.refused += 1
            return Answer(self.status, b"", {})
        return self.sandbox.answer(request)


@pytest.fixture
def between() -> Iterator[Between]:
    found = Between()
    yield found
    found.server.stop()


def test_a_source_that_is_down_delays_only_its_own_notes_and_no_reminder(between: Between) -> None:
    with running_cloud(START, outer_env={"XERO_API_BASE": between.server.url}) as running:
        between.sandbox = running.sandbox
        running.cloud.put_policy("standard", ANY_HOUR)
        books = Books(running)
        both(books)
        books.advance("9d")
        books.advance("2h")
        assert (SENT in quickbooks_note(books), xero_notes(books)) == (True, [])
        steps = [row["step"] for row in books.outbox() if row["customer"] == LIAM]
        assert steps[:1] == ["first"]
        assert books.dead_letters() == []
        between.status = None
        books.advance("1d")
        assert any(details.startswith(SENT) for details in xero_notes(books))


@pytest.mark.parametrize(("status", "given_up"), [(503, True), (400, True), (405, False), (501, False)])
def test_a_source_that_never_takes_notes_is_seen_by_a_person_or_dropped(between: Between, status: int, *, given_up: bool) -> None:
    with running_cloud(START, outer_env={"XERO_API_BASE": between.server.url}) as running:
        between.sandbox, between.status = running.sandbox, status
        running.cloud.put_policy("standard", ANY_HOUR.replace("    sms: second_notice\n", ""))
        books = Books(running)
        books.holds("xero", xero_invoice())
        books.xero_tells(XERO_ID)
        books.advance("10d")
        books.advance("3d")
        letters = [letter["queue"] for letter in books.dead_letters()]
        assert bool(letters) == given_up
        assert set(letters) <= {"NoteDeadLetters"}
        assert between.refused <= 9 * 3
        between.status = None
        assert books.ask("POST", "/_local/redrive").status == 200
        assert (SENT in "\n".join(xero_notes(books))) == given_up
