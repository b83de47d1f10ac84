"""Scenes at the sources: a reminder is noted there, and a company's invoices are imported."""

import json
from collections.abc import Iterator
from functools import partial
from typing import cast

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, Profile
from dunning.domain.invoice import Status
from dunning.storage.queues import SweepContinuations
from dunning.workflow.disconnections import ACCOUNTS
from dunning.workflow.sweep_ports import SweepStage
from infra.local.sandbox.quickbooks import COMPANY
from infra.local.sandbox.xero import TENANT
from tests.integration.accounting.books import quickbooks_invoice, xero_invoice
from tests.integration.faults.rarer_workflows import METER
from tests.integration.faults.run import Run, queue_of
from tests.integration.faults.scene import Scene
from tests.integration.faults.workflows import CLAIM, GET, LOAD, SECRET, TELL_QUEUE, WRITE, calls_of

PUT_EVENTS = "events.PutEvents"
ACCOUNT = {"stripe": "", "quickbooks": f"{COMPANY}:", "xero": f"{TENANT}:"}


def held_at(source: str, run: Run) -> str:
    """An invoice stands in the books, not due yet; its bare id."""
    due = (run.begin.date().replace(year=run.begin.year + 1)).isoformat()
    if source == "stripe":
        run.stripe_says(run.owed(due=20))
        return str(run.owed()["id"])
    bare = f"{source[0]}{run.number}"
    contact = {"ContactID": f"c{run.number}", "Name": "Pat Doe", "EmailAddress": f"pat{run.number}@example.com"}
    invoices = {
        "quickbooks": quickbooks_invoice(bare, DueDate=due, CustomerRef={"value": f"c{run.number}", "name": "Pat Doe"}),
        "xero": xero_invoice(bare, DueDateString=f"{due}T00:00:00", Contact=contact),
    }
    provider = run.running.sandbox.provider(source)
    assert provider is not None
    provider.put_invoice(bare, json.dumps(invoices[source]).encode())
    return bare


def customer_at(source: str, run: Run) -> str:
    """The full id."""
    return run.customer() if source == "stripe" else f"{source}:{ACCOUNT[source]}c{run.number}"


def reminded(source: str, run: Run) -> None:
    """The log of a case grows by a reminder that was sent."""
    customer = customer_at(source, run)
    sent = Activity(run.cloud.now, ActivityType.SENT, "due", (held_at(source, run),), "first", "run_step", "email", "claim")
    run.cloud.cases().save(Case(Profile(customer)), Case(Profile(customer)), [sent])
    run.cloud.settle()


def notes_at(source: str, run: Run) -> list[str]:
    """What a bookkeeper reads."""
    provider = run.running.sandbox.provider(source)
    assert provider is not None
    shown = provider.invoice(held_id(source, run)) or {}
    metadata = cast("dict[str, str]", shown.get("metadata") or {})
    records = cast("list[dict[str, str]]", shown.get("HistoryRecords") or [])
    lines = [*str(shown.get("PrivateNote") or "").splitlines(), *(record["Details"] for record in records)]
    return [*(text for key, text in metadata.items() if key.startswith("dunning_0")), *lines]


def held_id(source: str, run: Run) -> str:
    """The bare id of the invoice in the books."""
    return str(run.owed()["id"]) if source == "stripe" else f"{source[0]}{run.number}"


def not_noted_once(source: str, run: Run) -> Iterator[str]:
    """One note, and the bus was told."""
    notes, day = notes_at(source, run), run.begin.date().isoformat()
    if [note.partition(" [")[0] for note in notes] != [f'{day} dunning: Reminder "first" sent by email']:
        yield f"noted is {notes}"
    customer = customer_at(source, run)
    told = {event["detail_type"] for event in run.cloud.events() if event["detail"]["customer"] == customer}
    if told != {"activity.sent"}:
        yield f"the bus was told of {told}"


def import_begins(source: str, run: Run) -> None:
    """The first sweep of a company, by its message."""
    sqs, url = queue_of(run.cloud, "SweepQueue")
    at = run.cloud.now
    SweepContinuations(sqs, url).send(SweepStage(source, f"{source}:{at:%Y-%m-%dT%H:%M}", ACCOUNTS, at))
    run.cloud.settle()


def not_imported(source: str, run: Run) -> Iterator[str]:
    """The invoice is known, once, and follows its plan."""
    customer = customer_at(source, run)
    case, log = run.cloud.cases().load(customer), run.cloud.cases().activities(customer)
    found = [(invoice.id, invoice.status) for invoice in case.invoices.values()]
    if found != [(held_id(source, run), Status.OPEN)] or case.profile.due_at is None or case.profile.claim:
        yield f"known are {found}: {case.profile}"
    if [activity.type for activity in log] != [ActivityType.ENROLLED]:
        yield f"the log reads {[activity.type.value for activity in log]}"


def leave_nothing_in(source: str, run: Run) -> None:
    """What earlier runs put into the books is paid."""
    provider = run.running.sandbox.provider(source)
    assert provider is not None
    for held in provider.invoices():
        bare = str(held.get("Id") or held.get("InvoiceID"))
        gone = {"Balance": 0.0} if source == "quickbooks" else {"Status": "PAID", "AmountDue": 0.0}
        provider.put_invoice(bare, json.dumps({**held, **gone}).encode())


def only_this_in_the_books(source: str, run: Run) -> None:
    """One open invoice."""
    leave_nothing_in(source, run)
    held_at(source, run)


PUBLISHED = calls_of("publish_activity", PUT_EVENTS, TELL_QUEUE)
ASKED = (LOAD, METER, SECRET, SECRET, CLAIM, SECRET, LOAD, SECRET, "secretsmanager.PutSecretValue", CLAIM, METER)
"""Requests to a provider: counted, and with a new token, that is looked for in the index, in its secret, and there again."""

ACCOUNTS_ASKED = calls_of("daily_sweep", SECRET, LOAD, TELL_QUEUE)
LISTED = calls_of("daily_sweep", LOAD, WRITE, METER, TELL_QUEUE)
VANISHED_AND_RELEASED = calls_of("daily_sweep", LOAD, LOAD, CLAIM, TELL_QUEUE, LOAD, LOAD)


def imported(source: str) -> Scene:
    """The first sweep of a company: its accounts, a page of what is open, what vanished, what waited for the connection."""
    calls = (*ACCOUNTS_ASKED, *calls_of("daily_sweep", *ASKED), *LISTED, *VANISHED_AND_RELEASED)
    return Scene(
        f"import from {source}",
        partial(import_begins, source),
        calls,
        partial(not_imported, source),
        partial(only_this_in_the_books, source),
        in_fresh_containers=True,
        lasts=45,  # a message of the sweep is seen again after half an hour
    )


def noted(source: str) -> Scene:
    """A reminder is noted in the books."""
    calls = (*PUBLISHED, *calls_of("write_back", GET, *ASKED))
    return Scene(
        f"note at {source}",
        partial(reminded, source),
        calls,
        partial(not_noted_once, source),
        in_fresh_containers=True,
    )


BOOKS = (
    Scene(
        "note at stripe",
        partial(reminded, "stripe"),
        (*PUBLISHED, *calls_of("write_back", GET, SECRET)),
        partial(not_noted_once, "stripe"),
        in_fresh_containers=True,
    ),
    noted("quickbooks"),
    noted("xero"),
    imported("quickbooks"),
    imported("xero"),
)
