"""Scenes of what an account is asked for as a list: what changed since the last sweep, and since a payment was taken off."""

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from dunning.domain.invoice import Status
from infra.local.sandbox.quickbooks import COMPANY, QuickBooksSandbox
from tests.integration.accounting.books import signature
from tests.integration.faults.books_run import BooksRun
from tests.integration.faults.books_scenes import (
    ASKED,
    PUBLISHED,
    customer_at,
    held_at,
    held_id,
    import_begins,
    leave_nothing_in,
    notes_at,
    reminded,
)
from tests.integration.faults.daily_scenes import PUT, at_xero, due_at_xero_which_is_taken_away, looked_at, not_released, xero_of
from tests.integration.faults.people_scenes import clicks
from tests.integration.faults.promises import amiss
from tests.integration.faults.rarer_workflows import METER, TOKENS
from tests.integration.faults.run import PLAN, Run
from tests.integration.faults.scene import BY_THE_CLAIM, ONE_STEP, Scene
from tests.integration.faults.workflows import CLAIM, GET, LOAD, RATE, SECRET, TELL_QUEUE, WRITE, calls_of

SOON_AGAIN = f"{ONE_STEP}  - id: second\n    at: {{after_previous: 10m}}\n    email: second_notice\n"
FAR_BACK = timedelta(hours=1)
"""What earlier runs changed is told no more to who asks for what changed since a little before now."""


def quickbooks_of(run: Run) -> QuickBooksSandbox:
    """QuickBooks, as it is played here."""
    provider = run.running.sandbox.provider("quickbooks")
    assert isinstance(provider, QuickBooksSandbox)
    return provider


def swept_before(source: str, run: Run) -> None:
    """An open invoice is known since the last sweep of its account, and paid since; no webhook told."""
    leave_nothing_in(source, run)
    run.cloud.advance_to(run.cloud.now + FAR_BACK)
    bare = held_at(source, run)
    run.empty_the_table()
    import_begins(source, run)
    run.begin = run.cloud.now + timedelta(minutes=20)
    run.minute(0)
    provider = run.running.sandbox.provider(source)
    assert provider is not None
    gone = {"Balance": 0.0} if source == "quickbooks" else {"Status": "PAID", "AmountDue": 0.0}
    provider.put_invoice(bare, json.dumps({**(provider.invoice(bare) or {}), **gone}).encode())


def paid_by_the_list(source: str, run: Run) -> Iterator[str]:
    """What was paid since is known, once."""
    customer = customer_at(source, run)
    case, log = run.cloud.cases().load(customer), run.cloud.cases().activities(customer)
    if case.invoices[held_id(source, run)].status is not Status.PAID or case.profile.claim:
        yield f"known is {case}"
    if [activity.type.value for activity in log] != ["enrolled", "paid"]:
        yield f"the log reads {[activity.type.value for activity in log]}"


def paid_in_part(run: Run) -> None:
    """An invoice of QuickBooks' is known, and a payment of which the next sweep would tell; then that payment is deleted there."""
    leave_nothing_in("quickbooks", run)
    held_at("quickbooks", run)
    lines = [{"Amount": 20, "LinkedTxn": [{"TxnId": held_id("quickbooks", run), "TxnType": "Invoice"}]}]
    quickbooks_of(run).put_transaction("Payment", f"7{run.number}", {"CustomerRef": {"value": f"c{run.number}"}, "Line": lines})
    provider = quickbooks_of(run)
    known = provider.invoice(held_id("quickbooks", run))
    assert known is not None
    provider.put_invoice(held_id("quickbooks", run), json.dumps({**known, "Balance": 100.0}).encode())
    run.empty_the_table()
    import_begins("quickbooks", run)
    run.begin = run.cloud.now + FAR_BACK
    run.minute(0)


def payment_deleted(run: Run) -> None:
    """The webhook names the payment, which is gone."""
    quickbooks_of(run).delete_transaction("Payment", f"7{run.number}")
    entity = {"name": "Payment", "id": f"7{run.number}", "operation": "Delete", "lastUpdated": run.cloud.now.isoformat()}
    body = json.dumps({"eventNotifications": [{"realmId": COMPANY, "dataChangeEvent": {"entities": [entity]}}]}).encode()
    for _ in range(3):  # Intuit repeats what was not answered
        if run.running.deliver(body, {"intuit-signature": signature(body, "local-quickbooks")}, "/webhooks/quickbooks") == 200:
            break
    run.minute(1)


