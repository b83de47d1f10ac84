"""Open invoices that a list shows and nobody can read: a person is told which they are, once."""

from dataclasses import replace
from datetime import timedelta

from dunning.domain.invoice import Status
from dunning.workflow.daily_sweep import LISTING
from dunning.workflow.sweep_ports import SweepStage
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot


def told_of_unreadable(world: FakeDeployment) -> list[str]:
    return [sent.text for sent in world.team.sent if "cannot be read" in sent.subject]


def test_the_team_is_told_once_a_week_of_what_cannot_be_read_and_at_once_of_what_is_new(world: FakeDeployment) -> None:
    world.stripe.has(*(snapshot(f"in_{number}", f"stripe:cus_{number}") for number in range(9)))
    world.stripe.page_size = 2
    world.stripe.unreadable = ("in_1", "in_8")
    days = {}
    for day in range(1, 14):
        if day == 3:
            world.stripe.unreadable = ("in_1", "in_5")
        before = len(told_of_unreadable(world))
        world.run_sweep()
        if texts := told_of_unreadable(world)[before:]:
            days[day] = [[f"in_{n}" for n in range(9) if f"in_{n}" in text] for text in texts]
        world.clock.advance(timedelta(days=1))
    assert days == {1: [["in_1", "in_8"]], 3: [["in_1", "in_5"]], 10: [["in_1", "in_5"]]}


def test_each_company_is_told_of_by_itself_and_of_many_only_so_many_are_named(world: FakeDeployment) -> None:
    world.xero.connected = ("acme", "beta")
    world.xero.has(*(replace(snapshot(f"x{n:03}", f"xero:{'beta' if n else 'acme'}:c{n}"), source="xero") for n in range(251)))
    world.xero.unreadable = tuple(world.xero.invoices)
    world.run_sweep()
    world.run_sweep()
    acme, beta = sorted(told_of_unreadable(world))
    assert ("company acme" in acme, "x000" in acme, "x001" in acme) == (True, True, False)
    assert ("company beta" in beta, "x020, and 230 more" in beta, "x021" in beta) == (True, True, False)
    assert "found 250 open invoices" in beta
    assert "`dunning redrive --stack NAME`" in acme


def test_among_very_many_a_new_one_is_told_at_once(world: FakeDeployment) -> None:
    many = [f"in_{number:04}" for number in range(700)]
    world.stripe.has(*(snapshot(each, f"stripe:cus_{each}") for each in (*many, "in_9999")))
    world.stripe.unreadable = tuple(many)
    subjects = []
    for _ in range(3):
        world.run_sweep()
        subjects.append([sent.subject[:28] for sent in world.team.sent])
        world.clock.advance(timedelta(days=1))
        world.stripe.unreadable = (*many, "in_9999")
    told = ["Stripe: 700 open invoices ca", "Stripe: 701 open invoices ca"]
    assert subjects == [told[:1], told, told]


def test_a_team_that_cannot_be_reached_is_told_later_and_keeps_no_sweep_from_its_end(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.stripe.unreadable = ("in_1",)
    world.stripe.is_paid("in_2")
    world.sweep.page(SweepStage("stripe", "stripe:2026-03-02T08:00", LISTING, MONDAY_MORNING))
    telling, vanished = world.sweep_queue.receive()
    world.team.refuses()
    assert world.sweep.page(telling).waits == "refused"
    world.sweep.page(vanished)
    world.settle_queues()
    assert world.invoice(ACME, "in_2").status is Status.PAID
    assert len(told_of_unreadable(world)) == 1
    world.sweep.page(telling)
    assert len(told_of_unreadable(world)) == 1


def test_what_can_be_read_and_not_recorded_is_told_too(world: FakeDeployment) -> None:
    world.stripe.has(snapshot("in_1"))
    world.store.unreadable.add(ACME)
    world.run_sweep()
    (text,) = told_of_unreadable(world)
    assert ("in_1" in text, "a row of our table that tells of its customer cannot be read" in text) == (True, True)
