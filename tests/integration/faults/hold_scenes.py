"""Scenes of holds that end by themselves, or by what the source tells: the step that waited then runs, once."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from dunning.domain.case import Case, Dispute
from dunning.domain.evolving import replace
from dunning.domain.holding import Held, hold_case, with_hold
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.promise import Promise
from tests.integration.faults.promises import amiss
from tests.integration.faults.run import Run
from tests.integration.faults.scene import BY_THE_CLAIM, Scene
from tests.integration.faults.workflows import (
    CLAIM,
    LOAD,
    MAIL,
    MARKED_SENT,
    ORDER,
    PUBLISH,
    SECRET,
    TELL_QUEUE,
    WRITE,
    calls_of,
    dispute,
)

PERSON = "person"
BEGINS, ENDS, OVER = 1, 2, 3
"""Minutes: the hold is set, its time is over, and somebody looks."""


def held(then: Callable[[Run, Case], Held], run: Run) -> None:
    """An overdue invoice is known, and held."""
    run.minute(BEGINS)
    run.imported(then=partial(then, run))
    run.minute(OVER)


def hold_of(run: Run, reason: str, *, ends: bool) -> Hold:
    """It began just now."""
    return Hold(run.cloud.now, run.begin + timedelta(minutes=ENDS) if ends else None, reason)


def by_a_person(run: Run, case: Case) -> Held:
    """`dunning case CUSTOMER hold --until`."""
    return hold_case(case, HoldKind.OPERATOR, hold_of(run, "on holiday", ends=True), PERSON)


def by_a_promise(run: Run, case: Case, *, ends: bool) -> Held:
    """Half of it is promised; `ends`: until a day that with its grace is over in a minute."""
    (invoice,) = case.invoices.values()
    given = replace(invoice, promise=Promise(run.begin.date(), 60_00, 120_00), promises_made=1)
    kept, logged = with_hold(given, HoldKind.PROMISE, hold_of(run, "pays 60.00 USD", ends=ends), PERSON)
    return case.with_invoice(kept), logged


def by_a_bounce(run: Run, case: Case) -> Held:
    """No mail arrives at the address that is known."""
    return hold_case(case, HoldKind.UNDELIVERABLE, hold_of(run, "the mail bounced", ends=False), "delivery_feedback")


def half_is_paid(run: Run) -> None:
    """What was promised arrives."""
    run.tell("invoice.updated", run.owed(amount_paid=6000, amount_remaining=6000))
    run.minute(OVER + 1)


def new_address(run: Run) -> None:
    """The source knows another one."""
    run.tell("customer.updated", {"id": run.owed()["customer"], "object": "customer", "email": address(run), "name": "Pat Doe"})
    run.minute(OVER + 1)


def address(run: Run) -> str:
    """Where the customer can be reached from now on."""
    return f"new{run.number}@example.com"


def contested(run: Run) -> None:
    """An overdue invoice is known, and its payment is disputed."""
    payment = {"type": "payment_intent", "payment_intent": f"pi_{run.number}"}
    run.minute(BEGINS)
    stamp = run.cloud.now

    def disputed(case: Case) -> Held:
        opened = Dispute(f"dp_{run.number}", is_open=True, stamp=stamp, invoice=str(run.owed()["id"]))
        return case.with_profile(replace(case.profile, disputes={opened.id: opened})), ()

    run.imported(then=disputed, payments={"object": "list", "data": [{"id": f"inpay_{run.number}", "payment": payment}]})
    run.minute(OVER)


def dispute_won(run: Run) -> None:
    """It is over."""
    run.tell("charge.dispute.closed", dispute(run, "won"))
    run.minute(OVER + 1)


def looked_at(run: Run) -> None:
    """The time has come, and a message says so."""
    run.stray_message()
    run.minute(OVER + 1)


def not_reminded_once(log: tuple[str, ...], got: tuple[str, ...], run: Run) -> Iterator[str]:
    """The held step ran once, after the hold."""
    yield from amiss(run, ("email first", *got), log, waits=True)  # for the team, who are told in three days that the plan ended unpaid


def not_reminded_at_the_new_address(run: Run) -> Iterator[str]:
    """Once, there."""
    yield from not_reminded_once(("enrolled", "held", "updated", "released", *REMINDED), (), run)
    reached = [entry["to"] for entry in run.got()]
    if reached != [[address(run)]]:
        yield f"mail went to {reached}"


REMINDED = ("sent first", "plan_ended first")
SENDS = calls_of("run_step", CLAIM, LOAD, SECRET, ORDER, SECRET, MAIL, WRITE)
HEARD = calls_of("stripe_webhook", SECRET, LOAD, WRITE, TELL_QUEUE)

# What a webhook ended is a reminder that is due, and a message for it: from there on it is struck as the workflow `first reminder`.
HOLDS = (
    Scene(
        "hold whose time is over",
        looked_at,
        (*SENDS, *MARKED_SENT),
        partial(not_reminded_once, ("enrolled", "held", "released", *REMINDED), ()),
        partial(held, by_a_person),
        lasts=BY_THE_CLAIM,
        in_fresh_containers=True,
    ),
    Scene(
        "broken promise",
        looked_at,
        (*calls_of("run_step", CLAIM, LOAD, SECRET, PUBLISH, ORDER, SECRET, MAIL, WRITE), *MARKED_SENT),
        partial(not_reminded_once, ("enrolled", "held", "released", *REMINDED, "notified"), ("team notice",)),
        partial(held, partial(by_a_promise, ends=True)),
        lasts=BY_THE_CLAIM,
        in_fresh_containers=True,
    ),
    Scene(
        "kept promise",
        half_is_paid,
        HEARD,
        partial(not_reminded_once, ("enrolled", "held", "partly_paid", "released", *REMINDED), ()),
        partial(held, partial(by_a_promise, ends=False)),
        lasts=BY_THE_CLAIM,
        in_fresh_containers=True,
    ),
    Scene(
        "address after a bounce",
        new_address,
        HEARD,
        not_reminded_at_the_new_address,
        partial(held, by_a_bounce),
        lasts=BY_THE_CLAIM,
        in_fresh_containers=True,
    ),
    Scene(
        "dispute that is over",
        dispute_won,
        (*calls_of("stripe_webhook", SECRET, TELL_QUEUE), *calls_of("sync_invoice", SECRET, LOAD, WRITE, TELL_QUEUE)),
        partial(not_reminded_once, ("enrolled", "released", *REMINDED), ()),
        contested,
        lasts=BY_THE_CLAIM,
        in_fresh_containers=True,
    ),
)
