"""A case that cannot be read keeps no other customer of a file from being recorded, and whoever imports is told whose it is."""

import pytest

from dunning.workflow.import_invoices import Imported, ImportInvoices, NotRecorded
from infra.importing import ImportReport, print_report, report_of
from infra.invoice_file import read_invoices
from tests.fakes.deployment import FakeDeployment

ANNA, BO, CY = "manual:anna", "manual:bo", "manual:cy"
ROW_OF_BO = f"row CUST#{BO}, PROFILE of the table cannot be read"
OWED = ("anna,R-1,GBP,1200.00", "bo,R-2,GBP,80.00", "bo,R-3,GBP,90.00", "cy,R-4,JPY,5000")


@pytest.fixture
def world() -> FakeDeployment:
    """Anna, Bo and Cy owe what the file says; then a row of Bo's becomes unreadable."""
    world = FakeDeployment()
    imported(world, *OWED)
    world.store.unreadable.add(BO)
    return world


def imported(world: FakeDeployment, *rows: str, complete: bool = False) -> Imported:
    text = "customer_id,invoice_number,currency,amount,due_on,email\n" + "\n".join(f"{row},2026-03-31,it@example.com" for row in rows)
    file = read_invoices(text.encode(), "book.csv", world.clock())
    return ImportInvoices(world.record, world.open_index)([row.snapshot for row in file.all_good()], complete=complete)


def owed(world: FakeDeployment, customer: str) -> dict[str, int]:
    return {each.id: each.amount_due for each in world.case(customer).invoices.values()}


def test_all_others_are_recorded_and_the_same_file_again_takes_the_rest_once_the_row_is_right(world: FakeDeployment) -> None:
    rows = ("bo,R-2,GBP,70.00", "anna,R-1,GBP,1100.00", "bo,R-3,GBP,90.00", "cy,R-4,JPY,5000", "dee,R-5,GBP,60.00")
    first = imported(world, *rows)
    assert first == Imported(("R-5",), ("R-1",), ("R-4",), not_recorded=(NotRecorded(BO, ("R-2", "R-3"), ROW_OF_BO),))
    assert (owed(world, ANNA), owed(world, "manual:dee")) == ({"R-1": 1100_00}, {"R-5": 60_00})
    writes = world.store.writes
    assert imported(world, *rows).not_recorded == first.not_recorded
    assert world.store.writes == writes
    world.store.unreadable.clear()
    assert imported(world, *rows) == Imported((), ("R-2",), ("R-1", "R-3", "R-4", "R-5"))
    assert owed(world, BO) == {"R-2": 70_00, "R-3": 90_00}


def test_what_is_missing_in_a_complete_file_is_paid_but_for_theirs(world: FakeDeployment) -> None:
    done = imported(world, "anna,R-1,GBP,1200.00", complete=True)
    assert done == Imported(unchanged=("R-1",), paid=("R-4",), not_recorded=(NotRecorded(BO, ("R-2", "R-3"), ROW_OF_BO),))
    world.store.unreadable.clear()
    assert (owed(world, CY), owed(world, BO)) == ({"R-4": 0}, {"R-2": 80_00, "R-3": 90_00})


def test_all_others_are_paid_too(world: FakeDeployment) -> None:
    done = ImportInvoices(world.record, world.open_index).paid(["R-2", "R-1"])
    assert done == Imported(paid=("R-1",), not_recorded=(NotRecorded(BO, ("R-2",), ROW_OF_BO),))
    assert owed(world, ANNA) == {"R-1": 0}


def test_an_invoice_that_is_in_such_a_case_and_now_another_customer_s_keeps_no_other_back(world: FakeDeployment) -> None:
    done = imported(world, "anna,R-2,GBP,80.00", "anna,R-1,GBP,1000.00")
    assert done == Imported(changed=("R-1",), not_recorded=(NotRecorded(ANNA, ("R-2",), ROW_OF_BO),))
    assert owed(world, ANNA) == {"R-1": 1000_00}


def test_the_command_names_them_and_the_remedy_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    report = ImportReport(("R-1",), (), (), (), not_recorded=(f"bo (R-2, R-3): {ROW_OF_BO}",))
    assert print_report(report_of(report.as_json())) == 1
    assert capsys.readouterr().out.splitlines() == [
        "    1 new        R-1",
        f"not recorded: bo (R-2, R-3): {ROW_OF_BO}",
        "Then give the same command again: what was recorded stays as it is.",
    ]
