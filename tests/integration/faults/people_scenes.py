"""Scenes of people: customers answer, opt out and change, and our own give commands."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError

from dunning.bootstrap.cases import case_desk
from dunning.channels.unsubscribe_links import SignedUnsubscribeLinks
from dunning.domain.activity import ActivityType
from dunning.domain.errors import Retryable
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Status
from dunning.domain.replying import reply_token
from infra.case_actions import act
from infra.fee_answers import FeeAnswer
from infra.local.lambda_service import Caller, InvocationDied
from infra.operating import Answer
from tests.integration.faults.run import Run
from tests.integration.faults.scene import BY_THE_CLAIM, ONE_STEP, Scene
from tests.integration.faults.workflows import CLAIM, GET, LOAD, PUBLISH, SECRET, TELL_QUEUE, WRITE, calls_of

PERSON = "person"
"""Who gives a command; its calls fail like a function's."""

PROPOSED = ONE_STEP.replace(
    "    email: friendly\n", '    email: friendly\n    late_fee: {fixed: "2.50", percent: "1.5", basis: contract, mode: propose}\n'
)
STRICT = ONE_STEP.replace("    email: friendly\n", '    email: friendly\n    approve_above: {default: "100.00"}\n')
FEE = 4_30
"""USD 2.50 and 1.5 % of USD 120.00."""


def known(run: Run) -> None:
    """An invoice that is not due for long."""
    run.minute(1)
    run.enrol(due=20)
    run.minute(2)


def answers_by_mail(run: Run) -> None:
    """The customer answers to the address that names the case."""
    mail_from(run, f"pat{run.number}x0@example.com", f"replies+{reply_token(run.customer())}@replies.example")


def mail_from(run: Run, sender: str, to: str = "replies@replies.example") -> None:
    """A mail comes in."""
    lines = (f"From: {sender}", f"To: {to}", "Subject: Re: Invoice", f"Message-ID: <{run.number}@example.com>", "", "On Friday.", "")
    run.cloud.inbound_email("\r\n".join(lines).encode())
    run.cloud.settle()


def answers_by_text(words: str, run: Run) -> None:
    """The customer's telephone writes."""
    run.cloud.inbound_sms(run.phone, words)
    run.cloud.settle()


def log_of(run: Run) -> list[str]:
    """The first customer's log, without the notices of our own people."""
    return [activity.type.value for activity in run.log() if activity.type is not ActivityType.NOTIFIED]


def team_was_told(run: Run) -> int:
    """How often of the same thing."""
    told = Counter((entry["kind"], entry["step"], entry["subject"]) for entry in run.got() if entry["channel"] == "team")
    return max(told.values(), default=0)


def not_held_once(run: Run) -> Iterator[str]:
    """One hold, logged once, and the team was told."""
    profile = run.case().profile
    if set(profile.holds) != {HoldKind.REPLY} or profile.claim or profile.due_at or profile.notices:
        yield f"it is held by {set(profile.holds)}: {profile}"
    if log_of(run) != ["enrolled", "replied", "held"]:
        yield f"the log reads {log_of(run)}"
    if team_was_told(run) < 1:
        yield "the team was not told"
    if [entry["channel"] for entry in run.got() if entry["channel"] != "team"]:
        yield "the customer was written to"


def not_opted_out_once(channel: str, run: Run) -> Iterator[str]:
    """The wish is known, logged once, and holds nothing."""
    profile = run.case().profile
    if set(profile.opted_out) != {channel} or profile.is_held:
        yield f"opted out of {set(profile.opted_out)}, held by {set(profile.holds)}"
    if len(log_of(run)) != 2:
        yield f"the log reads {log_of(run)}"


def stranger_writes(run: Run) -> None:
    """An answer of nobody we know."""
    mail_from(run, f"stranger{run.number}@example.com")


def team_was_not_told_of_a_stranger(run: Run) -> Iterator[str]:
    """It belongs to no case."""
    subject = "An answer that belongs to no known customer"
    if not any(entry["subject"] == subject and f"stranger{run.number}@" in str(entry["text"]) for entry in run.cloud.outbox()):
        yield "the team was not told"


