"""Scenes of invoices from a file: `dunning import`, the same file later, and `dunning paid`, given again where they failed."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial

from dunning.bootstrap import Platform
from dunning.domain.invoice import Status
from infra.importing import Importer, ImportOptions
from infra.local.lambda_service import Caller
from tests.integration.faults.people_scenes import PERSON, told_until_done
from tests.integration.faults.promises import amiss
from tests.integration.faults.run import Run
from tests.integration.faults.scene import BY_THE_CLAIM, Scene
from tests.integration.faults.workflows import CLAIM, GET, LOAD, MAIL, MARKED_SENT, ORDER, SECRET, TELL_QUEUE, WRITE, calls_of

COLUMNS = "customer_id,customer_name,email,invoice_number,currency,amount,amount_due,issued_on,due_on"
OVERDUE, LATER = -1, 20
"""Days."""


class FileRun(Run):
    """Customers of a file, with an invoice each; only the first's is overdue."""

    def customer(self, customer: int = 0) -> str:
        return f"manual:f{self.number}x{customer}"

    def invoice_number(self, customer: int) -> str:
        """As in the file."""
        return f"F-{self.number}-{customer}"

    def file(self, owed: Sequence[str], due: int = OVERDUE) -> bytes:
        """A file in which each customer owes so much of 120.00; "": it is left out. The first's falls `due` in so many days."""
        issued = (self.begin - timedelta(days=9)).date()
        rows = [
            f"f{self.number}x{n},Pat Doe,pat{self.number}x{n}@example.com,{self.invoice_number(n)},USD,120.00,{amount},{issued},"
            f"{(self.begin + timedelta(days=LATER if n else due)).date()}"
            for n, amount in enumerate(owed)
            if amount
        ]
        return "\n".join((COLUMNS, *rows, "")).encode()

    def settle_with_provider(self) -> None:
        """There is none."""


def imported(owed: Sequence[str], run: Run, *, complete: bool = False) -> None:
    """`dunning import`."""
    assert isinstance(run, FileRun)
    raw = run.file(owed, due=LATER if complete else OVERDUE)

    def taken(platform: Platform) -> str:
        return str(Importer(platform)(raw, "owed.csv", ImportOptions(complete=complete)))

    run.cloud.operate(taken, Caller(PERSON))


def paid(run: Run) -> None:
    """`dunning paid`."""
    assert isinstance(run, FileRun)
    run.cloud.operate(lambda platform: str(Importer(platform).paid([run.invoice_number(0)])), Caller(PERSON))


def known_from_a_file(run: Run) -> None:
    """What was imported before is not due for long."""
    assert isinstance(run, FileRun)
    run.minute(1)
    run.cloud.import_invoices(run.file(["120.00"] * run.customers, due=LATER), "owed.csv", ImportOptions())
    run.minute(2)


def reminded(run: Run) -> None:
    """What is imported is reminded of."""
    imported(["120.00"], run)
    run.minute(1)


def not_imported_once(run: Run) -> Iterator[str]:
    """Each invoice is enrolled once; the one that is overdue is reminded of once."""
    yield from amiss(run, ("email first",), ("enrolled", "sent first", "plan_ended first"), waits=True)
    if run.customers > 1:
        yield from amiss(run, (), ("enrolled",), waits=True, customer=1)
    for customer in range(run.customers):
        if len(run.case(customer).invoices) != 1:
            yield f"known are {run.case(customer).invoices}"


def not_paid_once(run: Run) -> Iterator[str]:
    """Paid once by the log, and nothing that could remind is left."""
    for customer in range(run.customers):
        yield from amiss(run, (), ("enrolled", "paid"), customer=customer)
        if [invoice.status for invoice in run.case(customer).invoices.values()] != [Status.PAID]:
            yield f"it stands at {run.case(customer).invoices}"


READ_CUSTOMER = (LOAD, LOAD)
"""How a customer is reached: as it was, and as it is written; one that owed nothing before is left to its invoice."""
RECORDED = (GET, LOAD, WRITE)

FILES = (
    Scene(
        "first import",
        partial(told_until_done, partial(imported, ["120.00", "120.00"])),
        calls_of(PERSON, *READ_CUSTOMER, *READ_CUSTOMER, *RECORDED, TELL_QUEUE, *RECORDED),
        not_imported_once,
        customers=2,
        command="import",
        run=FileRun,
    ),
    Scene(
        "reminder of a file's invoice",
        reminded,
        (*calls_of("run_step", CLAIM, LOAD, LOAD, ORDER, SECRET, MAIL, WRITE), *MARKED_SENT),
        not_imported_once,
        lasts=BY_THE_CLAIM,
        run=FileRun,
        in_fresh_containers=True,
    ),
    Scene(
        "second import",
        partial(told_until_done, partial(imported, ["0.00", ""], complete=True)),
        calls_of(PERSON, *READ_CUSTOMER, *RECORDED, LOAD, *RECORDED),  # the one whom it lists, and whoever it leaves out
        not_paid_once,
        known_from_a_file,
        customers=2,
        command="import",
        run=FileRun,
    ),
    Scene(
        "paid",
        partial(told_until_done, paid),
        calls_of(PERSON, *RECORDED),
        not_paid_once,
        known_from_a_file,
        command="paid",
        run=FileRun,
    ),
)
