"""Scenes of what nobody can read: put aside with its reason, alone, and it goes on once a person has mended it and sent it back."""

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from dunning.storage.expressions import to_wire
from dunning.storage.keys import activity_key, customer_key
from dunning.storage.queues import SweepContinuations
from dunning.workflow.daily_sweep import LISTING
from dunning.workflow.sweep_ports import SweepStage
from tests.integration.end_to_end.driver import paid
from tests.integration.faults.daily_scenes import PUT, since
from tests.integration.faults.promises import amiss
from tests.integration.faults.rarer_workflows import redriven_until_done
from tests.integration.faults.run import Run, queue_of, table_of
from tests.integration.faults.scene import BY_THE_CLAIM, BY_THE_WHEEL, Scene
from tests.integration.faults.workflows import CLAIM, LOAD, PUBLISH, SECRET, TELL_QUEUE, WRITE, calls_of

SENT_IN_THE_END = ("enrolled", "held", "released", "sent first", "plan_ended first")
RECOVERED = timedelta(minutes=100)


def letters_are_not(run: Run, queue: str) -> Iterator[str]:
    """In this queue, each with a reason."""
    letters = run.cloud.dead_letters()
    if {letter["queue"] for letter in letters} != {queue} or not all(letter["reason"] for letter in letters):
        yield f"put aside is {letters}"


def odd_at_stripe(run: Run, *, due: int = -1) -> None:
    """From now on Stripe tells of the invoice what nobody can read."""
    run.stripe_says(run.owed(due=due, currency="not a currency"))


def due_and_odd(run: Run) -> None:
    """A known invoice is due, and cannot be read at its source any more."""
    run.minute(1)
    run.imported()
    odd_at_stripe(run)


def looked_at(run: Run) -> None:
    """A message comes."""
    run.stray_message()
    run.minute(3)


def not_put_aside_and_sent_later(run: Run) -> Iterator[str]:
    """It has a letter; it is mended, sent back, and reminded of once."""
    yield from letters_are_not(run, "RunDeadLetters")
    run.stripe_says(run.owed())
    redriven_until_done(run)
    run.cloud.advance_to(run.cloud.now + RECOVERED)
    yield from amiss(run, ("email first",), SENT_IN_THE_END, waits=True)


def with_an_odd_row(run: Run) -> None:
    """A row of the table can be read by nobody."""
    run.minute(1)
    run.imported()
    client, table = table_of(run.cloud)
    client.put_item(TableName=table, Item={**odd_row(run), "status": {"S": "in_arbitration"}})


def odd_row(run: Run) -> dict[str, dict[str, str]]:
    """Its key."""
    return {"pk": {"S": customer_key(run.customer())}, "sk": {"S": "INV#in_odd"}}


def not_parked_and_sent_later(run: Run) -> Iterator[str]:
    """As it lies: it has a letter; the row is taken out, the case sent back, and reminded of once."""
    yield from letters_are_not(run, "RunDeadLetters")
    client, table = table_of(run.cloud)
    client.delete_item(TableName=table, Key=odd_row(run))
    redriven_until_done(run)
    run.cloud.advance_to(run.cloud.now + RECOVERED)
    yield from amiss(run, ("email first",), SENT_IN_THE_END, waits=True)


def known(run: Run) -> None:
    """An invoice that is not due for long."""
    run.minute(1)
    run.tell("invoice.finalized", run.owed(due=20))
    run.minute(5)


def odd_when_fetched(run: Run) -> None:
    """It changes, and cannot be read."""
    odd_at_stripe(run, due=20)
    sqs, url = queue_of(run.cloud, "SyncQueue")
    asked = {"source": "stripe", "kind": "invoice", "id": run.owed()["id"], "customer": run.customer()}
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(asked))
    run.cloud.settle()
    run.minute(7)


def not_held_and_fetched_later(run: Run) -> Iterator[str]:
    """It is held alone, and has a letter; mended and sent back it is released."""
    yield from letters_are_not(run, "SyncDeadLetters")
    run.stripe_says(run.owed(due=20))
    redriven_until_done(run)
    run.cloud.advance_to(run.cloud.now + timedelta(minutes=30))
    yield from amiss(run, (), ("enrolled", "held", "released"), waits=True)


def at_work(run: Run) -> None:
    """Nothing has happened yet."""
    run.minute(1)


def odd_activity(run: Run) -> None:
    """Beside one that can be read there is one in the stream that only another release can."""
    client, table = table_of(run.cloud)
    row = {"pk": customer_key(run.customer()), "sk": activity_key(run.begin, f"ODD{run.number}"), "type": "abducted", "at": "x"}
    client.put_item(TableName=table, Item=to_wire(row))
    run.tell("invoice.finalized", run.owed(due=20))
    run.minute(3)


