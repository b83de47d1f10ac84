"""The simulator itself: it repeats itself, it notices, and the worlds that once failed hold."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from dunning.workflow.wheel_ports import DueTimer
from tests.simulation.__main__ import tell_twin_failure
from tests.simulation.campaign import TwinOutcome, cloud_outcome_of, cloud_seeds, of_seed, outcome_of, run
from tests.simulation.cloud_plans import small_plan
from tests.simulation.faults import Fault, Kind
from tests.simulation.invariants import violations
from tests.simulation.plans import Plan, plan_of
from tests.simulation.shrinking import Shrinker
from tests.simulation.world import World

ONCE_FAILED = (
    7,
    33,
    62,
    69,
    172,
    182,
    195,
    209,
    259,
    281,
    289,
    313,
    325,
    390,
    474,
    539,
    552,
    300_151,
    500_868,
    500_940,
    982_770,
    5_816_050_738,
)
"""Seeds that found something in their day; what they found is in the history of this file's neighbours."""


def test_a_hundred_worlds_hold() -> None:
    totals = run(first=1_000, seeds=100, processors=1, with_cloud=False)
    assert not totals.failed
    assert totals.worlds == 100
    assert totals.messages > 300
    assert sum(totals.faults.values()) > 1_000


@pytest.mark.parametrize("seed", ONCE_FAILED)
def test_a_world_that_once_failed_holds(seed: int) -> None:
    assert of_seed(seed).violations == ()


def test_the_same_seed_makes_the_same_world() -> None:
    assert of_seed(33) == of_seed(33)


def test_the_faults_of_a_world_can_be_replayed() -> None:
    first = of_seed(33)
    assert first.faults
    assert outcome_of(plan_of(33), first.faults) == first


def test_every_way_to_fail_is_tried() -> None:
    tried = {fault.kind for seed in range(40) for fault in of_seed(seed).faults}
    assert tried == set(Kind)


def test_a_forged_log_is_noticed() -> None:
    world = World(plan_of(7))
    world.run()
    assert violations(world) == []
    world.records.accepted.pop()
    assert violations(world) != []


def test_a_failing_world_is_made_smaller() -> None:
    outcome = of_seed(33)
    needed = outcome.faults[len(outcome.faults) // 2]

    def fails_with_the_one(plan: Plan, faults: Sequence[Fault]) -> TwinOutcome:
        return replace(outcome, seed=plan.seed, violations=("wrong",) if needed in faults else ())

    shrinker = Shrinker(plan_of(33), outcome, fails_with_the_one)
    shrinker.shrink()
    assert list(shrinker.faults) == [needed]
    assert shrinker.plan.happenings == ()


@pytest.mark.parametrize(("seeds", "on_cloud"), [(3, 3), (200, 5), (2000, 50)])
def test_one_seed_in_forty_is_played_on_the_whole_cloud_and_five_at_least(seeds: int, on_cloud: int) -> None:
    played = cloud_seeds(range(1000, 1000 + seeds))
    assert len(set(played)) == on_cloud
    assert set(played) <= set(range(1000, 1000 + seeds))


class BrokenIndex:
    """An index of timers that cannot be read for a reason nobody has thought of."""

    def due(self, until: datetime, since: datetime | None = None) -> Iterator[DueTimer]:
        raise KeyError("shard 9")


def test_what_nobody_foresaw_is_a_fault_of_its_world_and_no_end_of_the_run() -> None:
    world = World(plan_of(7))
    world.dispatch = replace(world.dispatch, timers=BrokenIndex())
    world.run()
    assert any(text.startswith("dispatch_due failed: unforeseen KeyError at test_simulation.py") for text in violations(world))


def test_a_world_that_breaks_off_is_one_that_fails() -> None:
    impossible = replace(plan_of(235), due=())
    assert outcome_of(impossible).violations[-1].startswith("the world broke off: unforeseen KeyError at provider.py")
    assert cloud_outcome_of(replace(small_plan(1), due=()), ()).violations[0].startswith("the world broke off: unforeseen KeyError")


def test_a_failing_seed_is_told_with_its_replay_command_and_its_smallest_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    failed = replace(of_seed(235), violations=("two mails of one step",))
    tell_twin_failure(failed, smaller=True)
    told = capsys.readouterr().out
    assert told.startswith("\nSeed 235 FAILED:\n  two mails of one step\n\nReplay: make simulate SEED=235\n")
    assert "The smallest schedule found that fails (0 of 0 faults):" in told
    assert "in_1_1: issued" in told
