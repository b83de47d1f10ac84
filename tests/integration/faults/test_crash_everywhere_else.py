"""Every AWS call of the short scenes fails in every way: each note, hold, wish and fee still comes once, and nothing is left lying."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from infra.local.faults import Aim, FaultMode
from infra.local.running import RunningCloud, running_cloud
from tests.integration.faults.books_scenes import BOOKS
from tests.integration.faults.changes_scenes import CHANGES
from tests.integration.faults.command_scenes import COMMANDS
from tests.integration.faults.connect_scenes import CONNECTIONS
from tests.integration.faults.daily_scenes import DAILY
from tests.integration.faults.delivery_scenes import CUSTOMERS, DELIVERIES
from tests.integration.faults.file_scenes import FILES
from tests.integration.faults.hold_scenes import HOLDS
from tests.integration.faults.letter_scenes import LETTERS
from tests.integration.faults.mail_scenes import MAILS
from tests.integration.faults.odd_scenes import ODD
from tests.integration.faults.people_scenes import PEOPLE, team_was_told
from tests.integration.faults.pointing_scenes import POINTING
from tests.integration.faults.run import SWEEP, Run, follow
from tests.integration.faults.scene import Scene
from tests.integration.faults.stream_letter_scenes import STREAM_LETTERS
from tests.integration.faults.workflows import GET, LOAD, MAIL, PUBLISH, RATE, SECRET

SCENES = (
    *(*BOOKS, *PEOPLE, *DAILY, *COMMANDS, *FILES, *CONNECTIONS, *DELIVERIES, *CUSTOMERS, *HOLDS, *MAILS, *POINTING),
    *(*LETTERS, *STREAM_LETTERS, *CHANGES, *ODD),
)
GIVES_UP = 4
"""Attempts that the SDK makes of a call; SNS and SES are called once."""

GIVES_UP_UNCONFIGURED = 5
"""Attempts that boto3 makes unless told, of all that `dunning redrive` calls itself."""

ONCE = ((FaultMode.ERROR, 1), (FaultMode.LOST, 1), (FaultMode.CRASH, 1))
READ = ((FaultMode.ERROR, GIVES_UP), (FaultMode.LOST, GIVES_UP), (FaultMode.CRASH, 1))
"""One lost answer of a read, after which the SDK asks again, is as good as none."""
WRITTEN = ((FaultMode.ERROR, GIVES_UP), (FaultMode.LOST, 1), (FaultMode.LOST, GIVES_UP), (FaultMode.CRASH, 1))


@dataclass(frozen=True)
class Strike:
    """A fault on the `number`-th AWS call (from 0) of a scene."""

    scene: Scene
    number: int
    mode: FaultMode
    times: int

    @property
    def call(self) -> str:
        return self.scene.calls[self.number]

    @property
    def aim(self) -> Aim:
        return Aim(self.call.partition(" ")[0], self.scene.calls[: self.number].count(self.call))

    def __str__(self) -> str:
        return f"{self.scene}: {self.number + 1}. {self.call}: {self.mode} x{self.times}".replace(" ", "_")


def ways_to_fail(call: str) -> tuple[tuple[FaultMode, int], ...]:
    """Refused, the answer lost once and every time, killed after it; a mail throttled, too."""
    if call.startswith("redrive "):
        return tuple((mode, GIVES_UP_UNCONFIGURED if times == GIVES_UP else times) for mode, times in WRITTEN)
    if call.endswith((PUBLISH, RATE)):
        return ONCE
    if call.endswith(MAIL):
        return (*ONCE, (FaultMode.THROTTLE, 1))
    return READ if call.endswith((SECRET, LOAD, GET)) else WRITTEN


STRIKES = [
    Strike(scene, number, mode, times)
    for scene in SCENES
    for number, call in enumerate(scene.calls)
    if number not in scene.spared
    for mode, times in ways_to_fail(call)
]


WORN = 40
"""Failed calls of a container, long before botocore's budget for retries is spent: a hundred a client, in its standard mode."""
TURNS, AFTER_A_TURN = 10, 1
TOKENS_LAST = timedelta(hours=1)
"""So long at QuickBooks, half an hour at Xero: whatever ran before, the scenes renew what they use."""


