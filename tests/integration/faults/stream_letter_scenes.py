"""A scene of `dunning redrive` with what a sweep and the activities' publishing left: a stage, an activity, and a place in the stream."""

import json
from collections.abc import Iterator

from dunning.domain.activity import Activity, ActivityType
from dunning.storage import items, keys
from dunning.storage.expressions import to_wire
from infra.stream_letters import PLACE
from tests.integration.faults.books_scenes import notes_at
from tests.integration.faults.letter_scenes import lay_aside
from tests.integration.faults.promises import amiss
from tests.integration.faults.rarer_workflows import LOOK, redriven_until_done
from tests.integration.faults.run import Run, table_of
from tests.integration.faults.scene import BY_THE_CLAIM, Scene
from tests.integration.faults.workflows import TELL_QUEUE, calls_of

UNPUBLISHED = "01JYYYYYYYYYYYYYYYYYYYYYYY"
DUE = 20
"""In so many days: nothing is sent meanwhile."""


def three_letters(run: Run) -> None:
    """A sweep that found an invoice no webhook told of was given up, and so was the publishing of two activities; then all is mended."""
    client, table = table_of(run.cloud)
    streams = run.cloud.session().client("dynamodbstreams")
    stream = client.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    where = {"StreamArn": stream, "ShardId": shard["ShardId"]}
    begin = streams.get_shard_iterator(**where, ShardIteratorType="LATEST")["ShardIterator"]
    run.tell("invoice.finalized", run.owed(due=DUE))
    run.minute(1)
    written = [record["dynamodb"] for record in streams.get_records(ShardIterator=begin)["Records"]]
    (enrolled,) = [str(one["SequenceNumber"]) for one in written if one["Keys"]["sk"]["S"].startswith(keys.ACTIVITIES_FROM)]
    place = {"streamArn": stream, "shardId": shard["ShardId"], "startSequenceNumber": enrolled, "endSequenceNumber": enrolled}
    lay_aside(run, "ActivityDeadLetters", json.dumps({PLACE: {**place, "batchSize": 1}}))
    run.stripe_says(run.owed(due=DUE, nth=1))
    at = f"{run.cloud.now:%Y-%m-%dT%H:%M:%SZ}"
    lay_aside(run, "SweepDeadLetters", json.dumps({"source": "stripe", "run": f"stripe:{at}", "stage": "listing", "started_at": at}))
    sent = Activity(run.begin, ActivityType.SENT, "due", (str(run.owed()["id"]),), "second", "run_step", "email", "claim")
    key = {"pk": keys.customer_key(run.customer()), "sk": keys.activity_key(run.begin, UNPUBLISHED)}
    image = to_wire({**key, **items.activity_attributes(sent)})
    lay_aside(run, "ActivityDeadLetters", json.dumps({"eventName": "INSERT", "dynamodb": {"NewImage": image}}))
    assert len(run.cloud.dead_letters()) == 3


def not_made_good(run: Run) -> Iterator[str]:
    """The sweep ran; what was not published is noted once, and told of by one id, however often; what had been told is told again."""
    yield from amiss(run, (), ("enrolled",), waits=True)
    known = sorted(run.case().invoices)
    if known != sorted(str(run.owed(nth=nth)["id"]) for nth in range(2)):
        yield f"known are {known}"
    noted = [note for note in notes_at("stripe", run) if '"second"' in note]
    if len(noted) != 1:
        yield f"noted is {notes_at('stripe', run)}"
    told = [(event["detail_type"], event["detail"]["id"]) for event in run.cloud.events() if event["detail"]["customer"] == run.customer()]
    if ("activity.sent", UNPUBLISHED) not in told or len(set(told)) != 3 or len(told) < 4:
        yield f"the bus was told of {told}"


TELL_BUS, TAKE_OUT = "events.PutEvents", "sqs.DeleteMessage"
CALLS = (
    *(LOOK, LOOK, LOOK, LOOK, TELL_QUEUE, TAKE_OUT),  # none parked, nothing to sync, and one stage of a sweep
    *(LOOK, LOOK, LOOK),  # no note, and two that were not published
    *("dynamodbstreams.GetShardIterator", "dynamodbstreams.GetRecords", TELL_BUS, TAKE_OUT),
    *(TELL_BUS, TELL_QUEUE, TAKE_OUT),
    LOOK,
)

STREAM_LETTERS = (
    Scene(
        "redrive of a sweep and of activities",
        redriven_until_done,
        calls_of("redrive", *CALLS),
        not_made_good,
        three_letters,
        lasts=BY_THE_CLAIM,
        spared=[number for number, call in enumerate(CALLS) if call == LOOK],  # struck in `redrive` and `redrive of other letters`
    ),
)
