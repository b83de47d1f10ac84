"""Two customers of an accounting system are merged: what one owed moves to the other at once, and nobody is troubled."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.domain.errors import Permanent, Unforeseen
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Contact, Snapshot, Status
from dunning.workflow.ports import SyncRequest
from dunning.workflow.sweep_ports import ChangedPage
from dunning.workflow.sync_invoice import MOST_MOVED_AT_ONCE
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import snapshot
from tests.unit.workflow.plan import said

GONE, STAYS = "xero:acme:c5", "xero:acme:c6"
NEWS = SyncRequest("xero", "customer", "c5", account="acme")


def owed(invoice_id: str, customer: str) -> Snapshot:
    return replace(snapshot(invoice_id, customer), source="xero", contact=Contact(email=f"{customer[-2:]}@example.com"))


@pytest.fixture
def books(world: FakeDeployment) -> FakeDeployment:
    world.xero.connected = ("acme",)
    return world


def owing(books: FakeDeployment, number: int, moved: int) -> None:
    """So many invoices of the customer who goes away, of which the source has moved some to the one who stays."""
    for each in range(number):
        books.record.invoice(owed(f"x{each:02}", GONE))
        books.xero.has(owed(f"x{each:02}", STAYS if each < moved else GONE))


def open_at(books: FakeDeployment, customer: str) -> int:
    return sum(invoice.is_open for invoice in books.case(customer).invoices.values())


def test_all_moves_and_nobody_is_asked_to_close_anything(books: FakeDeployment) -> None:
    owing(books, 2, moved=2)
    assert books.sync(NEWS) == "nothing new"
    assert (open_at(books, GONE), open_at(books, STAYS)) == (0, 2)
    assert (books.profile(GONE).holds, books.profile(GONE).notices) == ({}, {})
    assert said(books.log(GONE)) == ["enrolled", "enrolled", "closed", "closed"]


def test_what_does_not_move_waits_for_a_person_who_is_told_of_that_alone(books: FakeDeployment) -> None:
    owing(books, 3, moved=2)
    books.sync(NEWS)
    assert (open_at(books, GONE), open_at(books, STAYS)) == (1, 2)
    assert set(books.profile(GONE).holds) == {HoldKind.OPERATOR}
    assert [notice.invoices for notice in books.profile(GONE).notices.values()] == [("x02",)]


def test_of_very_many_each_look_moves_some(books: FakeDeployment) -> None:
    many = MOST_MOVED_AT_ONCE + 2
    owing(books, many, moved=many)
    assert books.sync(NEWS) == f"recorded: {MOST_MOVED_AT_ONCE} moved, 2 to come"
    assert books.profile(GONE).holds == {}
    books.settle_queues()
    assert (open_at(books, GONE), open_at(books, STAYS)) == (0, many)
    assert books.profile(GONE).holds == {}


@pytest.mark.parametrize("failure", [Permanent("it cannot be read"), OverflowError("date value out of range")])
@pytest.mark.parametrize("number", [3, MOST_MOVED_AT_ONCE + 2])
def test_one_that_cannot_be_moved_keeps_none_of_the_others_and_is_told(books: FakeDeployment, number: int, failure: Exception) -> None:
    owing(books, number, moved=number)
    books.xero.fetch_failures = {"x00": failure}
    for _ in range(number > MOST_MOVED_AT_ONCE):
        assert books.sync(NEWS) == f"recorded: {MOST_MOVED_AT_ONCE - 1} moved, 3 to come"
        assert books.sync_queue.receive() == [NEWS]
    with pytest.raises((Permanent, Unforeseen)):  # the handler tells it, and puts it aside
        books.sync(NEWS)
    assert [invoice.id for invoice in books.case(GONE).invoices.values() if invoice.is_open] == ["x00"]
    assert open_at(books, STAYS) == number - 1
    assert books.profile(GONE).holds == {}

    books.xero.fetch_failures = {}
    books.sync(NEWS)
    assert (open_at(books, GONE), open_at(books, STAYS)) == (0, number)


def test_the_sweep_moves_them_too_when_the_news_was_lost(books: FakeDeployment) -> None:
    owing(books, 1, moved=0)
    books.run_sweep()
    books.xero.has(owed("x00", STAYS))
    books.clock.advance(timedelta(days=1))
    books.xero.pages = [ChangedPage(books.clock(), contacts={GONE: None, "xero:acme:c9": None})]
    books.run_sweep()
    books.settle_queues()
    assert books.invoice(STAYS, "x00").status is Status.OPEN
    assert (open_at(books, GONE), books.profile(GONE).holds) == (0, {})