@pytest.fixture(scope="module")
def running() -> Iterator[RunningCloud]:
    """One cloud for all scenes."""
    with running_cloud(datetime(2026, 3, 2, 8, 0, tzinfo=UTC), outer_env={}) as started:
        yield started


def beginning(running: RunningCloud) -> datetime:
    """A minute after a turn of the wheel, lest one comes between; where the daily sweep is near, after it, and without what it noted."""
    soon = running.cloud.now + timedelta(minutes=2)
    if SWEEP - 2 <= soon.hour <= SWEEP:
        after = soon.replace(hour=SWEEP + 1, minute=0, second=0, microsecond=0)
        running.cloud.advance_to(after)
        Run(running, after, 0).clear_away()
        soon = running.cloud.now + timedelta(minutes=2)
    begin = soon.replace(second=0, microsecond=0) + timedelta(minutes=(AFTER_A_TURN - soon.minute) % TURNS)
    running.cloud.advance_to(begin)
    return begin


def begun(running: RunningCloud, scene: Scene, struck: str = SECRET) -> Run:
    """The scene's customers, far from the daily sweep, and no token so fresh that none need be fetched.

    Containers are started anew only where the call that is `struck` may be one that a container makes once.
    """
    if scene.asks_with_tokens:
        running.cloud.advance_to(running.cloud.now + TOKENS_LAST)
    running.cloud.forget_worn_containers(WORN)
    begin = beginning(running)
    follow(running, scene.plan, anew=False)
    run = scene.run(running, begin, scene.customers, plan=scene.plan)
    run.phone = f"+1555{run.number:07}"  # its own: an answer by text is matched by it
    scene.prepare(run)
    if scene.in_fresh_containers and (scene.needs_them_always or struck.endswith((SECRET, RATE))):
        follow(running, scene.plan)
    return run


def wrong_at_the_end(run: Run, scene: Scene) -> list[str]:
    """What is wrong when time enough has passed."""
    run.minute(scene.lasts)
    return [*scene.wrong(run), *(f"given up was {letter}" for letter in run.cloud.dead_letters())]


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_a_scene_makes_these_calls_and_no_others(running: RunningCloud, scene: Scene) -> None:
    run = begun(running, scene)
    with run.cloud.attempts() as made:
        scene.act(run)
    wrong = wrong_at_the_end(run, scene)
    run.clear_away()
    names = [f"{attempt.function} {attempt.service}.{attempt.operation}" for attempt in made if attempt.function in scene.functions]
    assert tuple(names)[: len(scene.calls) if scene.more_calls_follow else None] == scene.calls
    assert wrong == []


@pytest.mark.parametrize("strike", STRIKES, ids=str)
def test_whatever_call_fails_and_however_it_comes_right_once(running: RunningCloud, strike: Strike) -> None:
    scene = strike.scene
    run = begun(running, scene, strike.call)
    service, _, operation = strike.call.partition(" ")[2].partition(".")
    run.cloud.add_fault(service, operation, strike.mode, strike.times, strike.aim)
    with run.cloud.attempts() as made:
        scene.act(run)
    wrong = wrong_at_the_end(run, scene)
    told = team_was_told(run)
    run.clear_away()
    assert [attempt.fault for attempt in made if attempt.fault], "the fault struck nothing"
    assert [text for text in wrong if text != scene.forgiven.get((strike.number, strike.mode))] == []
    # Our own people are told at least once; just once where it was not their message that failed.
    assert told <= 1 or strike.call.startswith("run_step"), f"the team was told {told} times"


@pytest.mark.parametrize("report", ["delivery", "transient bounce"])
def test_a_report_that_changes_nothing_makes_no_call(running: RunningCloud, report: str) -> None:
    run = begun(running, DELIVERIES[0])
    with run.cloud.attempts() as made:
        if report == "transient bounce":
            run.cloud.ses_event(run.got()[0]["to"][0], "bounce", "transient")
        else:  # comes by itself with each mail
            run.tell("invoice.finalized", run.owed(nth=1))
        run.cloud.settle()
    told = [entry["kind"] for entry in run.got()]
    run.clear_away()
    heard = [attempt.operation for attempt in made if attempt.function == "delivery_feedback"]
    assert (heard, told) == (([], ["reminder"]) if report == "transient bounce" else (["UpdateItem"], ["reminder", "reminder"]))
