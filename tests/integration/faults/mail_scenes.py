"""Two mails that are due at one second, of which SES takes one; and a day on which it takes no more."""

from collections.abc import Iterator

from tests.integration.faults.promises import amiss
from tests.integration.faults.run import Run, follow
from tests.integration.faults.scene import BY_THE_CLAIM, BY_THE_WHEEL, Scene
from tests.integration.faults.workflows import (
    CLAIM,
    LOAD,
    MAIL,
    MARK,
    MARKED_SENT,
    ORDER,
    PLACE,
    PUBLISH,
    RATE,
    SECRET,
    TELL_QUEUE,
    WRITE,
    calls_of,
)

REMINDED = ("enrolled", "sent first", "plan_ended first")


def two_at_once(run: Run) -> None:
    """Two customers' overdue invoices become known, and the account takes one mail a second."""
    run.cloud.mail.per_second = 1
    run.enrol()
    run.minute(1)
    run.cloud.mail.per_second = 14
    follow(run.running, run.plan)  # nobody remembers the rate


def not_one_each(run: Run) -> Iterator[str]:
    """Each customer is reminded once, and not at the same second."""
    for customer in range(run.customers):
        yield from amiss(run, ("email first",), REMINDED, waits=True, customer=customer)
    seconds = [mail["sent_at"] for customer in range(run.customers) for mail in run.got(customer)]
    if len(set(seconds)) != len(seconds):
        yield f"mails went out at {seconds}"


BY_EITHER = """
name: standard
timezone: UTC
steps:
  - id: first
    at: {after_due: 1d, time: "00:00"}
    email: friendly
    sms: friendly
  - id: second
    at: {after_previous: 43m}
    email: second_notice
    sms: second_notice
"""
ONE_BY_TEXT = 1


def one_by_mail_and_one_by_text(run: Run) -> None:
    """Both have had their first reminder; the second is due in a minute, and the wheel turns before."""
    run.tell("invoice.finalized", run.owed(customer_phone=None))
    run.tell("invoice.finalized", run.owed(ONE_BY_TEXT, customer_email=None))
    run.minute(38.5)


def without_quota(run: Run) -> None:
    """SES takes no mail of us while both fall due, and soon does again."""
    a_day, run.cloud.mail.per_day = run.cloud.mail.per_day, 0
    run.minute(43.5)
    run.cloud.mail.per_day = a_day


def not_each_by_its_channel(run: Run) -> Iterator[str]:
    """The text went while the mail had to wait; each came once."""
    log = ("enrolled", "sent first", "sent second", "plan_ended second")
    yield from amiss(run, ("email first", "email second"), log, waits=True)
    yield from amiss(run, ("sms first", "sms second"), log, waits=True, customer=ONE_BY_TEXT)


AT_ITS_SECOND = (CLAIM, LOAD, ORDER, RATE, PLACE, WRITE, TELL_QUEUE)

MAILS = (
    Scene(
        "two mails at one second",
        two_at_once,
        (
            *calls_of("run_step", CLAIM, LOAD, SECRET, ORDER, SECRET, MAIL, WRITE),
            *MARKED_SENT,
            *calls_of("run_step", *AT_ITS_SECOND),
            *calls_of("run_step", CLAIM, LOAD, MAIL, WRITE),
            *MARKED_SENT,
        ),
        not_one_each,
        customers=2,
        lasts=BY_THE_CLAIM,
        in_fresh_containers=True,
    ),
    Scene(
        "day without quota",
        without_quota,
        (
            *calls_of("dispatch_due", LOAD, ORDER, RATE, "sqs.SendMessageBatch", "dynamodb.PutItem"),
            *calls_of("run_step", CLAIM, LOAD, WRITE),
            *calls_of("run_step", CLAIM, LOAD, MARK, PUBLISH, WRITE),
        ),
        not_each_by_its_channel,
        one_by_mail_and_one_by_text,
        lasts=44 + BY_THE_WHEEL,
        plan=BY_EITHER,
        customers=2,
    ),
)
