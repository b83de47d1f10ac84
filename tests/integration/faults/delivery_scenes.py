"""Scenes of what SES reports of a mail, and of customers who change at their source."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from dunning.domain.holding import hold_case
from dunning.domain.holds import Hold, HoldKind
from tests.integration.faults.books_run import BooksRun, changed_in_the_books, not_reached_as_the_books_say
from tests.integration.faults.people_scenes import known
from tests.integration.faults.promises import amiss
from tests.integration.faults.rarer_workflows import METER
from tests.integration.faults.run import Run
from tests.integration.faults.scene import BY_THE_CLAIM, Scene
from tests.integration.faults.workflows import CLAIM, LOAD, MARK, OPTED_OUT, PUBLISH, SECRET, TELL_QUEUE, WRITE, calls_of

REMINDED = ("sent first", "plan_ended first")


def reminded(run: Run) -> None:
    """The first reminder has gone out."""
    run.minute(1)
    run.enrol()
    run.minute(3)


def reported(event: str, run: Run) -> None:
    """SES tells of it."""
    run.cloud.ses_event(run.got()[0]["to"][0], event, None)
    run.cloud.settle()


def not_counted_once(log: str, run: Run) -> Iterator[str]:
    """Put down once, and nothing follows from it."""
    yield from amiss(run, ("email first",), ("enrolled", *REMINDED, f"{log} first"), waits=True)
    (invoice,) = run.case().invoices.values()
    mails = invoice.opened_mails if log == "opened" else invoice.clicked_mails
    if len(mails) != 1:
        yield f"{log} are {mails}"


def not_without_mail(run: Run) -> Iterator[str]:
    """The team knows, and from now on there is only the telephone."""
    log = ("enrolled", *REMINDED, "opted_out", "undelivered first", "notified")
    yield from amiss(run, ("email first", "team notice"), log, waits=True)
    if set(run.case().profile.opted_out) != {"email"}:
        yield f"opted out of {run.case().profile.opted_out}"


def not_once_more_by_text(run: Run) -> Iterator[str]:
    """The address is dead: the same step goes out by SMS, once."""
    log = ("enrolled", *REMINDED, "undelivered first", "notified", "sent first")
    yield from amiss(run, ("email first", "team notice", "sms first"), log, waits=True)
    if len(run.case().profile.dead_addresses) != 1:
        yield f"dead are {run.case().profile.dead_addresses}"


def held_for_a_while(run: Run) -> None:
    """An overdue invoice is known, and its reminder waits until what Stripe told in vain was told again."""
    run.minute(1)
    until = run.begin + timedelta(minutes=13)
    run.imported(then=lambda case: hold_case(case, HoldKind.OPERATOR, Hold(run.cloud.now, until), "person"))
    run.minute(3)


def changed(run: Run) -> None:
    """The customer moved: another address, telephone and language."""
    run.tell("customer.updated", run.newly_reached())
    run.minute(4)


def not_reached_anew(run: Run) -> Iterator[str]:
    """One reminder, to the new address and in the new language, and the log tells of one change."""
    yield from amiss(run, ("email first",), ("enrolled", "held", "updated", "released", *REMINDED), waits=True)
    contact, told = run.case().profile.contact, run.newly_reached()
    if (contact.email, contact.phone, contact.locale) != (told["email"], told["phone"], "de"):
        yield f"known is {contact}"
    for mail in run.got():
        if mail["to"] != [told["email"]] or "Zahlungserinnerung" not in str(mail["subject"]):
            yield f"{mail['subject']!r} went to {mail['to']}"


def deleted(run: Run) -> None:
    """Stripe forgot the customer."""
    run.tell("customer.deleted", {"id": run.owed()["customer"], "object": "customer", "deleted": True})
    run.minute(4)


def not_held_for_a_person(run: Run) -> Iterator[str]:
    """A person must say whether reminding goes on, and is told."""
    yield from amiss(run, ("team notice",), ("enrolled", "held", "notified"), {HoldKind.OPERATOR})


def told_of_and_again(run: Run) -> None:
    """An overdue invoice is known, and its customer's record was read just now."""
    run.minute(1)
    run.enrol(due=20)
    run.minute(2)
    run.tell("customer.updated", {"id": run.owed()["customer"], "object": "customer", "name": "Pat Dee"})
    run.minute(2.5)


def changed_within_a_minute(run: Run) -> None:
    """So close to the word before that Stripe must be asked."""
    provider = run.running.sandbox.provider("stripe")
    assert provider is not None
    provider.put_customer(str(run.owed()["customer"]), run.newly_reached())
    run.tell("customer.updated", run.newly_reached())
    run.minute(4)


def not_known_as_asked(run: Run) -> Iterator[str]:
    """What Stripe answered is known, and nothing is sent."""
    yield from amiss(run, (), ("enrolled", "updated", "updated"), waits=True)
    if run.case().profile.contact.email != run.newly_reached()["email"]:
        yield f"known is {run.case().profile.contact}"


def entered(run: Run) -> None:
    """An invoice stands in the books of which the webhook told; it is not due for long."""
    assert isinstance(run, BooksRun)
    run.minute(1)
    run.entered(due=20)
    run.minute(3)


HEARD = calls_of("stripe_webhook", SECRET, LOAD, WRITE, TELL_QUEUE)
COUNTED = calls_of("delivery_feedback", LOAD, WRITE)
FEEDBACK = calls_of("delivery_feedback", MARK, LOAD, WRITE, TELL_QUEUE)
# What the team is to be told is from there on struck as in the scene `answer by mail`.
DELIVERIES = (
    Scene("open", partial(reported, "open"), COUNTED, partial(not_counted_once, "opened"), reminded),
    Scene("click", partial(reported, "click"), COUNTED, partial(not_counted_once, "clicked"), reminded),
    Scene("complaint", partial(reported, "complaint"), FEEDBACK, not_without_mail, reminded, lasts=BY_THE_CLAIM),
    Scene(
        "bounce of a customer with a telephone",
        partial(reported, "bounce"),
        (*FEEDBACK, *calls_of("run_step", CLAIM, LOAD, OPTED_OUT, PUBLISH, MARK, PUBLISH, WRITE)),
        not_once_more_by_text,
        reminded,
        lasts=BY_THE_CLAIM,
    ),
)
CUSTOMERS = (
    Scene("changed customer", changed, HEARD, not_reached_anew, held_for_a_while, lasts=BY_THE_CLAIM, in_fresh_containers=True),
    Scene(
        "customer who changes twice",
        changed_within_a_minute,
        (*calls_of("stripe_webhook", SECRET, LOAD, TELL_QUEUE), *calls_of("sync_invoice", LOAD, SECRET, WRITE)),
        not_known_as_asked,
        told_of_and_again,
        in_fresh_containers=True,
    ),
    Scene(
        "customer who changes in the books",
        changed_in_the_books,
        (
            *calls_of("accounting_webhook", SECRET, TELL_QUEUE),
            *calls_of("sync_invoice", LOAD, LOAD, SECRET, SECRET, LOAD, METER, METER, WRITE),
        ),
        not_reached_as_the_books_say,
        entered,
        run=BooksRun,
        in_fresh_containers=True,
    ),
    Scene(
        "deleted customer",
        deleted,
        HEARD,
        not_held_for_a_person,
        known,
        lasts=BY_THE_CLAIM,
        in_fresh_containers=True,
    ),
)