def owed_again(run: Run) -> Iterator[str]:
    """All of it, and the log tells of it once."""
    customer = customer_at("quickbooks", run)
    case, log = run.cloud.cases().load(customer), run.cloud.cases().activities(customer)
    if case.invoices[held_id("quickbooks", run)].amount_due != 120_00 or case.profile.claim:
        yield f"known is {case}"
    (again,) = log[1:] or (None,)
    if len(log) != 2 or again is None or not (again.reason or "").startswith("amount_due"):
        yield f"the log reads {log}"


def waited_for_the_connection(run: Run) -> None:
    """A case of Xero's waits, for its consent was taken back; now it is given again."""
    due_at_xero_which_is_taken_away(run)
    looked_at(run)
    run.minute(BY_THE_CLAIM)
    assert at_xero(run)[1] == ["enrolled", "held"]
    xero_of(run).tokens.restore()


def an_hour_passes(run: Run) -> None:
    """Within it the connection is tried again, its book is read, and what waited goes on."""
    run.minute(60)


def nearly_no_requests_left(run: Run) -> None:
    """Xero takes hardly any more today."""
    run.minute(1)
    xero_of(run).left_today(150)


def note_is_put_off(run: Run) -> None:
    """To tomorrow: a note is not urgent."""
    reminded("xero", run)
    run.minute(10)


def not_noted_the_day_after(run: Run) -> Iterator[str]:
    """It is noted then, once."""
    xero_of(run).left_today(5000)
    run.cloud.advance_to(run.cloud.now + timedelta(hours=26))
    noted = [note for note in notes_at("xero", run) if 'Reminder "first" sent by email' in note]
    if len(noted) != 1:
        yield f"noted is {notes_at('xero', run)}"
    leave_nothing_in("xero", run)


def known_and_entered(run: Run) -> None:
    """An invoice of QuickBooks' is known, not due for long."""
    assert isinstance(run, BooksRun)
    run.minute(1)
    run.entered(due=20)
    run.minute(6)


def merged_at_quickbooks(run: Run) -> None:
    """What the customer owed is another's, who stays; of the customer a webhook tells."""
    assert isinstance(run, BooksRun)
    run.merged()
    run.minute(12)


def not_moved_once(run: Run) -> Iterator[str]:
    """Closed here, enrolled there."""
    assert isinstance(run, BooksRun)
    cases, found = run.cloud.cases(), list[tuple[list[str], list[str], bool]]()
    for customer in (run.customer(), run.other_customer):
        case = cases.load(customer)
        log = [str(entry.type.value) for entry in cases.activities(customer) if entry.type.value in ("enrolled", "closed")]
        found.append(([invoice.status.value for invoice in case.invoices.values()], log, case.profile.due_at is not None))
    if found != [(["deleted"], ["enrolled", "closed"], False), (["open"], ["enrolled"], True)]:
        yield f"known are {found}"
    run.settle_with_provider()


def asked_by_mail_and_not(run: Run) -> None:
    """The first reminder went out, the second is due within a quarter of an hour; then the customer wants no more mail."""
    run.minute(1)
    run.phone = ""
    run.imported()
    run.stray_message()
    run.minute(2)
    clicks(run)
    run.minute(3)


def back_in_time(run: Run) -> None:
    """It was a mistake."""
    clicks(run, body=b"again=yes")


def not_reminded_all_the_same(run: Run) -> Iterator[str]:
    """The second step comes, at its time."""
    wished = [line for line in (entry.type.value for entry in run.log()) if line.startswith("opted")]
    got = [f"{entry['channel']} {entry['step']}" for entry in run.got()]
    if (wished, got) != (["opted_out", "opted_in"], ["email first", "email second"]):
        yield f"wished was {wished}, they got {got}"


def first_is_sent(run: Run) -> None:
    """The second step is the wheel's to find."""
    run.minute(1)
    run.imported()
    run.stray_message()
    run.minute(30)


def second_is_found(run: Run) -> None:
    """By the turn before it."""
    run.minute(52)


