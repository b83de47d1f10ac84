"""SQS in front of a function: delays, batches, windows, failures, dead letters."""

from datetime import timedelta

from tests.integration.local_cloud.conftest import SmallStack

SECOND = timedelta(seconds=1)


def test_a_delayed_message_runs_at_its_instant_and_not_before(stack: SmallStack) -> None:
    stack.send("late", delay=90)
    stack.advance(seconds=89.999)
    assert stack.bodies("worker") == []
    stack.advance(seconds=0.001)
    assert stack.bodies("worker") == [(90 * SECOND, ["late"])]


def test_what_is_visible_at_once_comes_in_batches(stack: SmallStack) -> None:
    for number in range(12):
        stack.send(str(number))
    stack.cloud.settle()
    assert [len(bodies) for _, bodies in stack.bodies("worker")] == [10, 2]


def test_a_window_waits_for_a_full_batch_but_not_longer(stack: SmallStack) -> None:
    for body in ("a", "b"):
        stack.cloud.session().client("sns").publish(
            TopicArn=stack.env["TOPIC"], Message=body, MessageAttributes={"speed": {"DataType": "String", "StringValue": "slow"}}
        )
    stack.cloud.settle()
    assert stack.bodies("patient") == []
    stack.advance(seconds=30)
    assert stack.bodies("patient") == [(30 * SECOND, ["a", "b"])]


def test_only_the_message_that_was_reported_comes_back_after_its_visibility_timeout(stack: SmallStack) -> None:
    stack.send("fine")
    stack.send("fail")
    stack.advance(minutes=1)
    assert stack.bodies("worker") == [(0 * SECOND, ["fine", "fail"]), (60 * SECOND, ["fail"])]


def test_a_function_that_raises_gets_the_whole_batch_again(stack: SmallStack) -> None:
    stack.send("fine")
    stack.send("raise")
    stack.advance(minutes=1)
    assert [bodies for _, bodies in stack.bodies("worker")] == [["fine", "raise"], ["fine", "raise"]]


def test_a_message_received_too_often_ends_in_the_dead_letters_with_the_last_error(stack: SmallStack) -> None:
    stack.send("raise")
    stack.advance(minutes=5)
    assert len(stack.bodies("worker")) == 2
    assert stack.cloud.dead_letters() == [{"queue": "DeadJobs", "reason": "RuntimeError: told to fail", "body": "raise"}]


def test_a_dead_letter_that_a_function_sent_itself_has_the_reason_it_gave(stack: SmallStack) -> None:
    reason = {"reason": {"DataType": "String", "StringValue": "nobody can mend this"}}
    stack.call("sqs", "send_message", QueueUrl=stack.env["DEAD_LETTERS_URL"], MessageBody="x", MessageAttributes=reason)
    assert stack.cloud.dead_letters() == [{"queue": "DeadJobs", "reason": "nobody can mend this", "body": "x"}]


def test_a_record_has_the_shape_that_lambda_gives_it(stack: SmallStack) -> None:
    stack.send("job")
    stack.cloud.settle()
    [(_, event)] = stack.seen("worker")
    [record] = event["Records"]
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].startswith("arn:aws:sqs:us-east-1:")
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["attributes"]["SentTimestamp"] == "1772438400000"
    assert record["messageAttributes"] == {}
