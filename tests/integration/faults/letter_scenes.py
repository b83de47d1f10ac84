"""Scenes of `dunning redrive` with letters that are no parked case's, and of a mail that SES refused after taking it."""

from collections.abc import Iterator
from functools import partial

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.holds import HoldKind
from dunning.storage.note_queues import written
from dunning.workflow.activity_feed import LoggedActivity, NoteRequest
from infra.local.faults import Aim, FaultMode
from tests.integration.faults.books_scenes import notes_at
from tests.integration.faults.delivery_scenes import FEEDBACK, REMINDED, reminded, reported
from tests.integration.faults.pointing_scenes import less_is_owed
from tests.integration.faults.promises import amiss
from tests.integration.faults.rarer_workflows import LOOK, redriven_until_done
from tests.integration.faults.run import Run, queue_of
from tests.integration.faults.scene import BY_THE_CLAIM, Scene
from tests.integration.faults.workflows import CLAIM, LOAD, PUBLISH, TELL_QUEUE, WRITE, calls_of

NOTED_AS = "01JZZZZZZZZZZZZZZZZZZZZZZZ"
ATTEMPTS = 4 * 3
"""Of a call by delivery_feedback: the SDK's, at each of the three times that Lambda invokes it."""


def three_letters(run: Run) -> None:
    """Put aside are a change of an invoice, a note, and a report of SES that could not be recorded; then all is mended."""
    reminded(run)
    run.cloud.add_fault("dynamodb", "Query", FaultMode.ERROR, ATTEMPTS, Aim("delivery_feedback"))
    reported("open", run)
    run.minute(8)
    less_is_owed(run)
    customer, invoice = run.customer(), str(run.owed()["id"])
    lay_aside(run, "SyncDeadLetters", f'{{"source": "stripe", "kind": "invoice", "id": "{invoice}", "customer": "{customer}"}}')
    sent = Activity(run.begin, ActivityType.SENT, "due", (invoice,), "second", "run_step", "email", "claim")
    lay_aside(run, "NoteDeadLetters", written(NoteRequest(customer, invoice, (LoggedActivity(NOTED_AS, customer, sent),))))
    assert len(run.cloud.dead_letters()) == 3


def lay_aside(run: Run, queue: str, body: str) -> None:
    """As a function does with what no retry helps."""
    sqs, url = queue_of(run.cloud, queue)
    sqs.send_message(QueueUrl=url, MessageBody=body)


def not_made_good_once(run: Run) -> Iterator[str]:
    """Each had its effect, once."""
    either = ["partly_paid", "opened first"]
    if run.log()[-1].type is ActivityType.PARTLY_PAID:
        either.reverse()
    yield from amiss(run, ("email first",), ("enrolled", *REMINDED, *either), waits=True)
    (invoice,) = run.case().invoices.values()
    if len(invoice.opened_mails) != 1 or invoice.amount_due != 100_00:
        yield f"known is {invoice}"
    noted = [note for note in notes_at("stripe", run) if '"second"' in note]
    if len(noted) != 1:
        yield f"noted is {notes_at('stripe', run)}"


def not_held_for_the_refused_mail(run: Run) -> Iterator[str]:
    """A person must look at it, and is told."""
    log = ("enrolled", *REMINDED, "undelivered first", "held first", "notified")
    yield from amiss(run, ("email first", "team notice"), log, {HoldKind.UNDELIVERABLE}, waits=True)


LETTERS = (
    Scene(
        "redrive of other letters",
        redriven_until_done,
        calls_of(
            "redrive",
            *(LOOK, LOOK, LOOK, TELL_QUEUE, "sqs.DeleteMessage"),  # none parked, and one to sync
            *(LOOK, LOOK, LOOK, TELL_QUEUE, "sqs.DeleteMessage"),  # no sweep, and one note
            *(LOOK, LOOK, LOOK, PUBLISH, "sqs.DeleteMessage"),  # nothing unpublished, and one report
        ),
        not_made_good_once,
        three_letters,
        lasts=BY_THE_CLAIM,
        spared=(0, 5, 10),  # queues with nothing in them: struck in the workflow `redrive`
    ),
    Scene(
        "mail that SES refuses after taking it",
        partial(reported, "reject"),
        (*FEEDBACK[1:], *calls_of("run_step", CLAIM, LOAD, PUBLISH, WRITE)),  # nothing is marked as sent
        not_held_for_the_refused_mail,
        reminded,
        lasts=BY_THE_CLAIM,
    ),
)
