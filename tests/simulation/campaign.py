"""Many worlds, over all processors, and what they add up to."""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import get_context

from tests.simulation.faults import Fault
from tests.simulation.invariants import violations
from tests.simulation.plans import Plan, plan_of
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Outcome:
    """One world, told."""

    seed: int
    violations: tuple[str, ...]
    faults: tuple[Fault, ...]
    messages: int
    invocations: int
    spells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """Many worlds, added up."""

    worlds: int
    messages: int
    invocations: int
    faults: Counter[str]
    seconds: float
    failed: Outcome | None

    @property
    def rate(self) -> float:
        """Seeds a minute."""
        return self.worlds / self.seconds * 60 if self.seconds else 0.0


def outcome_of(plan: Plan, faults: Sequence[Fault] | None = None) -> Outcome:
    """Run one world to its end and look at it."""
    world = World(plan, faults)
    world.run()
    return Outcome(
        plan.seed,
        tuple(violations(world)),
        tuple(world.faults.injected),
        len(world.records.accepted),
        sum(world.records.invocations.values()),
        plan.spells,
    )


def of_seed(seed: int) -> Outcome:
    """The world of a seed."""
    return outcome_of(plan_of(seed))


def run(first: int, seeds: int, processors: int | None = None) -> Totals:
    """So many seeds from the first on, until one fails; on all processors unless told."""
    began = time.monotonic()
    worlds = messages = invocations = 0
    faults: Counter[str] = Counter()
    failed: Outcome | None = None
    for outcome in _outcomes(range(first, first + seeds), processors or os.cpu_count() or 1):
        worlds += 1
        messages += outcome.messages
        invocations += outcome.invocations
        faults.update(f"for hours: {spell}" for spell in outcome.spells)
        faults.update(f"{fault.op.partition('.')[0]}: {fault.kind.value}" for fault in outcome.faults)
        if outcome.violations:
            failed = outcome
            break
    return Totals(worlds, messages, invocations, faults, time.monotonic() - began, failed)


def _outcomes(seeds: range, processors: int) -> Iterator[Outcome]:
    if processors < 2:
        yield from map(of_seed, seeds)
        return
    with get_context("fork").Pool(processors) as pool:
        yield from pool.imap(of_seed, seeds, chunksize=4)