def clicks(run: Run, body: bytes = b"List-Unsubscribe=One-Click") -> None:
    """A mail program ends mail for its reader, and asks again until it is answered; or the reader says otherwise on our page."""
    (secret,) = [name for name in secrets_of(run) if "Link" in name]
    key = json.loads(run.cloud.session().client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])["key"]
    link = SignedUnsubscribeLinks(lambda: str(key).encode(), "https://portal").url(run.customer(), run.cloud.now) or ""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for _ in range(4):
        answer = run.cloud.request("POST", link.removeprefix("https://portal"), "", headers, body)
        run.cloud.settle()
        if answer.status == 200:
            return
    raise AssertionError("it was never answered")


def left(how: Callable[[Run], None], run: Run) -> None:
    """An invoice is known of a customer who did not want to hear from us by one way."""
    known(run)
    how(run)
    run.minute(4)


def not_back_once(run: Run) -> Iterator[str]:
    """Wanted again, logged once."""
    if run.case().profile.opted_out or log_of(run) != ["enrolled", "opted_out", "opted_in"]:
        yield f"opted out of {run.case().profile.opted_out}, the log reads {log_of(run)}"


def secrets_of(run: Run) -> list[str]:
    """Their names."""
    return [str(one["Name"]) for one in run.cloud.session().client("secretsmanager").list_secrets()["SecretList"]]


def told_until_done(command: Callable[[Run], None], run: Run) -> None:
    """A person gives a command, and gives it again where it failed."""
    for _ in range(4):
        with suppress(InvocationDied, ClientError, BotoCoreError, Retryable):
            command(run)
            run.cloud.settle()
            return
        run.cloud.settle()
    raise AssertionError("it was never done")


def promise(run: Run) -> None:
    """A person puts down what the customer promised on the telephone."""
    given = {"invoice": run.owed()["id"], "until": (run.begin + timedelta(days=7)).date().isoformat(), "amount": "60.00"}
    run.cloud.operate(lambda platform: act(case_desk(platform), run.customer(), "promise", given), Caller(PERSON))


def not_promised_once(run: Run) -> Iterator[str]:
    """One promise of the sum, logged once."""
    (invoice,) = run.case().invoices.values()
    if set(invoice.holds) != {HoldKind.PROMISE} or invoice.promises_made != 1 or not invoice.promise or invoice.promise.amount != 60_00:
        yield f"promised is {invoice.promise}, {invoice.promises_made} times, held by {set(invoice.holds)}"
    if log_of(run) != ["enrolled", "held"]:
        yield f"the log reads {log_of(run)}"


def overdue(run: Run) -> None:
    """The first step has come: it proposes a late fee, or waits for approval."""
    run.minute(1)
    run.enrol()
    run.minute(3)


def accepted(run: Run) -> None:
    """A person accepts it."""
    answer = FeeAnswer(run.customer(), str(run.owed()["id"]), None, accept=True)
    run.cloud.operate(answer.on_platform, Caller(PERSON))


def not_charged_once(run: Run) -> Iterator[str]:
    """One fee at Stripe, accepted and applied once by the log."""
    provider = run.running.sandbox.provider("stripe")
    assert provider is not None
    bare = run.customer().partition(":")[2]
    fees = [held["total"] for held in provider.invoices() if held["customer"] == bare and held["id"] != run.owed()["id"]]
    if fees != [FEE]:
        yield f"Stripe holds the fees {fees}"
    about_fees = [line for line in log_of(run) if line.startswith("fee")]
    if about_fees != ["fee_proposed", "fee_accepted", "fee_applied"]:
        yield f"the log reads {log_of(run)}"


def approved(run: Run) -> None:
    """A person lets the reminder go."""
    answer = Answer(run.customer(), str(run.owed()["id"]), approved=True, reason=None)
    run.cloud.operate(answer.on_platform, Caller(PERSON))


def not_approved_once(run: Run) -> Iterator[str]:
    """One reminder, after one approval."""
    log = [line for line in log_of(run) if line in ("approved", "sent")]
    if log != ["approved", "sent"]:
        yield f"the log reads {log_of(run)}"
    mails = [entry["step"] for entry in run.got() if entry["channel"] == "email"]
    if mails != ["first"]:
        yield f"the customer got {mails}"


