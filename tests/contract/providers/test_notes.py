"""What every source that takes notes must do, against its sandbox over HTTP: each note once, whatever gets lost on the way."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from dunning.domain.errors import NotOffered, Permanent, Retryable, Unauthorised
from dunning.domain.notes import Note
from dunning.domain.request_meter import Allowance, Window
from dunning.providers.http_client import HttpClient
from dunning.providers.http_client_pace import Pace
from dunning.providers.oauth_api import OAuthApi
from dunning.providers.oauth_grants import Grant
from dunning.providers.oauth_tokens import TokenKeeper
from dunning.providers.quickbooks_notes import QuickBooksNotes
from dunning.providers.stripe_api import StripeApi
from dunning.providers.stripe_notes import StripeNotes
from dunning.providers.xero import KEPT_FOR_LAST_CHECKS
from dunning.providers.xero_notes import XeroNotes
from dunning.workflow.activity_feed import NoteWriter
from infra.local.http.wire import Answer, Request, Server
from infra.local.sandbox.quickbooks import COMPANY
from infra.local.sandbox.quickbooks import TOKEN_PATH as QUICKBOOKS_TOKENS
from infra.local.sandbox.server import ProviderSandbox
from infra.local.sandbox.xero import TENANT, XeroSandbox
from infra.local.sandbox.xero import TOKEN_PATH as XERO_TOKENS
from tests.fakes.tokens import Leases, MemoryMeters, Vault

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
Failing = Callable[[Request, Callable[[], Answer]], Answer]
INVOICES = {
    "stripe": {"id": "1", "object": "invoice", "status": "open", "amount_due": 100, "currency": "usd", "customer": "cus_1"},
    "quickbooks": {"Id": "1", "Balance": 1, "TotalAmt": 1, "CustomerRef": {"value": "5"}},
    "xero": {"InvoiceID": "1", "Status": "AUTHORISED", "AmountDue": 1, "Contact": {"ContactID": "c"}},
}


def note(number: int, text: str = '2026-03-09 dunning: Reminder "first" sent by email') -> Note:
    return Note(f"01JNX{number:021}", text)


class Desk:
    """One source's sandbox behind HTTP, what the bookkeeper sees there, and the writer under test."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.now = START
        self.sandbox = ProviderSandbox(lambda: self.now)
        self.requests: list[Request] = []
        self.failing: Failing | None = None
        self._server = Server()
        self._server.start(self._answer)
        self.account = {"quickbooks": COMPANY, "xero": TENANT}.get(source)
        self.writer = self._writer()
        self.holds(INVOICES[source])

    def close(self) -> None:
        self._server.stop()

    def holds(self, invoice: dict[str, object]) -> None:
        provider = self.sandbox.provider(self.source)
        assert provider is not None
        provider.put_invoice("1", json.dumps(invoice).encode())

    def shown(self) -> dict[str, object]:
        provider = self.sandbox.provider(self.source)
        found = provider.invoice("1") if provider else None
        assert found is not None
        return found

    def text(self) -> str:
        """All that a bookkeeper reads of notes."""
        shown = self.shown()
        records = cast("list[dict[str, str]]", shown.get("HistoryRecords", []))
        metadata = cast("dict[str, str]", shown.get("metadata") or {})
        lines = (f"{text} [{key.removeprefix('dunning_')}]" for key, text in metadata.items())
        return "\n".join([str(shown.get("PrivateNote", "")), *lines, *(record["Details"] for record in records)])

    def write(self, *notes: Note, invoice: str = "1") -> str:
        return self.writer.write(invoice, self.account, notes)

    def _answer(self, request: Request) -> Answer:
        if request.path in (QUICKBOOKS_TOKENS, XERO_TOKENS):
            return self.sandbox.answer(request)
        self.requests.append(request)
        return self.failing(request, lambda: self.sandbox.answer(request)) if self.failing else self.sandbox.answer(request)

    def _writer(self) -> NoteWriter:
        if self.source == "stripe":
            return StripeNotes(StripeApi(lambda: "sk_test_local", self._server.url))
        tokens = QUICKBOOKS_TOKENS if self.source == "quickbooks" else XERO_TOKENS
        keeper = TokenKeeper(
            source=self.source,
            secrets=Vault(Grant((self.account or "",), "local-refresh")),
            leases=Leases(),
            http=HttpClient(),
            token_url=self._server.url + tokens,
            clock=lambda: self.now,
            pause=lambda _seconds: None,
            new_id=lambda _now: "worker",
        )
        boundless = Allowance((Window(100, timedelta(microseconds=1)),))
        pace = Pace(self.source, boundless, MemoryMeters(), lambda: self.now, lambda _now: "flight")
        api = OAuthApi(self._server.url, HttpClient(), keeper, pace, lambda: self.now)
        return QuickBooksNotes(api) if self.source == "quickbooks" else XeroNotes(api)


