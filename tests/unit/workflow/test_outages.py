"""A week in which nothing of ours ran: no worker, no wheel, no sweep. What was missed is caught up as the policy says."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.activity import Activity, ActivityType
from dunning.workflow.hold_case import HoldCase
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import snapshot

PLAN = """
name: plan
timezone: UTC
catch_up: {mode}
scope: {scope}
min_gap: {gap}
send_window: {{email: "08:00-18:00"}}
steps:
  - {{id: upcoming, at: {{before_due: 3d, time: "09:00"}}, email: upcoming}}
  - {{id: first, at: {{after_due: 1d, time: "09:00"}}, email: friendly}}
  - {{id: second, at: {{after_due: 3d, time: "09:00"}}, email: second_notice}}
  - {{id: third, at: {{after_due: 5d, time: "09:00"}}, email: second_notice}}
  - {{id: end, at: {{after_previous: 72h}}, escalate: {{team: collections}}}}
"""
STEPS = ("upcoming", "first", "second", "third", "end")
STOPPED = datetime(2026, 3, 10, 12, tzinfo=UTC)
BACK = STOPPED + timedelta(days=7)
DUE = tuple(date(2026, 3, day) for day in range(5, 22))


def deployment(mode: str, scope: str = "invoice", gap: str = "0h") -> FakeDeployment:
    policy = load_policy(PLAN.format(mode=mode, scope=scope, gap=gap), "plan.yaml", frozenset({"collections"}))
    return FakeDeployment(PolicyBook.of({policy.name: policy}))


def customer(due: date) -> str:
    return f"stripe:cus_{due:%d}"


def after_a_week_away(world: FakeDeployment) -> FakeDeployment:
    """Everybody's one invoice is known since 2 March; from the 10th to the 17th nothing runs, then all wakes."""
    for due in DUE:
        world.invoiced(replace(snapshot(f"in_{due:%d}", customer=customer(due)), due=due))
    world.run_until(STOPPED)
    world.clock.now = BACK
    world.advance(timedelta(days=15))
    return world


def story(log: list[Activity]) -> list[str]:
    """`17 sent first`: what became of each step, on which day of March."""
    told = (ActivityType.SENT, ActivityType.SKIPPED, ActivityType.ESCALATED)
    return [f"{one.at:%d} {one.type.value} {one.step}" for one in log if one.type in told]


@pytest.mark.parametrize("mode", ["next", "latest"])
def test_after_a_week_without_us_nothing_is_lost_and_nobody_hears_twice_on_a_day(mode: str) -> None:
    world = after_a_week_away(deployment(mode))
    for due in DUE:
        log = world.log(customer(due))
        came = [one.step for one in log if one.type in (ActivityType.SENT, ActivityType.SKIPPED, ActivityType.ESCALATED)]
        assert came == list(STEPS), (due, story(log))
        assert all(one.reason == "its day had passed" for one in log if one.type is ActivityType.SKIPPED)
        days = Counter(one.at.date() for one in log if one.type in (ActivityType.SENT, ActivityType.ESCALATED))
        assert max(days.values()) == 1, (due, story(log))


def test_next_sends_what_was_missed_one_after_the_other_with_the_plan_s_days_between() -> None:
    log = after_a_week_away(deployment("next")).log(customer(date(2026, 3, 10)))
    assert story(log) == ["07 sent upcoming", "17 sent first", "19 sent second", "21 sent third", "24 escalated end"]


def test_latest_sends_only_the_last_message_that_was_missed_and_records_the_others() -> None:
    world = after_a_week_away(deployment("latest"))
    assert story(world.log(customer(date(2026, 3, 10)))) == [
        "07 sent upcoming",
        "17 skipped first",
        "17 skipped second",
        "17 sent third",
        "20 escalated end",
    ]
    # The first notice only was missed: there is nothing later to send in its place.
    assert story(world.log(customer(date(2026, 3, 14))))[:3] == ["17 skipped upcoming", "17 skipped first", "17 sent second"]
    assert story(world.log(customer(date(2026, 3, 15))))[:3] == ["17 skipped upcoming", "17 sent first", "19 sent second"]


@pytest.mark.parametrize("mode", ["next", "latest"])
def test_a_customer_with_many_invoices_hears_once_a_day_after_a_week_without_us(mode: str) -> None:
    world = deployment(mode, "customer", "1d")
    for due in DUE:
        world.invoiced(replace(snapshot(f"in_{due:%d}"), due=due))
    world.run_until(STOPPED)
    world.clock.now = BACK
    world.advance(timedelta(days=25))
    days = Counter(at.date() for at in {one.at for one in world.log("stripe:cus_acme") if one.type is ActivityType.SENT})
    assert len(world.email.sent) == sum(days.values())
    assert max(days.values()) == 1
    assert days[BACK.date()] == 1
    assert all(world.invoice("stripe:cus_acme", f"in_{due:%d}").escalated for due in DUE)


def test_what_a_hold_kept_back_is_no_outage_and_runs_itself_under_latest() -> None:
    """A hold ends, and the step that it held runs then."""
    world = deployment("latest")
    world.invoiced(replace(snapshot("in_10", customer=customer(date(2026, 3, 10))), due=date(2026, 3, 10)))
    world.run_until(STOPPED)
    HoldCase(world.record)(customer(date(2026, 3, 10)), "their office moves", BACK)
    world.advance(timedelta(days=20))
    assert story(world.log(customer(date(2026, 3, 10))))[:3] == ["07 sent upcoming", "17 sent first", "19 sent second"]
