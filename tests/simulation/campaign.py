"""Many worlds, over all processors, and what they add up to: all seeds on the twin, a part of them on the whole local cloud."""

import os
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Generic, TypeVar

from dunning.domain.errors import Unforeseen
from dunning.workflow.unforeseen import foreseen
from tests.simulation import cloud_invariants, whole_cloud
from tests.simulation.cloud_plans import CloudFault, small_plan, troubles_of
from tests.simulation.faults import Fault
from tests.simulation.invariants import violations
from tests.simulation.plans import Plan, plan_of
from tests.simulation.world import World

Wrong = TypeVar("Wrong")

ONE_IN = 40
FEWEST_ON_CLOUD = 5


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Wrong]):
    """One world, told. `faults` are what a smaller one may leave away, `injected` counts what really struck, by kind."""

    seed: int
    violations: tuple[str, ...]
    faults: tuple[Wrong, ...]
    messages: int
    invocations: int
    injected: Counter[str]


TwinOutcome = Outcome[Fault]
CloudOutcome = Outcome[CloudFault]


@dataclass(frozen=True, slots=True)
class Totals:
    """Many worlds, added up."""

    worlds: int
    on_cloud: int
    messages: int
    invocations: int
    faults: Counter[str]
    seconds: float
    failed_on_twin: TwinOutcome | None = None
    failed_on_cloud: CloudOutcome | None = None

    @property
    def failed(self) -> bool:
        """Whether any world did."""
        return bool(self.failed_on_twin or self.failed_on_cloud)

    @property
    def rate(self) -> float:
        """Seeds a minute."""
        return self.worlds / self.seconds * 60 if self.seconds else 0.0


def outcome_of(plan: Plan, faults: Sequence[Fault] | None = None) -> TwinOutcome:
    """Run one world to its end on the twin, and look at it."""
    world = World(plan, faults)
    found = _found(world)
    injected = Counter(f"for hours: {spell}" for spell in plan.spells)
    injected.update(f"{fault.op.partition('.')[0]}: {fault.kind.value}" for fault in world.faults.injected)
    return Outcome(
        plan.seed,
        found,
        tuple(world.faults.injected),
        len(world.records.accepted),
        sum(world.records.invocations.values()),
        injected,
    )


def _found(world: World) -> tuple[str, ...]:
    try:
        foreseen(world.run)
        return foreseen(lambda: tuple(violations(world)))
    except Unforeseen as exc:
        return (*world.records.violations, f"the world broke off: {exc}")


def cloud_outcome_of(plan: Plan, troubles: Sequence[CloudFault]) -> CloudOutcome:
    """Run one world to its end on the whole local cloud, and look at it."""
    try:
        world = foreseen(lambda: whole_cloud.run_plan(plan, troubles))
        found = foreseen(lambda: tuple(cloud_invariants.violations(world)))
    except Unforeseen as exc:
        return Outcome(plan.seed, (f"the world broke off: {exc}",), tuple(troubles), 0, 0, Counter())
    injected = Counter({f"whole cloud, {name}": times for name, times in world.faults.items()})
    return Outcome(plan.seed, found, tuple(troubles), len(world.outbox), world.invocations, injected)


def of_seed(seed: int) -> TwinOutcome:
    """The world of a seed on the twin."""
    return outcome_of(plan_of(seed))


def on_cloud(seed: int) -> CloudOutcome:
    """The world of a seed on the whole local cloud; it is another one than the twin's."""
    plan = small_plan(seed)
    return cloud_outcome_of(plan, troubles_of(plan))


def cloud_seeds(seeds: range) -> range:
    """Those of some seeds that are played on the whole cloud, too: one in forty, five at least."""
    wanted = min(len(seeds), max(FEWEST_ON_CLOUD, len(seeds) // ONE_IN))
    return seeds[:: len(seeds) // wanted][:wanted] if wanted else seeds[:0]


def run(first: int, seeds: int, processors: int | None = None, *, with_cloud: bool = True) -> Totals:
    """So many seeds from the first on, until one fails; on all processors unless told."""
    began = time.monotonic()
    totals = _Adding()
    every = range(first, first + seeds)
    some = cloud_seeds(every) if with_cloud else every[:0]
    with closing(_outcomes(every, some, processors or os.cpu_count() or 1)) as outcomes:
        for twin, cloud in outcomes:
            totals.add(twin, cloud)
            if totals.failed_on_twin or totals.failed_on_cloud:
                break
    return totals.told(time.monotonic() - began)


class _Adding:
    def __init__(self) -> None:
        self._worlds = self._on_cloud = self._messages = self._invocations = 0
        self._faults: Counter[str] = Counter()
        self.failed_on_twin: TwinOutcome | None = None
        self.failed_on_cloud: CloudOutcome | None = None

    def add(self, twin: TwinOutcome | None, cloud: CloudOutcome | None) -> None:
        self._worlds += twin is not None
        self._on_cloud += cloud is not None
        for outcome in (twin, cloud):
            if outcome:
                self._messages += outcome.messages
                self._invocations += outcome.invocations
                self._faults.update(outcome.injected)
        self.failed_on_twin = twin if twin and twin.violations else None
        self.failed_on_cloud = cloud if cloud and cloud.violations else None

    def told(self, seconds: float) -> Totals:
        counts = (self._worlds, self._on_cloud, self._messages, self._invocations)
        return Totals(*counts, self._faults, seconds, self.failed_on_twin, self.failed_on_cloud)


def _outcomes(every: range, some: range, processors: int) -> Generator[tuple[TwinOutcome | None, CloudOutcome | None], None, None]:
    """The whole cloud's worlds are begun first, for they take long; the twin's are told first."""
    if processors < 2:
        yield from ((outcome, None) for outcome in map(of_seed, every))
        yield from ((None, outcome) for outcome in map(on_cloud, some))
        return
    with get_context("fork").Pool(processors) as pool:
        slow, fast = pool.imap(on_cloud, some, chunksize=1), pool.imap(of_seed, every, chunksize=4)
        yield from ((outcome, None) for outcome in fast)
        yield from ((None, outcome) for outcome in slow)
