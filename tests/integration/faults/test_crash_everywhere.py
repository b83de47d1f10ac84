"""Every AWS call of every workflow fails in every way: each step still comes once, and nothing is left lying."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from infra.local.faults import Aim, FaultMode
from infra.local.running import RunningCloud, running_cloud
from infra.local.wire import Attempt
from tests.integration.faults.promises import broken
from tests.integration.faults.rarer_workflows import RARER
from tests.integration.faults.run import Run, follow, next_beginning
from tests.integration.faults.workflows import AFTERWARDS, GET, LOAD, MAIL, OPTED_OUT, PUBLISH, RATE, SECRET, WORKFLOWS, Workflow

ALL = (*WORKFLOWS, *RARER)
GIVES_UP = 4
"""Attempts that the SDK makes of a call; but SES and SNS are called once each, and one attempt is all that it takes."""

GIVES_UP_UNCONFIGURED = 5
"""Attempts that boto3 makes unless told: `dunning redrive` has it look at the dead-letter queues."""


READS = (SECRET, LOAD, GET)
"""Calls that change nothing: one lost answer, after which the SDK asks again, is as good as none."""


def ways_to_fail(call: str) -> tuple[tuple[FaultMode, int], ...]:
    """Refused, the answer lost once and every time, killed after it; and throttled where that is another thing than refused."""
    if call.endswith((MAIL, PUBLISH, OPTED_OUT, RATE)):
        return ((FaultMode.ERROR, 1), (FaultMode.THROTTLE, 1), (FaultMode.LOST, 1), (FaultMode.CRASH, 1))
    often = GIVES_UP_UNCONFIGURED if call.startswith("redrive sqs") else GIVES_UP
    every = ((FaultMode.ERROR, often), (FaultMode.LOST, often), (FaultMode.CRASH, 1))
    return every if call.endswith(READS) else (*every, (FaultMode.LOST, 1))


@dataclass(frozen=True)
class Strike:
    """A fault on the `number`-th AWS call (from 0) of a workflow."""

    workflow: Workflow
    number: int
    mode: FaultMode
    times: int

    @property
    def call(self) -> str:
        return self.workflow.calls[self.number]

    @property
    def aim(self) -> Aim:
        return Aim(self.call.partition(" ")[0], self.workflow.calls[: self.number].count(self.call))

    def __str__(self) -> str:
        return f"{self.workflow}: {self.number + 1}. {self.call}: {self.mode} x{self.times}".replace(" ", "_")


STRIKES = [
    Strike(workflow, number, mode, times)
    for workflow in ALL
    for number, call in enumerate(workflow.calls)
    for mode, times in ways_to_fail(call)
]


@pytest.fixture(scope="session")
def running() -> Iterator[RunningCloud]:
    """One cloud for all runs: a run costs far less than a cloud."""
    with running_cloud(datetime(2026, 3, 2, 8, 0, tzinfo=UTC), outer_env={}) as started:
        yield started


def begun(running: RunningCloud, workflow: Workflow) -> Run:
    """The workflow's run, with its plan of minutes."""
    follow(running, workflow.plan, anew=False)
    begin = next_beginning(running, before_the_sweep=workflow.before_the_sweep)
    return workflow.run(running, begin, workflow.customers, workflow.invoices, workflow.plan)


def start_containers_anew(running: RunningCloud, workflow: Workflow) -> None:
    """As after a deployment: they have read no secret yet, and know of no number that it takes messages."""
    follow(running, workflow.plan)


def names(attempts: list[Attempt], workflow: Workflow) -> list[str]:
    told = [attempt for attempt in attempts if (attempt.function in AFTERWARDS) is workflow.is_afterwards]
    return [f"{attempt.function} {attempt.service}.{attempt.operation}" for attempt in told]


def all_broken(run: Run, workflow: Workflow, *, noticed_once: bool) -> list[str]:
    found = wrong_with(run, workflow, noticed_once=noticed_once)
    if found and workflow.log_after_a_fault:
        return wrong_with(run, replace(workflow, log=workflow.log_after_a_fault), noticed_once=noticed_once)
    return found


def wrong_with(run: Run, workflow: Workflow, *, noticed_once: bool) -> list[str]:
    found: list[str] = []
    for customer in range(workflow.customers):
        bystands = customer >= workflow.customers - workflow.bystanders
        got, log = ((), workflow.bystanders_log) if bystands else (workflow.got, workflow.log)
        found += broken(run, customer, got, log, noticed_once=noticed_once)
    return found


@pytest.mark.parametrize("workflow", ALL, ids=str)
def test_a_workflow_makes_these_calls_and_no_others(running: RunningCloud, workflow: Workflow) -> None:
    run = begun(running, workflow)
    workflow.prepare(run)
    if any(call.endswith(SECRET) for call in workflow.calls):
        start_containers_anew(running, workflow)
    with run.cloud.attempts() as made:
        workflow.act(run)
    letters = workflow.a_person_comes(run)
    workflow.later(run)
    run.finish()
    wrong, left = wrong_with(run, workflow, noticed_once=True), run.cloud.dead_letters()
    run.clear_away()
    assert tuple(names(made, workflow))[: len(workflow.calls) if workflow.more_calls_follow else None] == workflow.calls
    assert wrong == []
    assert [letter["queue"] for letter in letters] == ["RunDeadLetters"] * workflow.put_aside
    assert left == [], left


@pytest.mark.parametrize("strike", STRIKES, ids=str)
def test_whatever_call_fails_and_however_each_step_comes_once(running: RunningCloud, strike: Strike) -> None:
    workflow = strike.workflow
    run = begun(running, workflow)
    workflow.prepare(run)
    if workflow.in_fresh_containers or strike.call.endswith((SECRET, OPTED_OUT, RATE)):
        start_containers_anew(running, workflow)
    service, _, operation = strike.call.partition(" ")[2].partition(".")
    run.cloud.add_fault(service, operation, strike.mode, strike.times, strike.aim)
    with run.cloud.attempts() as made:
        workflow.act(run)
    letters = workflow.a_person_comes(run)
    workflow.later(run)
    run.finish()
    wrong, left = all_broken(run, workflow, noticed_once=not strike.call.startswith("run_step")), run.cloud.dead_letters()
    run.clear_away()
    assert [attempt.fault for attempt in made if attempt.fault], "the fault struck nothing"
    assert wrong == []
    queues = {letter["queue"] for letter in letters} - ({"NoteDeadLetters"} if workflow.is_afterwards else set())
    assert queues == ({"RunDeadLetters"} if workflow.put_aside else queues & {"RunDeadLetters"} if workflow.may_be_put_aside else set())
    assert left == [], left
