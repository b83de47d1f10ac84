"""The sparse indexes, and the notes of a sweep."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from dunning.domain.case import Case, Profile
from dunning.domain.invoice import Invoice, Status
from dunning.workflow.sweep_ports import OpenRow
from dunning.workflow.wheel_ports import DueTimer
from tests.contract.storage.cases import ACME, NOW, claim, due_case, invoice
from tests.contract.storage.stores import PAGE_SIZE, SHARDS, Storage

MINUTE = timedelta(minutes=1)


def put(storage: Storage, customer: str, *invoices: Invoice, due_at: datetime | None = None, due_since: datetime | None = None) -> None:
    before = storage.store.load(customer)
    after = before.with_profile(replace(before.profile, due_at=due_at, due_since=due_since))
    for one in invoices:
        after = after.with_invoice(one)
    storage.store.save(before, after)


def open_rows(storage: Storage) -> tuple[list[OpenRow], int]:
    rows: list[OpenRow] = []
    cursor: str | None = None
    for pages in range(1, 100):
        page = storage.open_index.page(cursor)
        rows += page.rows
        cursor = page.cursor
        if cursor is None:
            return rows, pages
    raise AssertionError("the index has no end")


def test_a_span_of_timers_includes_its_start_and_not_its_end(storage: Storage) -> None:
    for number in range(6):
        put(storage, f"stripe:cus_{number}", due_at=NOW + number * MINUTE, due_since=NOW)
    found = storage.timers.due(NOW + 4 * MINUTE, since=NOW + MINUTE)
    assert {timer.customer for timer in found} == {"stripe:cus_1", "stripe:cus_2", "stripe:cus_3"}


def test_without_a_lower_bound_everything_that_was_missed_is_found(storage: Storage) -> None:
    put(storage, ACME, due_at=NOW - timedelta(days=400), due_since=NOW - timedelta(days=500))
    put(storage, "stripe:cus_later", due_at=NOW, due_since=NOW)
    found = list(storage.timers.due(NOW))
    assert found == [DueTimer(ACME, NOW - timedelta(days=400), NOW - timedelta(days=500))]


def test_customers_in_every_shard_are_found(storage: Storage) -> None:
    customers = {f"stripe:cus_{number}" for number in range(5 * SHARDS)}
    for customer in customers:
        put(storage, customer, due_at=NOW, due_since=NOW)
    assert {timer.customer for timer in storage.timers.due(NOW + MINUTE)} == customers


def test_a_customer_without_a_timer_is_not_in_the_index(storage: Storage) -> None:
    put(storage, ACME, due_at=NOW, due_since=NOW)
    put(storage, ACME)
    assert list(storage.timers.due(NOW + MINUTE)) == []


def test_a_claimed_customer_is_found_again_when_its_claim_ends(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, claim(1), NOW)
    assert list(storage.timers.due(NOW + MINUTE)) == []
    assert list(storage.timers.due(claim(1).until + MINUTE)) == [DueTimer(ACME, claim(1).until, NOW)]


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OPEN])
def test_only_open_invoices_are_in_the_index_of_open_ones(storage: Storage, status: Status) -> None:
    put(storage, ACME, invoice("in_1"), invoice("in_2"), invoice("in_3", status=status))
    before = storage.store.load(ACME)
    storage.store.save(before, before.with_invoice(replace(before.invoices["in_2"], status=status)))
    assert open_rows(storage)[0] == [OpenRow(ACME, "in_1")]


def test_every_open_invoice_is_listed_once_over_all_pages(storage: Storage) -> None:
    expected = set()
    for number in range(3 * SHARDS):
        customer = f"stripe:cus_{number}"
        for due in (date(2026, 3, 1), date(2026, 4, 1), None):
            expected.add(OpenRow(customer, f"in_{number}_{due}"))
            put(storage, customer, invoice(f"in_{number}_{due}", customer, due=due))
    rows, pages = open_rows(storage)
    assert len(rows) == len(expected)
    assert set(rows) == expected
    assert pages >= len(expected) / PAGE_SIZE


def test_an_index_of_nothing_has_no_rows(storage: Storage) -> None:
    assert open_rows(storage)[0] == []


def test_a_sweep_remembers_what_it_saw_page_by_page(storage: Storage) -> None:
    storage.notes.add("run-1", 0, ["in_1", "in_2"])
    storage.notes.add("run-1", 1, ["in_3"])
    storage.notes.add("run-2", 0, ["in_4"])
    assert storage.notes.seen("run-1") == {"in_1", "in_2", "in_3"}


def test_the_same_page_again_replaces_itself(storage: Storage) -> None:
    storage.notes.add("run-1", 0, ["in_1", "in_2"])
    storage.notes.add("run-1", 0, ["in_2", "in_3"])
    assert storage.notes.seen("run-1") == {"in_2", "in_3"}


def test_a_page_without_invoices_is_remembered_as_empty(storage: Storage) -> None:
    storage.notes.add("run-1", 0, [])
    assert storage.notes.seen("run-1") == frozenset()


def test_rows_that_leave_the_index_between_two_pages_hide_no_others(storage: Storage) -> None:
    names = [f"in_{number}" for number in range(3 * PAGE_SIZE)]
    put(storage, ACME, *(invoice(name) for name in names))
    rows: list[OpenRow] = []
    cursor: str | None = None
    while True:
        page = storage.open_index.page(cursor)
        rows += page.rows
        before = storage.store.load(ACME)
        closed = before
        for row in page.rows:
            closed = closed.with_invoice(replace(before.invoices[row.invoice_id], status=Status.PAID))
        storage.store.save(before, closed)
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(row.invoice_id for row in rows) == sorted(names)
