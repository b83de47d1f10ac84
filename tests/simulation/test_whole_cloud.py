"""A fresh world on the whole local cloud, and those that once failed; `make simulate` plays more of them."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from tests.simulation.campaign import CloudOutcome, on_cloud
from tests.simulation.cloud_invariants import violations
from tests.simulation.cloud_plans import CloudFault, Strike, small_plan, troubles_of
from tests.simulation.plans import Plan
from tests.simulation.shrinking import Shrinker
from tests.simulation.whole_cloud import run_plan

FRESH = int(time.time()) // 60
EVERYONE_OVERTAKEN = 1004
"""A world in which run_step, a webhook and a fetch are each overtaken."""


def test_a_fresh_world_on_the_whole_cloud_holds() -> None:
    outcome = on_cloud(FRESH)
    assert outcome.violations == (), f"replay: make simulate SEED={FRESH} CLOUD=1"
    assert outcome.faults


def test_what_goes_wrong_on_the_whole_cloud_strikes_and_spares_the_last_try_and_what_is_wrong_is_noticed() -> None:
    """Beside the seed's own troubles: one customer's mail six times without an answer, the sweep's event refused in each of its tries."""
    plan = small_plan(EVERYONE_OVERTAKEN)
    before_the_sweep = plan.start.replace(hour=3, minute=59) + timedelta(days=1)
    strikes = (Strike(plan.start, "sesv2", "SendEmail", "error", 6), Strike(before_the_sweep, "sqs", "SendMessage", "error", 12))
    world = run_plan(plan, (*strikes, *troubles_of(plan)))
    assert list(violations(world)) == []
    assert world.faults["SendEmail: error"] >= 6
    assert world.faults["SendMessage: error"] >= 12
    assert {f"{name}: overtaken by another worker" for name in ("run_step", "stripe_webhook", "sync_invoice")} <= world.faults.keys()
    assert world.invocations > 20
    world.outbox = [message for message in world.outbox if message["channel"] != "email"]
    assert list(violations(world)) != []


def test_the_same_seed_makes_the_same_schedule() -> None:
    assert (small_plan(7), troubles_of(small_plan(7))) == (small_plan(7), troubles_of(small_plan(7)))
    assert troubles_of(small_plan(7)) != troubles_of(small_plan(8))


def test_a_failing_world_on_the_whole_cloud_is_made_smaller() -> None:
    plan = small_plan(1)
    troubles = troubles_of(plan)
    needed = troubles[len(troubles) // 2]

    def fails_with_the_one(smaller: Plan, faults: Sequence[CloudFault]) -> CloudOutcome:
        return replace(failing, seed=smaller.seed, violations=("wrong",) if needed in faults else ())

    failing = CloudOutcome(plan.seed, ("wrong",), troubles, 0, 0, injected=Counter())
    shrinker = Shrinker(plan, failing, fails_with_the_one)
    shrinker.shrink()
    assert list(shrinker.faults) == [needed]
    assert shrinker.plan.happenings == ()
