"""SES's quota of the day is spent for days: who fell due first goes first, and nobody goes past the wheel."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.deployment import TURN, FakeDeployment
from tests.fakes.invoices import snapshot

PLAN = """
name: plan
timezone: UTC
send_window: {{email: "{hours}"}}
steps:
  - {{id: first, at: {{after_due: 7d, time: "09:00"}}, email: friendly}}
"""
GROUPS = {"z": 23, "m": 24, "a": 25}
"""Whose step falls due on the 2nd, 3rd and 4th of March, by the days of February on which they had to pay."""

NEXT_QUOTA_AT = 2
TUESDAY_NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def deployment(hours: str = "08:00-18:00") -> FakeDeployment:
    policy = load_policy(PLAN.format(hours=hours), "plan.yaml", frozenset())
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    for name, day in GROUPS.items():
        customers = [(f"in_{name}{number}", f"stripe:cus_{name}{number}") for number in (1, 2)]
        world.invoiced(*(snapshot(invoice, customer, due=date(2026, 2, day)) for invoice, customer in customers))
    return world


def days_of_one_mail(world: FakeDeployment, days: int) -> Iterator[list[str]]:
    """Who gets a mail on each day that SES counts; it gives new quota in the night, and the sweep comes two hours later."""
    of_day: list[str] = []
    while world.clock.now < MONDAY_MORNING + timedelta(days=days):
        if (world.clock.now.hour, world.clock.now.minute) == (NEXT_QUOTA_AT, 0):
            yield of_day
            of_day = []
        if (world.clock.now.hour, world.clock.now.minute) == (4, 0):
            world.run_sweep()
        world.quota.remaining = max(0, 1 - len(of_day))
        before = len(world.email.sent)
        world.advance(TURN)
        of_day += [message.envelope.customer[-2:] for message in world.email.sent[before:]]


@pytest.mark.parametrize("hours", ["08:00-18:00", "00:00-24:00"])
def test_over_nights_and_sweeps_the_longest_due_go_first_and_nobody_goes_past(hours: str) -> None:
    world = deployment(hours)
    assert list(days_of_one_mail(world, 7)) == [["z1"], ["z2"], ["m1"], ["m2"], ["a1"], ["a2"], []]
    assert {world.profile(customer).retries for customer in world.store.customers()} == {0}


def test_news_of_what_was_refused_and_waits_cost_it_no_place() -> None:
    world = deployment()
    world.quota.remaining = 0
    world.run_until(TUESDAY_NOON)
    world.email.refuses()
    world.look_at("stripe:cus_z1")
    world.clock.advance(timedelta(hours=2))
    world.record.invoice(snapshot("in_z1", "stripe:cus_z1", due=date(2026, 2, 23), amount_due=99_00, stamp=world.clock.now))
    profile = world.profile("stripe:cus_z1")
    assert (profile.due_since, profile.retries) == (TUESDAY_NOON.replace(day=2, hour=9), 1)


def test_a_sweep_tells_the_queue_of_timers_that_it_armed_and_not_of_those_that_stood() -> None:
    world = deployment()
    world.quota.remaining = 0
    world.run_until(TUESDAY_NOON)
    lost = world.case("stripe:cus_z1")
    world.store.save(lost, lost.with_profile(replace(lost.profile, due_at=None, due_since=None)))
    before = len(world.wakeups.sent)
    world.run_sweep()
    assert [wakeup.customer for wakeup in world.wakeups.sent[before:]] == ["stripe:cus_z1"]