@pytest.fixture(params=["stripe", "quickbooks", "xero"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """Each source in turn."""
    found = Desk(request.param)
    yield found
    found.close()


def lost_once(method: str) -> Failing:
    """The next write happens; its answer is lost."""
    left = [1]

    def failing(request: Request, answer: Callable[[], Answer]) -> Answer:
        found = answer()
        if request.method == method and left:
            left.pop()
            return Answer(500, b"", {})
        return found

    return failing


def refusing(status: int, methods: tuple[str, ...] = ("POST", "PUT"), body: bytes = b"{}") -> Failing:
    """Every such request is answered with a status."""
    return lambda request, answer: Answer(status, body, {"Content-Type": "application/json"}) if request.method in methods else answer()


def test_a_note_appears_where_the_bookkeeper_looks_and_the_same_again_writes_nothing(desk: Desk) -> None:
    assert desk.write(note(1)) == "noted"
    before, asked = desk.text(), len(desk.requests)
    assert before.count(note(1).line) == 1

    assert desk.write(note(1)) == "noted before"
    assert desk.text() == before
    assert [request.method for request in desk.requests[asked:]] == ["GET"]


def test_notes_that_belong_together_are_one_write(desk: Desk) -> None:
    assert desk.write(note(1), note(2)) == "noted"
    assert [request.method for request in desk.requests] == ["GET", "PUT" if desk.source == "xero" else "POST"]
    assert desk.write(note(2), note(3)) == "noted"
    assert [desk.text().count(note(number).line) for number in (1, 2, 3)] == [1, 1, 1]


def test_a_write_whose_answer_was_lost_is_found_again(desk: Desk) -> None:
    desk.failing = lost_once("PUT" if desk.source == "xero" else "POST")
    with pytest.raises(Retryable):
        desk.write(note(1))
    assert desk.write(note(1)) == "noted before"
    assert desk.text().count(note(1).line) == 1


def test_there_is_nothing_to_note_at_an_invoice_that_is_gone(desk: Desk) -> None:
    assert "no such invoice" in desk.write(note(1), invoice="2")
    assert {request.method for request in desk.requests} == {"GET"}


@pytest.mark.parametrize(
    ("status", "error"), [(503, Retryable), (403, Unauthorised), (405, NotOffered), (501, NotOffered), (422, Permanent)]
)
def test_what_a_source_answers_to_a_note_says_what_to_do(desk: Desk, status: int, error: type[Exception]) -> None:
    desk.failing = refusing(status)
    with pytest.raises(error) as refused:
        desk.write(note(1))
    assert isinstance(refused.value, NotOffered) == (error is NotOffered)


def test_a_limit_says_when_to_come_again(desk: Desk) -> None:
    if desk.source == "stripe":
        desk.failing = refusing(429)
        with pytest.raises(Retryable):
            desk.write(note(1))
        return
    desk.failing = lambda _request, _answer: Answer(429, b"", {"Retry-After": "30"})
    with pytest.raises(Retryable) as full:
        desk.write(note(1))
    assert full.value.retry_at == START + timedelta(seconds=30)


def at_the_reserve(desk: Desk, left: int) -> None:
    """Xero has so many requests left today before the next."""
    provider = desk.sandbox.provider("xero")
    assert isinstance(provider, XeroSandbox)
    provider.left_today(left)


def test_the_last_requests_of_a_day_at_xero_are_not_for_notes() -> None:
    desk = Desk("xero")
    at_the_reserve(desk, KEPT_FOR_LAST_CHECKS + 3)
    assert desk.write(note(1)) == "noted"
    for number in (2, 3):
        with pytest.raises(Retryable) as spared:
            desk.write(note(number))
        assert spared.value.retry_at == START + timedelta(hours=1)
    assert [request.method for request in desk.requests] == ["GET", "PUT", "GET"]

    desk.now += timedelta(hours=2)
    at_the_reserve(desk, 1000)
    assert desk.write(note(2), note(3)) == "noted"
    desk.close()


def test_a_note_that_xeros_history_does_not_show_yet_is_not_written_twice() -> None:
    desk = Desk("xero")
    unseen = Answer(200, b'{"HistoryRecords": []}', {"Content-Type": "application/json"})
    desk.failing = lambda request, answer: unseen if request.method == "GET" else answer()
    assert [desk.write(note(number)) for number in (1, 1, 2)] == ["noted"] * 3
    assert [desk.text().count(note(number).line) for number in (1, 2)] == [1, 1]
    desk.close()


@pytest.mark.parametrize("code", ["6200", "6210"])
def test_an_invoice_from_before_quickbooks_closing_date_gets_no_note_and_nobody_need_look(code: str) -> None:
    desk = Desk("quickbooks")
    fault = {"Fault": {"Error": [{"Message": "Account Period Closed", "code": code}], "type": "ValidationFault"}}
    desk.failing = refusing(400, body=json.dumps(fault).encode())
    with pytest.raises(NotOffered, match="books are closed"):
        desk.write(note(1))
    desk.close()


def test_what_a_bookkeeper_wrote_into_quickbooks_stays_and_so_does_all_else() -> None:
    desk = Desk("quickbooks")
    desk.holds(INVOICES["quickbooks"] | {"PrivateNote": "Ring Pat first!\n", "CustomerMemo": {"value": "Thanks"}})
    for number in range(80):
        desk.now += timedelta(seconds=1)
        desk.write(note(number))

    shown = desk.shown()
    text = str(shown["PrivateNote"])
    assert text.startswith("Ring Pat first!\n\n2026-03-09 dunning:")
    assert 3900 < len(text) <= 4000
    assert note(79).line in text
    assert note(0).line not in text
    assert (shown["CustomerMemo"], shown["Balance"]) == ({"value": "Thanks"}, 1)
    desk.close()


def test_a_private_note_that_the_bookkeeper_filled_stays_and_the_log_says_that_ours_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk("quickbooks")
    theirs = "Ring Pat first! " * 249
    desk.holds(INVOICES["quickbooks"] | {"PrivateNote": theirs})
    assert desk.write(note(1)) == f"no room: the private note has {len(theirs)} of 4000 characters"
    assert desk.shown()["PrivateNote"] == theirs
    assert {request.method for request in desk.requests} == {"GET"}
    (warned,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "invoice 1 in company" in warned.getMessage()
    assert "Pat" not in caplog.text

    caplog.clear()
    desk.holds(INVOICES["quickbooks"] | {"PrivateNote": "x" * 3900})
    assert [desk.write(note(2)) for _ in range(2)] == ["noted", "noted before"]
    assert desk.write(note(1)).startswith("no room")  # older than what there is room for
    assert [record.levelname for record in caplog.records if record.levelname == "WARNING"] == ["WARNING"]
    desk.close()


def test_a_change_between_reading_and_writing_in_quickbooks_is_read_again() -> None:
    desk = Desk("quickbooks")
    meanwhile = [INVOICES["quickbooks"] | {"PrivateNote": f"changed {number}"} for number in (1, 2)]

    def failing(request: Request, answer: Callable[[], Answer]) -> Answer:
        found = answer()
        if request.method == "GET" and meanwhile:
            desk.holds(meanwhile.pop(0))
        return found

    desk.failing = failing
    assert desk.write(note(1)) == "noted"
    assert str(desk.shown()["PrivateNote"]) == f"changed 2\n{note(1).line}"
    desk.close()


def metadata_at(desk: Desk) -> dict[str, str]:
    return cast("dict[str, str]", desk.shown()["metadata"])


def test_stripes_metadata_keeps_the_merchants_keys_and_stays_within_its_limits() -> None:
    desk = Desk("stripe")
    desk.holds(INVOICES["stripe"] | {"metadata": {"order": "A-17", "dunning_fee": "ours, and no note"}})
    for number in range(25):
        desk.write(note(number, f"2026-03-09 dunning: {number}"))
    desk.write(note(0, "2026-03-09 dunning: 0"))  # late, and it has given way long ago

    metadata = metadata_at(desk)
    kept = {f"dunning_{note(number).id}": f"2026-03-09 dunning: {number}" for number in range(5, 25)}
    others = {"order": "A-17", "dunning_fee": "ours, and no note"}
    assert metadata == {**others, "dunning_last": "2026-03-09 dunning: 24", **kept}
    assert max(map(len, metadata)) <= 40
    desk.close()


@pytest.mark.parametrize(("taken", "kept"), [(29, 10), (38, 1), (39, 0), (49, 0)])
def test_a_merchants_own_keys_leave_fewer_to_notes(taken: int, kept: int) -> None:
    desk = Desk("stripe")
    desk.holds(INVOICES["stripe"] | {"metadata": {f"key{number}": "x" for number in range(taken)}})
    outcomes = {desk.write(note(number)) for number in range(30)}
    assert outcomes == ({"noted"} if kept else {f"no room: the invoice has {taken} metadata keys"})
    assert len([key for key in metadata_at(desk) if key.startswith("dunning_01")]) == kept
    desk.close()


@pytest.mark.parametrize("first", [1, 2])
def test_of_two_notes_that_are_written_at_once_at_stripe_none_is_lost(first: int) -> None:
    """The second function reads and writes between the reading and the writing of the first."""
    desk, second = Desk("stripe"), 3 - first
    waiting = [note(second, f"2026-03-09 dunning: {second}")]

    def failing(request: Request, answer: Callable[[], Answer]) -> Answer:
        found = answer()
        if request.method == "GET" and waiting:
            desk.write(waiting.pop())
        return found

    desk.failing = failing
    assert desk.write(note(first, f"2026-03-09 dunning: {first}")) == "noted"
    both = {f"dunning_{note(number).id}": f"2026-03-09 dunning: {number}" for number in (1, 2)}
    assert metadata_at(desk) == {**both, "dunning_last": "2026-03-09 dunning: 2"}
    desk.close()


def test_the_oldest_note_at_stripe_may_give_way_to_two_at_once() -> None:
    desk = Desk("stripe")
    for number in range(20):
        desk.write(note(number))
    waiting = [note(30)]

    def failing(request: Request, answer: Callable[[], Answer]) -> Answer:
        found = answer()
        if request.method == "GET" and waiting:
            desk.write(waiting.pop())
        return found

    desk.failing = failing
    desk.write(note(31))
    assert len(metadata_at(desk)) == 1 + 21
    desk.write(note(32))
    ours = sorted(key for key in metadata_at(desk) if key != "dunning_last")
    assert (len(ours), ours[-3:]) == (20, [f"dunning_{note(number).id}" for number in (30, 31, 32)])
    desk.close()
