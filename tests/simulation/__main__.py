"""`make simulate SEEDS=2000`: that many worlds, none of them like another; `SEED=123` replays one."""

import argparse
import sys
import time

from tests.simulation.campaign import Outcome, Totals, of_seed, run
from tests.simulation.plans import Plan, plan_of
from tests.simulation.shrinking import Shrinker


def main(arguments: list[str]) -> int:
    """Run worlds; answers the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many worlds")
    parser.add_argument("--first", type=int, default=int(time.time()) % 10_000_000 * 1000, help="the first seed (default: from the clock)")
    parser.add_argument("--seed", type=int, help="this one world only")
    parser.add_argument("--plain", action="store_true", help="do not look for a smaller schedule that fails too")
    options = parser.parse_args(arguments)
    if options.seed is not None:
        outcome = of_seed(options.seed)
        if not outcome.violations:
            print(f"Seed {options.seed}: {outcome.messages} messages, {len(outcome.faults)} faults, nothing wrong.")
            return 0
        _tell_failure(outcome, smaller=not options.plain)
        return 1
    print(f"{options.seeds} seeds from {options.first} on", flush=True)
    totals = run(options.first, options.seeds)
    _tell_totals(totals)
    if totals.failed:
        _tell_failure(totals.failed, smaller=not options.plain)
        return 1
    print("Every invariant held in every world.")
    return 0


def _tell_totals(totals: Totals) -> None:
    print(f"\n{'fault injected':<58}{'times':>8}")
    for name, times in sorted(totals.faults.items()):
        print(f"{name:<58}{times:>8}")
    print(f"{'':-<66}\n{'in all':<58}{sum(totals.faults.values()):>8}")
    print(
        f"\n{totals.worlds} worlds, {totals.messages} messages checked, {totals.invocations} invocations,"
        f" {totals.seconds:.0f} s: {totals.rate:.0f} seeds a minute"
    )


def _tell_failure(outcome: Outcome, *, smaller: bool) -> None:
    print(f"\nSeed {outcome.seed} FAILED:")
    for text in outcome.violations[:20]:
        print(f"  {text}")
    if smaller:
        shrinker = Shrinker(plan_of(outcome.seed), outcome)
        small = shrinker.shrink()
        print(f"\nThe smallest schedule found that fails ({len(shrinker.faults)} of {len(outcome.faults)} faults):")
        for line in _schedule(shrinker.plan):
            print(f"  {line}")
        for fault in shrinker.faults:
            print(f"  fault: {fault}")
        print("and then:")
        for text in small.violations:
            print(f"  {text}")
    print(f"\nReplay: make simulate SEED={outcome.seed}")


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
