"""What happens less often: a case put aside and taken up again, messages about several invoices, books instead of Stripe."""

from functools import partial

from dunning.workflow.last_check import MOST_IN_ONE_TRANSACTION
from infra.local.queues import DeadLetter
from tests.integration.faults.books_run import BooksRun
from tests.integration.faults.run import ALARMED_AFTER, ONE_MESSAGE, PLAN, RECOVERY, TOGETHER, Run, follow
from tests.integration.faults.workflows import (
    CLAIM,
    ESCALATED,
    GET,
    LOAD,
    MAIL,
    MARK,
    MARKED_SENT,
    OPTED_OUT,
    ORDER,
    PUBLISH,
    SECOND,
    SECRET,
    TELL_QUEUE,
    TOLD,
    WHOLE_LOG,
    WRITE,
    Workflow,
    calls_of,
    nothing,
    told_and_then,
    until,
)

POISONED = PLAN.replace("    email: second_notice\n", '    if: "1 / (amount_due - 120) > 0"\n    email: second_notice\n')
"""Whether the second step runs cannot be said of an invoice of 120.00."""

MANY = MOST_IN_ONE_TRANSACTION + 1
"""Invoices that cannot be settled in one transaction."""

LOOK = "sqs.ReceiveMessage"
TOKENS = (SECRET, SECRET, CLAIM, SECRET, LOAD, SECRET, "secretsmanager.PutSecretValue", CLAIM)
"""How an access token is renewed: under a lease, by one worker."""

METER = "dynamodb.PutItem"
"""Each request to an accounting provider is counted, for all functions together."""

PARKED_LOG = ("enrolled", "sent first", "held", "released", *WHOLE_LOG[2:])


def alarmed(run: Run) -> list[DeadLetter]:
    """A person is told what is put aside, and does nothing yet; after a fault it may take until a claim has run out."""
    told_by = run.cloud.now + RECOVERY
    while run.cloud.now < told_by:
        run.cloud.advance_to(run.cloud.now + ALARMED_AFTER)
        if letters := run.cloud.dead_letters():
            return letters
    return []


def mended(run: Run) -> None:
    """The policy is corrected."""
    assert [entry["step"] for entry in run.got()] == ["first"]
    follow(run.running, PLAN)


def mended_and_redriven(run: Run) -> None:
    """The policy is corrected; a person sends back what was put aside."""
    mended(run)
    redriven_until_done(run)


def parked_and_mended(run: Run) -> None:
    """The second step cannot be decided: the case is put aside. Then the policy is corrected."""
    told_and_then(SECOND + 0.5, run)
    assert [letter["queue"] for letter in run.cloud.dead_letters()] == ["RunDeadLetters"], "it was not put aside"
    mended(run)


def redriven_until_done(run: Run) -> None:
    """A person asks again, each time after the messages that were looked at are seen again."""
    for _ in range(6):
        run.cloud.advance_to(run.cloud.now + ALARMED_AFTER)
        if not run.cloud.dead_letters():
            return
        run.redriven_by_a_person()
    raise AssertionError(f"what was put aside could not be sent back: {run.cloud.dead_letters()}")


def known_together(run: Run) -> None:
    """Several invoices of one customer are known, and the first message about them goes out."""
    run.minute(TOLD)
    run.imported()
    run.stray_message()
    run.minute(SECOND - 0.5)


def known_and_due(run: Run) -> None:
    """Many invoices of one customer are known and due."""
    run.minute(TOLD)
    run.imported()


def all_paid(run: Run) -> None:
    """More than an hour after the last message all is paid."""
    run.minute(115)
    run.imported(paid_in_full=True)


def entered(run: Run) -> None:
    """An invoice that is not overdue yet is entered in the books."""
    assert isinstance(run, BooksRun)
    run.entered(due=1)


def overdue_in_the_books(run: Run) -> None:
    """The due date is put to yesterday."""
    assert isinstance(run, BooksRun)
    run.minute(60)
    run.entered()


RARER = (
    Workflow(
        "parking",
        partial(told_and_then, SECOND - 0.5),
        partial(until, SECOND + 0.5),
        calls_of("run_step", CLAIM, LOAD, SECRET, OPTED_OUT, TELL_QUEUE, WRITE),
        mended_and_redriven,
        log=PARKED_LOG,
        log_after_a_fault=WHOLE_LOG,  # the person came between the dead letter and the hold
        plan=POISONED,
        a_person_comes=alarmed,
        put_aside=True,
    ),
    Workflow(
        "redrive",
        parked_and_mended,
        Run.redriven_by_a_person,
        calls_of("redrive", LOOK, LOOK, LOAD, WRITE, TELL_QUEUE, "sqs.DeleteMessage", LOOK, LOOK, LOOK, LOOK, LOOK),
        redriven_until_done,
        log=PARKED_LOG,
        plan=POISONED,
        a_person_comes=alarmed,
        may_be_put_aside=True,
    ),
    Workflow(
        "early message",
        partial(told_and_then, ESCALATED - 5),
        Run.stray_message,
        calls_of("run_step", CLAIM, TELL_QUEUE),
    ),
    Workflow(
        "books",
        nothing,
        entered,
        (*calls_of("accounting_webhook", SECRET, TELL_QUEUE), *calls_of("sync_invoice", GET, LOAD, METER, *TOKENS, METER, LOAD, WRITE)),
        overdue_in_the_books,
        got=("email first", "email second", "team escalate"),
        log=("enrolled", "updated", *WHOLE_LOG[1:]),
        run=BooksRun,
        in_fresh_containers=True,
    ),
    Workflow(
        "several invoices",
        known_together,
        partial(until, SECOND + 0.5),
        (*calls_of("run_step", CLAIM, LOAD, SECRET, OPTED_OUT, SECRET, MAIL, MARK, PUBLISH, WRITE), *MARKED_SENT),
        all_paid,
        got=("email first", "email second", "sms second"),
        log=("enrolled", "sent first", "sent second", "plan_ended second", "paid"),
        invoices=2,
        plan=TOGETHER,
    ),
    Workflow(
        "several transactions",
        known_and_due,
        Run.stray_message,
        (*calls_of("run_step", CLAIM, LOAD, SECRET, ORDER, SECRET, MAIL, WRITE, LOAD, WRITE), *MARKED_SENT),
        all_paid,
        got=("email first",),
        log=("enrolled", "sent first", "plan_ended first", "paid"),
        invoices=MANY,
        plan=ONE_MESSAGE,
    ),
)
