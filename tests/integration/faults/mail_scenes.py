"""Two mails that are due at one second, of which SES takes one."""

from collections.abc import Iterator

from tests.integration.faults.promises import amiss
from tests.integration.faults.run import Run, follow
from tests.integration.faults.scene import BY_THE_CLAIM, Scene
from tests.integration.faults.workflows import CLAIM, LOAD, MAIL, MARKED_SENT, ORDER, PLACE, RATE, SECRET, TELL_QUEUE, WRITE, calls_of

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
)
