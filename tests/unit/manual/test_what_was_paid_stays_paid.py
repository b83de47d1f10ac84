"""A file that does not say what is still owed undoes no payment that was recorded; one that says it is believed."""

from datetime import timedelta

import pytest

from dunning.domain.invoice import Contact, Status
from dunning.domain.snapshots import as_recorded
from dunning.workflow.import_invoices import Imported, ImportInvoices
from infra.invoice_file import read_invoices
from tests.fakes.deployment import FakeDeployment
from tests.unit.workflow.plan import said

PAID, OPEN = Status.PAID, Status.OPEN


@pytest.fixture
def world() -> FakeDeployment:
    """Empty, on Monday, 2 March 2026, at 08:00 UTC."""
    return FakeDeployment()


def imported(world: FakeDeployment, columns: str, cells: str) -> Imported:
    """Import Anna's invoice A-1, due on 31 March 2026."""
    text = f"customer_id,invoice_number,due_on,{columns}\nanna,A-1,2026-03-31,{cells}"
    rows = read_invoices(text.encode(), "book.csv", world.clock()).all_good()
    totals_only = {row.snapshot.invoice_id for row in rows if not row.says_what_is_owed}
    return ImportInvoices(world.record, world.open_index)([row.snapshot for row in rows], totals_only=totals_only)


def owed(world: FakeDeployment) -> tuple[Status, int]:
    invoice = world.invoice("manual:anna", "A-1")
    return invoice.status, invoice.amount_due


def pay(world: FakeDeployment) -> None:
    ImportInvoices(world.record, world.open_index).paid(["A-1"])


@pytest.mark.parametrize(
    ("columns", "cells"),
    [("currency,amount", "EUR,100.50"), ("currency,amount,amount_due", "EUR,100.50,")],
    ids=["no column", "empty cell"],
)
def test_the_same_file_after_a_payment_changes_nothing(world: FakeDeployment, columns: str, cells: str) -> None:
    imported(world, columns, cells)
    pay(world)
    world.clock.advance(timedelta(days=1))
    assert imported(world, columns, cells) == Imported(unchanged=("A-1",))
    assert owed(world) == (PAID, 0)
    assert said(world.log("manual:anna")) == ["enrolled", "paid"]


def test_a_part_that_was_paid_stays_paid(world: FakeDeployment) -> None:
    imported(world, "currency,amount,amount_due", "KWD,1.250,0.250")
    assert imported(world, "currency,amount", "KWD,1.250") == Imported(unchanged=("A-1",))
    assert owed(world) == (OPEN, 250)


@pytest.mark.parametrize(
    ("amount", "now"),
    [("EUR,120.00", (OPEN, 2000)), ("EUR,90.00", (PAID, 0)), ("JPY,100", (PAID, 0))],
    ids=["more", "less", "another currency"],
)
def test_of_a_paid_invoice_whose_amount_is_corrected_the_rest_is_open(world: FakeDeployment, amount: str, now: tuple[Status, int]) -> None:
    imported(world, "currency,amount", "EUR,100.00")
    pay(world)
    imported(world, "currency,amount", amount)
    assert owed(world) == now


def test_what_was_paid_too_much_is_not_forgotten_when_the_amount_rises_again(world: FakeDeployment) -> None:
    imported(world, "currency,amount", "EUR,100.00")
    pay(world)
    imported(world, "currency,amount", "EUR,80.00")
    assert imported(world, "currency,amount", "EUR,80.00") == Imported(unchanged=("A-1",))
    world.record.invoice_as_fetched(
        "manual:anna", "A-1", lambda: as_recorded(world.invoice("manual:anna", "A-1"), Contact(), world.clock())
    )
    imported(world, "currency,amount", "EUR,120.00")
    assert owed(world) == (OPEN, 2000)


def test_an_amount_that_is_written_undoes_an_overpayment_too(world: FakeDeployment) -> None:
    imported(world, "currency,amount", "EUR,100.00")
    pay(world)
    imported(world, "currency,amount", "EUR,80.00")
    imported(world, "currency,amount,amount_due", "EUR,80.00,0")
    imported(world, "currency,amount", "EUR,120.00")
    assert owed(world) == (OPEN, 4000)


def test_an_amount_that_is_written_undoes_a_payment(world: FakeDeployment) -> None:
    imported(world, "currency,amount", "EUR,100.00")
    pay(world)
    imported(world, "currency,amount,amount_due", "EUR,100.00,40.00")
    assert owed(world) == (OPEN, 4000)