def enrolled_elsewhere(run: Run) -> None:
    """It is the second customer's, and not due yet."""
    run.minute(1)
    run.tell("invoice.finalized", run.owed(1, due=1))
    run.minute(10)


def moves(run: Run) -> None:
    """It is the first customer's, and overdue."""
    mine, theirs = run.owed(0), run.owed(1)
    run.tell("invoice.updated", {**mine, "id": theirs["id"], "number": theirs["number"]})
    run.minute(11)


def not_moved(run: Run) -> Iterator[str]:
    """Closed there, open here, and nobody but the first customer was reminded, once."""
    here, there = run.case(0), run.case(1)
    standing = ([one.status for one in here.invoices.values()], [one.status for one in there.invoices.values()])
    if standing != ([Status.OPEN], [Status.DELETED]):
        yield f"it stands at {standing}"
    if [activity.type.value for activity in run.log(1)] != ["enrolled", "closed"]:
        yield f"the old log reads {[activity.type.value for activity in run.log(1)]}"
    if [entry["step"] for entry in run.got(1)] or there.profile.due_at:
        yield f"the wrong customer: {run.got(1)}, {there.profile.due_at}"
    reminders = Counter(f"{entry['channel']} {entry['step']}" for entry in run.got(0))
    if reminders["email first"] != 1 or max(count for name, count in reminders.items() if name.startswith("email")) != 1:
        yield f"the right customer got {reminders}"


HELD = calls_of("inbound_reply", LOAD, LOAD, LOAD, WRITE, TELL_QUEUE)
STOPPED = calls_of("inbound_reply", LOAD, LOAD, WRITE)
TOLD = calls_of("run_step", CLAIM, LOAD, PUBLISH, WRITE)

PEOPLE = (
    Scene("answer by mail", answers_by_mail, (*HELD, *TOLD), not_held_once, known, lasts=BY_THE_CLAIM),
    Scene("answer by text", partial(answers_by_text, "Which one is this?"), HELD, not_held_once, known, lasts=BY_THE_CLAIM),
    Scene("stop", partial(answers_by_text, "STOP"), STOPPED, partial(not_opted_out_once, "sms"), known),
    Scene("mail of a stranger", stranger_writes, calls_of("inbound_reply", LOAD, PUBLISH), team_was_not_told_of_a_stranger),
    Scene("one click", clicks, calls_of("customer_portal", SECRET, LOAD, WRITE), partial(not_opted_out_once, "email"), known),
    Scene("click back", partial(clicks, body=b"again=yes"), calls_of("customer_portal", LOAD, WRITE), not_back_once, partial(left, clicks)),
    Scene("start", partial(answers_by_text, "START"), STOPPED, not_back_once, partial(left, partial(answers_by_text, "STOP"))),
    Scene("promise", partial(told_until_done, promise), calls_of(PERSON, LOAD, WRITE), not_promised_once, known, command="case promise"),
    Scene(
        "accepted fee",
        partial(told_until_done, accepted),
        calls_of(PERSON, LOAD, WRITE, TELL_QUEUE),
        not_charged_once,
        overdue,
        plan=PROPOSED,
        command="fee accept",
        lasts=BY_THE_CLAIM,
    ),
    Scene(
        "approval",
        partial(told_until_done, approved),
        calls_of(PERSON, LOAD, WRITE, TELL_QUEUE),
        not_approved_once,
        overdue,
        plan=STRICT,
        command="approve",
        lasts=BY_THE_CLAIM,
    ),
    Scene(
        "invoice that moves",
        moves,
        (
            *calls_of("stripe_webhook", SECRET, LOAD, WRITE, TELL_QUEUE),
            *calls_of("sync_invoice", LOAD, SECRET, LOAD, LOAD, GET, WRITE, TELL_QUEUE),
        ),
        not_moved,
        enrolled_elsewhere,
        customers=2,
        lasts=BY_THE_CLAIM,
        in_fresh_containers=True,
    ),
)
