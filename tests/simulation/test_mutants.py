"""Take any one safeguard away, and it is noticed: by the simulator within two hundred seeds, or by the contract of the storage."""

import pytest

from tests.simulation.mutants.catalogue import FOUND_BY_CONTRACT, FOUND_BY_SIMULATION, FOUND_ON_THE_WHOLE_CLOUD, Mutant
from tests.simulation.mutants.trial import held_to_contract, played_on_cloud, simulated


@pytest.mark.parametrize("mutant", FOUND_BY_SIMULATION, ids=lambda mutant: mutant.name)
def test_the_simulator_misses(mutant: Mutant) -> None:
    verdict = simulated(mutant)
    assert verdict.code == 1, verdict.said
    assert "FAILED" in verdict.said, verdict.said


@pytest.mark.parametrize("mutant", FOUND_BY_CONTRACT, ids=lambda mutant: mutant.name)
def test_the_contract_misses(mutant: Mutant) -> None:
    verdict = held_to_contract(mutant)
    assert verdict.code == 1, verdict.said
    assert "1 failed" in verdict.said or "FAILED" in verdict.said, verdict.said


@pytest.mark.parametrize("mutant", FOUND_ON_THE_WHOLE_CLOUD, ids=lambda mutant: mutant.name)
def test_a_world_on_the_whole_cloud_misses(mutant: Mutant) -> None:
    verdict = played_on_cloud(mutant)
    assert verdict.code == 1, verdict.said
    assert "FAILED on the whole local cloud" in verdict.said, verdict.said


def test_nothing_is_missed_where_nothing_was_taken_away() -> None:
    verdict = simulated(None, most=20)
    assert verdict.code == 0, verdict.said
    assert "20 worlds" in verdict.said
