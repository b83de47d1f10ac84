"""Whom faults must leave in peace: what is tried so often and no more has one try that is nobody's fault but the product's.

Lambda runs an event that nobody waits for three times, SQS hands out a message as often as its redrive policy says, and a fifth claim
in a row that ends without an answer is poison by definition. Who waits for an answer (Stripe) asks again, and streams try long enough.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dunning.workflow.run_step import MOST_CRASHES
from infra.local.cloud import LocalCloud
from infra.local.lambda_service import UnderWay


class LastTries:
    """Says which invocations are spared; to be asked where a fault would strike, and it does strike where the answer is no."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._receives = _most_receives(cloud)
        self._struck: dict[str, list[UnderWay]] = {}

    def __call__(self, invocation: UnderWay) -> bool:
        """Whether this is the last try of its event, of a message in its batch, or of a customer's claim."""
        event: Any = invocation.event
        records: Sequence[Mapping[str, Any]] = event.get("Records", ())
        if "requestContext" in event or any(record.get("eventSource") == "aws:dynamodb" for record in records):
            return False
        if any(record.get("eventSource") == "aws:sqs" for record in records):
            return any(self._is_last_receive(record) or self._is_last_claim(invocation, record) for record in records)
        return self._is_last_of_event(invocation)

    def _is_last_receive(self, record: Mapping[str, Any]) -> bool:
        """What is refused again, functions give up themselves at the last receive but one."""
        return int(record["attributes"]["ApproximateReceiveCount"]) >= self._receives[record["eventSourceARN"]] - 1

    def _is_last_claim(self, invocation: UnderWay, record: Mapping[str, Any]) -> bool:
        if invocation.function != "run_step":
            return False
        claim = self._cloud.cases().load(json.loads(record["body"])["customer"]).profile.claim
        if claim is None:
            return False
        is_to_be_taken = claim.until <= self._cloud.now
        return claim.attempt + is_to_be_taken >= MOST_CRASHES

    def _is_last_of_event(self, invocation: UnderWay) -> bool:
        """Only a try that is struck can fail."""
        struck = self._struck.setdefault(f"{invocation.arn} {json.dumps(invocation.event, sort_keys=True)}", [])
        if any(one is invocation for one in struck):
            return False
        if len(struck) >= self._cloud.stack.functions[invocation.arn].retries:
            return True
        struck.append(invocation)
        return False


def _most_receives(cloud: LocalCloud) -> dict[str, int]:
    """How often each queue that wakes a function hands out one message, by the queue's ARN."""
    sqs = cloud.session().client("sqs")
    found = {}
    for mapped in cloud.stack.queue_mappings:
        url = sqs.get_queue_url(QueueName=mapped.queue.rpartition(":")[2])["QueueUrl"]
        policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
        found[mapped.queue] = int(json.loads(policy)["maxReceiveCount"])
    return found
