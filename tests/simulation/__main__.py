"""`make simulate SEEDS=2000`: that many worlds, none of them like another; `SEED=123` replays one, with `CLOUD=1` on the whole cloud."""

import argparse
import sys
import time

from tests.simulation.campaign import (
    CloudOutcome,
    Outcome,
    Totals,
    TwinOutcome,
    Wrong,
    cloud_outcome_of,
    of_seed,
    on_cloud,
    outcome_of,
    run,
)
from tests.simulation.cloud_plans import small_plan
from tests.simulation.plans import Plan, plan_of
from tests.simulation.shrinking import LONGEST_SECONDS_ON_CLOUD, Shrinker


def main(arguments: list[str]) -> int:
    """Run worlds; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many worlds")
    parser.add_argument("--first", type=int, default=int(time.time()) % 10_000_000 * 1000, help="the first seed (default: from the clock)")
    parser.add_argument("--seed", type=int, help="this one world only")
    parser.add_argument("--cloud", action="store_true", help="with --seed: on the whole local cloud")
    parser.add_argument("--twin-only", action="store_true", help="nothing on the whole local cloud")
    parser.add_argument("--plain", action="store_true", help="do not look for a smaller schedule that fails too")
    options = parser.parse_args(arguments)
    if options.seed is not None:
        return _replay(options.seed, on_the_cloud=options.cloud, smaller=not options.plain)
    print(f"{options.seeds} seeds from {options.first} on", flush=True)
    totals = run(options.first, options.seeds, with_cloud=not options.twin_only)
    _tell_totals(totals)
    if totals.failed_on_twin:
        tell_twin_failure(totals.failed_on_twin, smaller=not options.plain)
    if totals.failed_on_cloud:
        _tell_cloud_failure(totals.failed_on_cloud, smaller=not options.plain)
    if totals.failed:
        return 1
    print("Every invariant held in every world.")
    return 0


def _replay(seed: int, *, on_the_cloud: bool, smaller: bool) -> int:
    twin, cloud = (None, on_cloud(seed)) if on_the_cloud else (of_seed(seed), None)
    outcome = twin or cloud
    if outcome and not outcome.violations:
        print(f"Seed {seed}: {outcome.messages} messages, {outcome.injected.total()} faults, nothing wrong.")
        return 0
    if twin:
        tell_twin_failure(twin, smaller=smaller)
    if cloud:
        _tell_cloud_failure(cloud, smaller=smaller)
    return 1


def _tell_totals(totals: Totals) -> None:
    print(f"\n{'fault injected':<58}{'times':>8}")
    for name, times in sorted(totals.faults.items()):
        print(f"{name:<58}{times:>8}")
    print(f"{'':-<66}\n{'in all':<58}{sum(totals.faults.values()):>8}")
    print(
        f"\n{totals.worlds} worlds, {totals.on_cloud} of the seeds on the whole local cloud, too; {totals.messages} messages checked,"
        f" {totals.invocations} invocations, {totals.seconds:.0f} s: {totals.rate:.0f} seeds a minute"
    )


def tell_twin_failure(outcome: TwinOutcome, *, smaller: bool) -> None:
    """What is wrong, how to see it again, and the smallest schedule that does it."""
    print(f"\nSeed {outcome.seed} FAILED:")
    _tell_violations(outcome)
    print(f"\nReplay: make simulate SEED={outcome.seed}", flush=True)
    if smaller:
        _tell_smallest(Shrinker(plan_of(outcome.seed), outcome, outcome_of))


def _tell_cloud_failure(outcome: CloudOutcome, *, smaller: bool) -> None:
    print(f"\nSeed {outcome.seed} FAILED on the whole local cloud:")
    _tell_violations(outcome)
    print(f"\nReplay: make simulate SEED={outcome.seed} CLOUD=1", flush=True)
    if smaller:
        _tell_smallest(Shrinker(small_plan(outcome.seed), outcome, cloud_outcome_of, LONGEST_SECONDS_ON_CLOUD))


def _tell_violations(outcome: Outcome[Wrong]) -> None:
    for text in outcome.violations[:20]:
        print(f"  {text}")


def _tell_smallest(shrinker: Shrinker[Wrong]) -> None:
    all_faults = len(shrinker.faults)
    small = shrinker.shrink()
    print(f"\nThe smallest schedule found that fails ({len(shrinker.faults)} of {all_faults} faults):")
    for line in _schedule(shrinker.plan):
        print(f"  {line}")
    for fault in shrinker.faults:
        print(f"  fault: {fault}")
    print("and then:")
    _tell_violations(small)


def _schedule(plan: Plan) -> list[str]:
    steps = ", ".join(step.id for step in plan.policy.steps)
    lines = [f"from {plan.start:%d %b %Y %H:%M:%S} to {plan.end:%d %b %H:%M}, policy with {steps}"]
    lines += [f"{customer}: {contact.email}, {contact.phone}, {contact.timezone}" for customer, contact in plan.contacts]
    lines += [str(happening) for happening in plan.happenings]
    for name in ("provider_down", "mail_down", "quota_spent", "wheel_silent", "sweep_silent"):
        lines += [f"{name.replace('_', ' ')} {begins:%d %b %H:%M} to {ends:%d %b %H:%M}" for begins, ends in getattr(plan, name)]
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
