"""What the webhooks missed is healed once a day, page by page, for any number of invoices."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dunning.domain.errors import Rejected, Retryable
from dunning.domain.invoice import Status
from dunning.workflow.daily_sweep import LISTING, VANISHED
from dunning.workflow.ports import SweepStage
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, said

RUN = "stripe:2026-03-02T08:00"


def stage(name: str, cursor: str | None = None, page: int = 0) -> SweepStage:
    return SweepStage("stripe", RUN, name, MONDAY_MORNING, page, cursor)


def test_invoices_no_webhook_told_of_are_enrolled(world: FakeDeployment) -> None:
    world.stripe.has(*(snapshot(f"in_{number}", f"stripe:cus_{number}") for number in range(7)))
    world.stripe.page_size = 3
    world.run_sweep()
    assert len(world.store.customers()) == 7
    assert {world.profile(customer).due_at for customer in world.store.customers()} == {FIRST}


def test_a_sweep_over_a_book_that_is_right_writes_nothing(world: FakeDeployment) -> None:
    world.invoiced(*(snapshot(f"in_{number}", f"stripe:cus_{number}") for number in range(7)))
    writes = world.store.writes
    world.clock.advance(timedelta(days=1))
    world.run_sweep()
    assert world.store.writes == writes
    assert world.sync_queue.requests == []


def test_each_invocation_works_off_one_page_and_queues_the_next(world: FakeDeployment) -> None:
    world.stripe.has(*(snapshot(f"in_{number}") for number in range(5)))
    world.stripe.page_size = 2
    world.sweep.start(MONDAY_MORNING)
    stages = []
    while world.sweep_queue.stages:
        (following,) = world.sweep_queue.receive()
        stages.append(following)
        world.stripe.requests = 0
        world.sweep.page(following)
        assert world.stripe.requests <= 1
    assert stages == [stage(LISTING), stage(LISTING, "in_1", 1), stage(LISTING, "in_3", 2), replace(stage(VANISHED), page=0)]


def test_a_payment_that_was_missed_is_found_by_what_the_source_no_longer_lists(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.stripe.is_paid("in_1")
    world.clock.advance(timedelta(days=1))
    world.run_sweep()
    assert world.invoice(ACME, "in_1").status is Status.PAID
    assert world.invoice(ACME, "in_2").status is Status.OPEN


def test_an_invoice_that_is_gone_altogether_is_closed(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"))
    world.stripe.invoices.clear()
    world.run_sweep()
    assert world.invoice(ACME, "in_1").status is Status.DELETED


def test_an_invoice_that_came_after_the_listing_is_asked_for_and_kept(world: FakeDeployment) -> None:
    world.sweep.page(stage(LISTING))
    world.invoiced(snapshot("in_new"))
    world.settle_queues()
    assert world.invoice(ACME, "in_new").status is Status.OPEN
    assert said(world.log(ACME)) == ["enrolled"]


def test_only_the_swept_source_s_invoices_can_vanish(world: FakeDeployment) -> None:
    theirs = replace(snapshot("7", "quickbooks:1:42"), source="quickbooks")
    world.record.invoice(theirs)
    world.run_sweep()
    assert world.invoice("quickbooks:1:42", "7").status is Status.OPEN


def test_what_vanished_is_looked_for_page_by_page_too() -> None:
    world = FakeDeployment(open_page_size=2)
    world.invoiced(*(snapshot(f"in_{number}", f"stripe:cus_{number}") for number in range(5)))
    for number in range(5):
        world.stripe.is_paid(f"in_{number}")
    world.clock.advance(timedelta(days=1))
    world.run_sweep()
    assert {world.profile(customer).due_at for customer in world.store.customers()} == {None}


def test_a_lost_timer_is_armed_again(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    before = world.case(ACME)
    world.store.save(before, before.with_profile(replace(before.profile, due_at=None, due_since=None)))
    world.run_sweep()
    assert world.profile(ACME).due_at == FIRST


def test_a_changed_due_date_is_found(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.has(snapshot(due=date(2026, 4, 30)))
    world.clock.advance(timedelta(days=1))
    world.run_sweep()
    assert world.profile(ACME).due_at == FIRST + timedelta(days=30)


def test_an_invoice_that_cannot_be_read_stops_nobody_and_does_not_count_as_gone(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.stripe.unreadable = ("in_1",)
    world.stripe.has(snapshot("in_3"))
    world.run_sweep()
    assert {invoice.id: invoice.status for invoice in world.case(ACME).invoices.values()} == dict.fromkeys(
        ("in_1", "in_2", "in_3"), Status.OPEN
    )


def test_a_source_that_is_down_leaves_the_page_to_be_done_again(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.is_down = True
    with pytest.raises(Retryable):
        world.sweep.page(stage(LISTING))
    assert world.sweep_queue.stages == []
    assert world.invoice(ACME, "in_1").status is Status.OPEN


def test_the_same_page_twice_changes_nothing(world: FakeDeployment) -> None:
    world.stripe.has(snapshot())
    world.sweep.page(stage(LISTING))
    writes = world.store.writes
    assert world.sweep.page(stage(LISTING)).changed == 0
    assert world.store.writes == writes


def test_the_same_schedule_s_event_twice_is_the_same_run(world: FakeDeployment) -> None:
    world.sweep.start(MONDAY_MORNING)
    world.sweep.start(MONDAY_MORNING)
    assert world.sweep_queue.stages == [stage(LISTING), stage(LISTING)]


def test_what_a_page_brought_is_told(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"))
    world.stripe.has(snapshot("in_2"), snapshot("in_3"))
    world.stripe.unreadable = ("in_3",)
    swept = world.sweep.page(stage(LISTING))
    assert (swept.read, swept.changed, swept.unreadable) == (2, 1, 1)


@pytest.mark.parametrize("unknown", [replace(stage(LISTING), source="paper"), stage("tidying")])
def test_a_stage_nobody_knows_is_rejected(world: FakeDeployment, unknown: SweepStage) -> None:
    with pytest.raises(Rejected):
        world.sweep.page(unknown)
