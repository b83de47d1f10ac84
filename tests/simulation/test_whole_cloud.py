"""Fresh worlds on the whole local cloud. A seed that failed is run again with `SEED=… pytest tests/simulation/test_whole_cloud.py`."""

import os
import time

import pytest

from tests.simulation.whole_cloud import run, violations

FRESH = int(time.time()) // 60
SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else [FRESH + number for number in range(5)]


@pytest.mark.parametrize("number", range(len(SEEDS)))
def test_a_world_on_the_whole_cloud_holds(number: int) -> None:
    world = run(SEEDS[number])
    assert list(violations(world)) == [], f"seed {SEEDS[number]}, faults {dict(world.faults)}, happenings {world.plan.happenings}"
    assert world.faults
    assert world.cases
