"""The founding brief's plan, with faults ordered over the control interface before each of its steps: each step comes once."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from infra.local.faults import FaultMode
from infra.local.http.wire import Request
from infra.local.queues import DeadLetter
from infra.local.running import RunningCloud, running_cloud
from tests.integration.faults.promises import broken
from tests.integration.faults.run import Run
from tests.integration.faults.workflows import WHOLE_LOG, WHOLE_PLAN

DAY = 24 * 60
BEFORE_THE_STEPS = (1 * DAY + 55, 3 * DAY + 55, 6 * DAY + 55)
"""Five to nine (in minutes from eight) on the days of the first reminder, the second and the escalation."""
OVER = 6 * DAY + 9 * 60
CALLS = (
    ("sesv2", "SendEmail"),
    ("dynamodb", "UpdateItem"),
    ("dynamodb", "TransactWriteItems"),
    ("dynamodb", "Query"),
    ("sqs", "SendMessage"),
)
ORDERS = [(service, operation, mode, times) for service, operation in CALLS for mode in FaultMode for times in (1, 3)]


@pytest.fixture(scope="session")
def shipped() -> Iterator[RunningCloud]:
    """A cloud with the policy as it is shipped."""
    with running_cloud(datetime(2026, 3, 2, 7, 0, tzinfo=UTC), outer_env={}) as started:
        yield started


def order(running: RunningCloud, service: str, operation: str, mode: FaultMode, times: int) -> None:
    body = json.dumps({"service": service, "operation": operation, "mode": mode, "times": times}).encode()
    answer = running.api.answer(Request("POST", "/_local/faults", "", {"content-type": "application/json"}, body))
    assert 200 <= answer.status < 300, answer.body


def with_faults_before_each_step(run: Run, order_faults: Callable[[], None]) -> list[DeadLetter]:
    """The whole plan; what was given up meanwhile."""
    letters: list[DeadLetter] = []
    order_faults()
    run.enrol(due=-6)
    for moment in BEFORE_THE_STEPS:
        letters += run.redrive_soon()
        run.minute(moment)
        run.cloud.forget_faults()
        order_faults()
    run.minute(OVER)
    return letters + run.redrive_soon()


@pytest.mark.parametrize(("service", "operation", "mode", "times"), ORDERS)
def test_each_customer_gets_each_step_once(shipped: RunningCloud, service: str, operation: str, mode: FaultMode, times: int) -> None:
    tomorrow = (shipped.cloud.now + timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
    shipped.cloud.advance_to(tomorrow)
    run = Run(shipped, tomorrow, 1 if operation == "SendMessage" else 2)
    with shipped.cloud.attempts() as made:
        letters = with_faults_before_each_step(run, partial(order, shipped, service, operation, mode, times))
    noticed_once = operation != "TransactWriteItems"
    wrong = [text for customer in range(run.customers) for text in broken(run, customer, WHOLE_PLAN, WHOLE_LOG, noticed_once=noticed_once)]
    run.clear_away()
    assert Counter(attempt.fault for attempt in made)[mode] >= times, "the faults struck nothing"
    assert wrong == []
    assert {letter["queue"] for letter in letters} <= ({"EventDeadLetters"} if (mode, times) == (FaultMode.CRASH, 3) else set()), letters
