"""Every workflow with its AWS calls, in order: what a fault can strike."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from infra.local.queues import DeadLetter
from tests.integration.end_to_end.driver import Json, paid
from tests.integration.faults.run import PLAN, Run

TOLD = 5
"""The minute in which the invoices become known, and the first reminder goes out."""
SECOND = TOLD + 40
ESCALATED = SECOND + 10

AFTERWARDS = frozenset({"publish_activity", "write_back"})
"""Functions that tell others of what was done: they are struck in a workflow of their own."""

WHOLE_PLAN = ("email first", "email second", "sms second", "team escalate")
WHOLE_LOG = ("enrolled", "sent first", "sent second", "escalated escalate")


def nothing(_run: Run) -> None:
    """There is nothing to be done."""


@dataclass(frozen=True)
class Workflow:
    """What leads up to it, the act that faults strike, what comes later, and how its first customer must end.

    `calls` are the act's AWS calls without any fault, in fresh containers, as `function service.Operation`. The last
    `bystanders` customers get nothing. `a_person_comes` says what a person does soon after the act, and finds put aside; whether
    anything must be is said by `put_aside`, and by `may_be_put_aside` for when something failed; `log_after_a_fault`: how the
    log may read then, too. `in_fresh_containers`: a container asks some of this once only, and keeps it.
    """

    name: str
    prepare: Callable[[Run], None]
    act: Callable[[Run], None]
    calls: tuple[str, ...]
    later: Callable[[Run], None] = nothing
    got: tuple[str, ...] = WHOLE_PLAN
    log: tuple[str, ...] = WHOLE_LOG
    customers: int = 1
    bystanders: int = 0
    bystanders_log: tuple[str, ...] = ()
    before_the_sweep: bool = False
    more_calls_follow: bool = False
    is_afterwards: bool = False
    invoices: int = 1
    plan: str = PLAN
    run: type[Run] = Run
    a_person_comes: Callable[[Run], list[DeadLetter]] = Run.redrive_soon
    put_aside: bool = False
    may_be_put_aside: bool = False
    log_after_a_fault: tuple[str, ...] = ()
    in_fresh_containers: bool = False

    def __str__(self) -> str:
        return self.name


def told_and_then(minute: float, run: Run) -> None:
    """The overdue invoices are known, and what is due until then has happened."""
    run.minute(TOLD)
    run.enrol()
    run.minute(minute)


def until(minute: float, run: Run) -> None:
    """Let time pass."""
    run.minute(minute)


def due_tomorrow(run: Run) -> None:
    """An invoice that is not overdue yet."""
    run.enrol(due=1)


def overdue_at_last(run: Run) -> None:
    """The due date is put to yesterday."""
    run.minute(60)
    assert run.got() == [], "reminded of what is not overdue"
    run.tell("invoice.updated", run.owed())


def told_within_a_minute(run: Run) -> None:
    """A second word so close to the first that Stripe must be asked."""
    run.tell("invoice.updated", run.owed(amount_paid=2000, amount_remaining=10000))


def dispute(run: Run, status: str) -> Json:
    """A chargeback of the invoice."""
    number = run.number
    charged = {"charge": f"ch_{number}", "payment_intent": f"pi_{number}"}
    return {"id": f"dp_{number}", "object": "dispute", **charged, "status": status, "amount": 1}


def contestable(run: Run) -> None:
    """An invoice with a payment that can be disputed; the first reminder of it has gone out."""
    payment = {"type": "payment_intent", "payment_intent": f"pi_{run.number}"}
    run.minute(TOLD)
    run.tell("invoice.finalized", run.owed(payments={"object": "list", "data": [{"id": f"inpay_{run.number}", "payment": payment}]}))
    run.minute(TOLD + 3)


def disputed(run: Run) -> None:
    """The chargeback becomes known."""
    run.tell("charge.dispute.created", dispute(run, "needs_response"))


def dispute_won(run: Run) -> None:
    """More than an hour later it is over."""
    run.minute(100)
    assert len(run.got()) == 1, "a disputed invoice was reminded of"
    run.tell("charge.dispute.closed", dispute(run, "won"))


def paid_and_thanked(run: Run) -> None:
    """The payment's webhook, and the thank-you."""
    run.tell("invoice.paid", paid(run.owed()))
    run.minute(TOLD + 4)


def told_without_telephone(run: Run) -> None:
    """The first reminder has gone to a customer who can be reached by mail only."""
    run.phone = ""
    told_and_then(TOLD + 3, run)


def bounced(run: Run) -> None:
    """The first reminder's address does not exist."""
    (mail,) = run.got()
    run.cloud.ses_event(mail["to"][0], "bounce", "permanent")
    run.cloud.settle()


def new_address(run: Run) -> None:
    """More than an hour later there is another one."""
    run.minute(100)
    assert "second" not in [entry["step"] for entry in run.got()], "a mail went to an address that does not exist"
    customer = {"id": run.owed()["customer"], "object": "customer", "email": f"new{run.number}@example.com", "name": "Pat Doe"}
    run.tell("customer.updated", customer)


def missed_by_webhooks(run: Run) -> None:
    """One invoice that no webhook told of, and one that was paid without one."""
    run.minute(2)
    run.tell("invoice.finalized", run.owed(1, due=1))
    run.stripe_says(run.owed(0, due=1))
    run.minute(10)
    run.stripe_says(paid(run.owed(1, due=1)))
    run.minute(59.5)


def overdue_after_the_sweep(run: Run) -> None:
    """What the sweep found follows its plan."""
    run.minute(180)
    assert run.case(1).invoices[str(run.owed(1)["id"])].status == "paid", "what vanished from the list was not asked for"
    run.tell("invoice.updated", run.owed())


