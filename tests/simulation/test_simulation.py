"""The simulator itself: it repeats itself, it notices, and the worlds that once failed hold."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.simulation.campaign import TwinOutcome, cloud_seeds, of_seed, outcome_of, run
from tests.simulation.faults import Fault, Kind
from tests.simulation.invariants import violations
from tests.simulation.plans import Plan, plan_of
from tests.simulation.shrinking import Shrinker
from tests.simulation.world import World

ONCE_FAILED = (7, 33, 62, 69, 172, 182, 195, 209, 259, 281, 289, 313, 325, 390, 474, 539, 552, 300_151, 500_868, 500_940)
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