def not_sent_once(run: Run) -> Iterator[str]:
    """Both steps, once each."""
    yield from amiss(
        run, ("email first", "email second", "sms second"), ("enrolled", "sent first", "sent second", "plan_ended second"), waits=True
    )


CHANGED_SINCE = calls_of("daily_sweep", SECRET, LOAD, TELL_QUEUE, SECRET, SECRET, LOAD, METER, METER, GET, LOAD, WRITE)
RENEWED = (SECRET, SECRET, *TOKENS[2:])
RELEASING = (
    *calls_of("daily_sweep", LOAD, PUT, SECRET, SECRET, CLAIM, SECRET, LOAD, CLAIM, PUT, CLAIM, CLAIM, TELL_QUEUE),  # too early
    *calls_of("daily_sweep", PUT, *RENEWED, PUT, LOAD, PUT, TELL_QUEUE, LOAD, LOAD, CLAIM, TELL_QUEUE, LOAD),  # its book is read
    *calls_of("daily_sweep", CLAIM, LOAD, LOAD, WRITE, TELL_QUEUE, "dynamodb.DeleteItem"),
)
NOTE_PUT_OFF = (*PUBLISHED, *calls_of("write_back", GET, *ASKED, METER, TELL_QUEUE))
FETCHED_OF_THE_MERGED = (LOAD, LOAD, SECRET, SECRET, LOAD, METER, METER, METER, METER, LOAD, LOAD, METER, METER, LOAD, LOAD, METER, METER)


def second_sweep(source: str, *last: str) -> Scene:
    """What changed since the last one, to the message of what follows."""
    return Scene(
        f"second sweep of {source}",
        partial(import_begins, source),
        (*CHANGED_SINCE, *calls_of("daily_sweep", *last)),
        partial(paid_by_the_list, source),
        partial(swept_before, source),
        lasts=45,
        in_fresh_containers=True,
        more_calls_follow=True,
        spared=range(3),  # struck in the imports
    )


CHANGES = (
    second_sweep("quickbooks", LOAD, TELL_QUEUE),
    second_sweep("xero", TELL_QUEUE),
    Scene(
        "payment that is deleted",
        payment_deleted,
        (*calls_of("accounting_webhook", SECRET, TELL_QUEUE), *calls_of("sync_invoice", LOAD, METER, *RENEWED, METER, LOAD, WRITE)),
        owed_again,
        paid_in_part,
        lasts=45,
        in_fresh_containers=True,
        spared=range(6, 12),  # how a token is renewed is struck elsewhere
    ),
    Scene(
        "connection that is good again",
        an_hour_passes,
        RELEASING,
        not_released,
        waited_for_the_connection,
        lasts=150,
        in_fresh_containers=True,
        more_calls_follow=True,
        spared=range(29),  # the very same calls are struck in `connection that ends` and in the imports
    ),
    Scene(
        "note for which no request is left",
        note_is_put_off,
        NOTE_PUT_OFF,
        not_noted_the_day_after,
        nearly_no_requests_left,
        lasts=20,
        in_fresh_containers=True,
        spared=range(len(NOTE_PUT_OFF) - 2),  # struck in `note at xero`
    ),
    Scene(
        "customers who are merged",
        merged_at_quickbooks,
        (
            *calls_of("accounting_webhook", SECRET, TELL_QUEUE),
            *calls_of("sync_invoice", *FETCHED_OF_THE_MERGED, GET, WRITE, LOAD, LOAD, METER, METER),
        ),
        not_moved_once,
        known_and_entered,
        lasts=45,
        in_fresh_containers=True,
        run=BooksRun,
    ),
    Scene(
        "click back in time",
        back_in_time,
        calls_of("customer_portal", SECRET, LOAD, WRITE, TELL_QUEUE),
        not_reminded_all_the_same,
        asked_by_mail_and_not,
        lasts=60,
        plan=SOON_AGAIN,
        in_fresh_containers=True,
    ),
    Scene(
        "one timer that a turn finds",
        second_is_found,
        calls_of("dispatch_due", LOAD, GET, RATE, TELL_QUEUE),
        not_sent_once,
        first_is_sent,
        lasts=100,
        plan=PLAN.partition("  - id: escalate")[0],
        in_fresh_containers=True,
        more_calls_follow=True,
        spared=range(3),  # struck in the workflows
    ),
)