def calls_of(function: str, *calls: str) -> tuple[str, ...]:
    """A function's calls, in order."""
    return tuple(f"{function} {call}" for call in calls)


SECRET = "secretsmanager.GetSecretValue"
LOAD, GET, WRITE = "dynamodb.Query", "dynamodb.GetItem", "dynamodb.TransactWriteItems"
ORDER = GET
"""Whether others have waited longer for SES's quota: asked by the wheel, and before a mail that the wheel has not let go."""
CLAIM = MARK = PLACE = "dynamodb.UpdateItem"
RATE = "sesv2.GetAccount"
"""How many mails a second SES takes: a lone mail need not ask."""
OPTED_OUT = "sns.CheckIfPhoneNumberIsOptedOut"
"""Asked of SNS before a step that sends an SMS: a number that answered STOP gets none."""
TELL_QUEUE, MAIL, PUBLISH = "sqs.SendMessage", "sesv2.SendEmail", "sns.Publish"

RECORDED = calls_of("stripe_webhook", SECRET, LOAD, WRITE)
RECORDED_AND_DUE = (*RECORDED, *calls_of("stripe_webhook", TELL_QUEUE))
ASKED_FOR = calls_of("sync_invoice", LOAD, SECRET, WRITE)
MARKED_SENT = calls_of("delivery_feedback", MARK)

WORKFLOWS = (
    Workflow(
        "publishing",
        nothing,
        due_tomorrow,
        calls_of("publish_activity", "events.PutEvents"),
        overdue_at_last,
        log=("enrolled", "updated", *WHOLE_LOG[1:]),
        is_afterwards=True,
    ),
    Workflow("new invoice", nothing, due_tomorrow, RECORDED, overdue_at_last, log=("enrolled", "updated", *WHOLE_LOG[1:])),
    Workflow(
        "first reminder",
        nothing,
        partial(told_and_then, TOLD + 1),
        (*RECORDED_AND_DUE, *calls_of("run_step", CLAIM, LOAD, SECRET, ORDER, SECRET, MAIL, WRITE), *MARKED_SENT),
    ),
    Workflow(
        "doubtful webhook",
        partial(told_and_then, TOLD + 1 / 3),
        told_within_a_minute,
        (*calls_of("stripe_webhook", SECRET, LOAD, TELL_QUEUE), *ASKED_FOR),
        log=("enrolled", "sent first", "partly_paid", *WHOLE_LOG[2:]),
    ),
    Workflow(
        "dispute",
        contestable,
        disputed,
        (*calls_of("stripe_webhook", SECRET, TELL_QUEUE), *calls_of("sync_invoice", SECRET, LOAD, WRITE)),
        dispute_won,
        log=("enrolled", "sent first", "held", "released", *WHOLE_LOG[2:]),
    ),
    Workflow(
        "dispatch turn",
        partial(told_and_then, 39.5),
        partial(until, 40.5),
        calls_of("dispatch_due", LOAD, ORDER, RATE, "sqs.SendMessageBatch"),
        customers=3,
    ),
    Workflow(
        "second reminder",
        partial(told_and_then, SECOND - 0.5),
        partial(until, SECOND + 0.5),
        (*calls_of("run_step", CLAIM, LOAD, SECRET, OPTED_OUT, SECRET, MAIL, MARK, PUBLISH, WRITE, TELL_QUEUE), *MARKED_SENT),
    ),
    Workflow(
        "escalation",
        partial(told_and_then, ESCALATED - 0.5),
        partial(until, ESCALATED + 0.5),
        calls_of(
            "run_step", CLAIM, LOAD, SECRET, LOAD, PUBLISH, WRITE, CLAIM
        ),  # the log is read; two messages: the step's before, and the wheel's
    ),
    Workflow(
        "payment and thanks",
        partial(told_and_then, TOLD + 3),
        paid_and_thanked,
        (*RECORDED_AND_DUE, *calls_of("run_step", CLAIM, LOAD, ORDER, MAIL, WRITE), *MARKED_SENT),
        got=("email first", "email thank_you"),
        log=("enrolled", "sent first", "paid", "sent"),
    ),
    Workflow(
        "bounce",
        told_without_telephone,
        bounced,
        (*calls_of("delivery_feedback", MARK, LOAD, WRITE, TELL_QUEUE), *calls_of("run_step", CLAIM, LOAD, PUBLISH, WRITE)),
        new_address,
        got=("email first", "team notice", "email second", "team escalate"),
        log=("enrolled", "sent first", "undelivered first", "held first", "notified", "updated", "released", *WHOLE_LOG[2:]),
    ),
    Workflow(
        "daily sweep",
        missed_by_webhooks,
        partial(until, 61),
        (
            *calls_of("dispatch_due", LOAD),
            *calls_of("daily_sweep", TELL_QUEUE, TELL_QUEUE, TELL_QUEUE, TELL_QUEUE, SECRET, LOAD, WRITE, "dynamodb.PutItem", TELL_QUEUE),
            *calls_of("daily_sweep", LOAD, "dynamodb.PutItem"),  # what was imported from files
            *calls_of("daily_sweep", SECRET, LOAD, TELL_QUEUE, SECRET, LOAD, TELL_QUEUE, LOAD, LOAD, TELL_QUEUE),
            *ASKED_FOR,
        ),
        overdue_after_the_sweep,
        log=("enrolled", "updated", *WHOLE_LOG[1:]),
        customers=2,
        bystanders=1,
        bystanders_log=("enrolled", "paid"),
        before_the_sweep=True,
        more_calls_follow=True,  # the companies of QuickBooks and Xero, page by page
    ),
)