def neighbours_are_not_told(run: Run) -> Iterator[str]:
    """The odd one has a letter; the bus was told of the other."""
    yield from letters_are_not(run, "ActivityDeadLetters")
    told = {event["detail_type"] for event in run.cloud.events() if event["detail"]["customer"] == run.customer()}
    if told != {"activity.enrolled"}:
        yield f"the bus was told of {told}"
    run.cloud.redrive(drop_unreadable=True)


def odd_from(topic: str, run: Run) -> None:
    """What SES would never say."""
    sns = run.cloud.session().client("sns")
    (arn,) = [each["TopicArn"] for each in sns.list_topics()["Topics"] if topic in each["TopicArn"]]
    sns.publish(TopicArn=arn, Message=f"no json at all {run.number}")
    run.cloud.settle()
    run.minute(6)


def not_kept_for_a_person(run: Run) -> Iterator[str]:
    """It has a letter, and again after it was published again: nobody has mended anything."""
    yield from letters_are_not(run, "EventDeadLetters")
    if {told.outcome for told in run.cloud.redrive()} != {"published again"}:
        yield "it was not published again"
    run.cloud.advance_to(run.cloud.now + timedelta(minutes=5))
    yield from letters_are_not(run, "EventDeadLetters")
    sqs, url = queue_of(run.cloud, "EventDeadLetters")
    sqs.purge_queue(QueueUrl=url)


def unreadable_in_the_list(run: Run) -> None:
    """Stripe lists an invoice that nobody can read, and that is not known."""
    run.minute(1)
    run.empty_the_table()
    odd_at_stripe(run, due=20)


def listed(run: Run) -> None:
    """A sweep of Stripe."""
    sqs, url = queue_of(run.cloud, "SweepQueue")
    at = run.cloud.now
    SweepContinuations(sqs, url).send(SweepStage("stripe", f"stripe:{at:%Y-%m-%dT%H:%M}", LISTING, at))
    run.cloud.settle()
    run.minute(5)


def team_is_not_told(run: Run) -> Iterator[str]:
    """That an invoice cannot be read."""
    if not [entry for entry in since(run, "notice") if "cannot be read" in str(entry["subject"])]:
        yield "the team was not told"
    run.stripe_says(paid(run.owed(due=20)))


PUT_ASIDE = calls_of("run_step", CLAIM, LOAD, SECRET, TELL_QUEUE, WRITE)
ODD = (
    Scene(
        "invoice that nobody can read when it is due",
        looked_at,
        PUT_ASIDE,
        not_put_aside_and_sent_later,
        due_and_odd,
        lasts=BY_THE_CLAIM,
        in_fresh_containers=True,
    ),
    Scene(
        "row that nobody can read",
        looked_at,
        calls_of("run_step", CLAIM, LOAD, TELL_QUEUE, LOAD, WRITE),
        not_parked_and_sent_later,
        with_an_odd_row,
        lasts=BY_THE_CLAIM,
        in_fresh_containers=True,
    ),
    Scene(
        "invoice that nobody can read when it changes",
        odd_when_fetched,
        calls_of("sync_invoice", LOAD, SECRET, LOAD, TELL_QUEUE, LOAD, WRITE),
        not_held_and_fetched_later,
        known,
        lasts=45,
        in_fresh_containers=True,
    ),
    Scene(
        "activity that nobody can read",
        odd_activity,
        calls_of("publish_activity", "events.PutEvents", TELL_QUEUE),
        neighbours_are_not_told,
        at_work,
        lasts=BY_THE_WHEEL,
        in_fresh_containers=True,
    ),
    Scene(
        "report that nobody can read",
        partial(odd_from, "DeliveryTopic"),
        calls_of("delivery_feedback", TELL_QUEUE),
        not_kept_for_a_person,
        at_work,
        lasts=12,
    ),
    Scene(
        "mail's notification that nobody can read",
        partial(odd_from, "InboundMailTopic"),
        calls_of("inbound_reply", TELL_QUEUE),
        not_kept_for_a_person,
        at_work,
        lasts=12,
    ),
    Scene(
        "invoice that nobody can read in the list",
        listed,
        calls_of("daily_sweep", SECRET, PUT, PUT, TELL_QUEUE, TELL_QUEUE, LOAD, LOAD, PUBLISH, CLAIM, LOAD, LOAD),
        team_is_not_told,
        unreadable_in_the_list,
        lasts=BY_THE_WHEEL,
        in_fresh_containers=True,
    ),
)
