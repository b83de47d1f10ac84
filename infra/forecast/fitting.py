"""Which invoices a policy that is tried by itself would not be chosen for."""

from collections.abc import Sequence
from datetime import datetime

from dunning.content.policy_book import STANDARD, PolicyBook
from dunning.domain.case import Case, Profile
from dunning.domain.evolving import replace
from dunning.workflow.sources import recorder_for
from infra.invoice_file import InvoiceRow

_MOST_NAMED = 5


def unfitting(rows: Sequence[InvoiceRow], book: PolicyBook, now: datetime) -> tuple[str, ...]:
    """The numbers of the invoices that a deployed stack would give another policy, its standard one, than the only one of this book."""
    policy = book.default
    if len(book.by_name) > 1 or policy.name == STANDARD or policy.applies_to is None:
        return ()
    others = replace(policy, name=STANDARD, applies_to=None)
    deployed = PolicyBook.of({policy.name: policy, STANDARD: others})
    return tuple(row.snapshot.number for row in rows if _followed(row, deployed, now) == STANDARD)


def told(name: str, found: Sequence[str], of: int) -> str:
    """In a line: `key_accounts would not apply to 2 of 7 invoices (R-1, R-2): ...`."""
    named = ", ".join(found[:_MOST_NAMED]) + (", …" if len(found) > _MOST_NAMED else "")
    return (
        f"{name} would not apply to {len(found):,} of {of:,} invoices ({named}): they do not meet its applies_to, and are run through it "
        "all the same. Give the folder of all policies to see what each follows."
    )


def _followed(row: InvoiceRow, book: PolicyBook, now: datetime) -> str | None:
    recorder = recorder_for(row.customer, book, now, "simulation")
    case = recorder.record(Case(Profile(row.customer)), replace(row.snapshot, stamp=now), fetched=True).case
    return next((invoice.policy for invoice in case.invoices.values()), None)
