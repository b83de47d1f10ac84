"""The founding brief's plan, with faults ordered over the control interface before each of its steps: each step comes once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

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
CUSTOMERS = 2
CALLS = (
    ("sesv2", "SendEmail"),
    ("sns", "Publish"),
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


@pytest.mark.parametrize(("service", "operation", "mode", "times"), ORDERS)
def test_each_customer_gets_each_step_once(shipped: RunningCloud, service: str, operation: str, mode: FaultMode, times: int) -> None:
    tomorrow = (shipped.cloud.now + timedelta(days=1)).replace(hour=8, minute=0, second=0, microsecond=0)
    shipped.cloud.advance_to(tomorrow)
    run = Run(shipped, tomorrow, CUSTOMERS)
    letters: list[DeadLetter] = []
    order(shipped, service, operation, mode, times)
    run.enrol(due=-6)
    for moment in BEFORE_THE_STEPS:
        letters += run.redrive_soon()
        run.minute(moment)
        shipped.cloud.forget_faults()
        order(shipped, service, operation, mode, times)
    run.minute(OVER)
    letters += run.redrive_soon()
    own_people_told_once = operation not in ("Publish", "TransactWriteItems")
    wrong = [
        text for customer in range(CUSTOMERS) for text in broken(run, customer, WHOLE_PLAN, WHOLE_LOG, noticed_once=own_people_told_once)
    ]
    run.clear_away()
    assert wrong == []
    assert {letter["queue"] for letter in letters} <= ({"EventDeadLetters"} if (mode, times) == (FaultMode.CRASH, 3) else set()), letters
