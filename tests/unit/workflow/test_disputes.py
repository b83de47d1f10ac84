"""Disputes hold the case from whichever side their news come, and in whatever order."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from dunning.domain.bounds import MOST_CLOSED_DISPUTES, MOST_OPEN_DISPUTES
from dunning.domain.case import Dispute
from dunning.domain.errors import Permanent, Retryable
from dunning.domain.holds import HoldKind
from dunning.workflow.ports import SyncRequest, Traced
from dunning.workflow.source_events import DisputeSeen, FetchKind
from tests.fakes.clock import MONDAY_MORNING
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.fakes.source import FakeSource
from tests.unit.workflow.plan import FIRST, said

HOUR = timedelta(hours=1)
OPENED = Dispute("dp_1", is_open=True, stamp=MONDAY_MORNING + HOUR, invoice="in_1")
WON = Dispute("dp_1", is_open=False, stamp=MONDAY_MORNING + 2 * HOUR, invoice="in_1")
OTHER_OPENED = Dispute("dp_2", is_open=True, stamp=MONDAY_MORNING + HOUR)
OTHER_WON = Dispute("dp_2", is_open=False, stamp=MONDAY_MORNING + 2 * HOUR)


def test_an_open_dispute_holds_and_its_end_releases(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.record.dispute(ACME, OPENED)
    assert world.profile(ACME).due_at is None
    world.record.dispute(ACME, WON)
    assert world.profile(ACME).due_at == FIRST
    assert said(world.log(ACME)) == ["enrolled", "held", "released"]


@pytest.mark.parametrize("order", list(permutations([OPENED, WON, OTHER_OPENED, OTHER_WON])))
def test_disputes_end_up_alike_in_any_order(world: FakeDeployment, order: tuple[Dispute, ...]) -> None:
    world.invoiced(snapshot())
    for dispute in order:
        world.record.dispute(ACME, dispute)
    assert not world.profile(ACME).is_held
    assert world.profile(ACME).due_at == FIRST


@pytest.mark.parametrize("order", list(permutations([OPENED, WON, OTHER_OPENED])))
def test_one_dispute_that_is_still_open_holds(world: FakeDeployment, order: tuple[Dispute, ...]) -> None:
    world.invoiced(snapshot())
    for dispute in order:
        world.record.dispute(ACME, dispute)
    assert world.profile(ACME).is_held
    assert world.profile(ACME).due_at is None


def test_the_same_news_of_a_dispute_twice_change_nothing(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.record.dispute(ACME, OPENED)
    writes = world.store.writes
    world.record.dispute(ACME, OPENED)
    assert world.store.writes == writes


def test_when_a_dispute_ends_late_one_step_runs_and_the_plan_goes_on_from_there(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.record.dispute(ACME, OPENED)
    world.run_until(FIRST + timedelta(days=20))
    assert world.email.sent == []
    world.record.dispute(ACME, WON)
    world.advance(HOUR)
    assert [mail.envelope.step for mail in world.email.sent] == ["first"]
    world.advance(timedelta(days=2))
    assert [mail.envelope.step for mail in world.email.sent] == ["first", "second"]


def test_a_dispute_of_a_customer_who_owes_nothing_here_is_not_recorded(world: FakeDeployment) -> None:
    world.record.dispute("stripe:cus_else", OTHER_OPENED)
    assert world.store.customers() == ()


def test_a_dispute_that_overtakes_its_invoice_is_not_forgotten(world: FakeDeployment) -> None:
    world.record.dispute(ACME, OPENED)
    world.invoiced(snapshot())
    world.run_until(FIRST + HOUR)
    assert world.email.sent == []


def test_a_webhook_about_a_dispute_finds_its_customer_through_the_charge(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    seen = DisputeSeen("dp_1", is_open=True, charge="ch_1", payment_intent="pi_1", stamp=MONDAY_MORNING)
    world.stripe.disputes["dp_1"] = seen
    world.stripe.traces[FetchKind.CHARGE, "ch_1"] = Traced(ACME, ("in_1",))
    world.events(seen)
    world.settle_queues()
    assert world.profile(ACME).disputes["dp_1"] == Dispute("dp_1", is_open=True, stamp=MONDAY_MORNING, invoice="in_1")
    assert world.log(ACME)[-1].invoices == ("in_1",)


def test_a_charge_that_names_no_customer_is_traced_through_its_invoice(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.disputes["dp_1"] = DisputeSeen("dp_1", is_open=True, charge="ch_1", payment_intent=None, stamp=MONDAY_MORNING)
    world.stripe.traces[FetchKind.CHARGE, "ch_1"] = Traced(None, ("in_1",))
    world.sync(SyncRequest("stripe", "dispute", "dp_1"))
    assert world.profile(ACME).is_held


def test_a_dispute_the_source_no_longer_shows_is_read_from_what_the_webhook_told(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.traces[FetchKind.CHARGE, "ch_1"] = Traced(ACME, ())
    world.events(DisputeSeen("dp_1", is_open=True, charge="ch_1", payment_intent=None, stamp=MONDAY_MORNING))
    world.settle_queues()
    assert world.profile(ACME).disputes == {"dp_1": Dispute("dp_1", is_open=True, stamp=MONDAY_MORNING)}


def test_a_webhook_that_comes_late_is_answered_with_what_the_source_says_now(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.traces[FetchKind.CHARGE, "ch_1"] = Traced(ACME, ("in_1",))
    world.stripe.disputes["dp_1"] = DisputeSeen("dp_1", is_open=False, charge="ch_1", payment_intent=None, stamp=MONDAY_MORNING)
    world.events(DisputeSeen("dp_1", is_open=True, charge="ch_1", payment_intent=None, stamp=MONDAY_MORNING))
    world.settle_queues()
    assert not world.profile(ACME).is_held


def disputed(world: FakeDeployment, *, charge: str | None = "ch_1", intent: str | None = None, is_open: bool = True) -> None:
    """The source has this dispute."""
    world.stripe.disputes["dp_1"] = DisputeSeen("dp_1", is_open=is_open, charge=charge, payment_intent=intent, stamp=MONDAY_MORNING)


@pytest.mark.parametrize("charge", [None, "ch_unknown"])
@pytest.mark.parametrize("intent", [None, "pi_unknown"])
def test_an_open_dispute_that_leads_nowhere_is_for_a_person_and_changes_nothing(
    world: FakeDeployment, charge: str | None, intent: str | None
) -> None:
    world.invoiced(snapshot())
    disputed(world, charge=charge, intent=intent)
    with pytest.raises(Permanent, match="dp_1 is open"):
        world.sync(SyncRequest("stripe", "dispute", "dp_1"))
    assert not world.profile(ACME).is_held


@pytest.mark.parametrize("is_known", [True, False])
def test_a_charge_that_the_source_does_not_know_is_traced_by_the_payment_behind_it(world: FakeDeployment, *, is_known: bool) -> None:
    world.stripe.has(snapshot())
    if is_known:
        world.record.invoice(snapshot())
    world.stripe.traces[FetchKind.PAYMENT_INTENT, "pi_1"] = Traced(None, ("in_1",))
    disputed(world, intent="pi_1")
    world.sync(SyncRequest("stripe", "dispute", "dp_1"))
    assert world.profile(ACME).disputes["dp_1"].invoice == "in_1"
    assert world.profile(ACME).is_held


def test_a_charge_that_leads_to_nobody_is_traced_by_the_payment_behind_it(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.traces[FetchKind.CHARGE, "ch_1"] = Traced(None, ())
    world.stripe.traces[FetchKind.PAYMENT_INTENT, "pi_1"] = Traced(None, ("in_1",))
    disputed(world, intent="pi_1")
    world.sync(SyncRequest("stripe", "dispute", "dp_1"))
    assert world.profile(ACME).is_held


def test_a_charge_without_a_customer_is_nobody_s_here(world: FakeDeployment) -> None:
    world.stripe.traces[FetchKind.CHARGE, "ch_1"] = Traced(None, ())
    disputed(world)
    assert world.sync(SyncRequest("stripe", "dispute", "dp_1")) == "the disputed charge has no customer"
    assert world.store.customers() == ()


def test_a_dispute_that_is_over_needs_nobody(world: FakeDeployment) -> None:
    disputed(world, is_open=False)
    told_open = SyncRequest("stripe", "dispute", "dp_1", None, MONDAY_MORNING, '[true, "ch_1", null]')
    assert world.sync(told_open).endswith("the dispute is over")


def test_a_charge_that_cannot_be_read_now_is_traced_by_the_payment_or_asked_for_again(world: FakeDeployment) -> None:
    class Lame(FakeSource):
        def trace(self, kind: FetchKind, object_id: str, account: str | None = None) -> Traced | None:
            if kind is FetchKind.CHARGE:
                raise Retryable("a 404 that is not about the charge")
            return super().trace(kind, object_id, account)

    world.invoiced(snapshot())
    lame = Lame(world.clock)
    lame.disputes["dp_1"] = DisputeSeen("dp_1", is_open=True, charge="ch_1", payment_intent="pi_1", stamp=MONDAY_MORNING)
    sync = replace(world.sync, sources={"stripe": lame})
    with pytest.raises(Retryable):
        sync(SyncRequest("stripe", "dispute", "dp_1"))
    lame.traces[FetchKind.PAYMENT_INTENT, "pi_1"] = Traced(None, ("in_1",))
    sync(SyncRequest("stripe", "dispute", "dp_1"))
    assert world.profile(ACME).is_held


def with_many_closed(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    for number in range(MOST_CLOSED_DISPUTES + 1):
        stamp = MONDAY_MORNING + HOUR + timedelta(seconds=number)
        world.record.dispute(ACME, Dispute(f"dp_1{number:03}", is_open=False, stamp=stamp, invoice="in_1"))


def test_a_late_word_of_a_dispute_closed_so_long_ago_that_it_was_let_go_does_not_open_it_again(world: FakeDeployment) -> None:
    with_many_closed(world)
    assert "dp_1000" not in world.profile(ACME).disputes
    late = Dispute("dp_1000", is_open=True, stamp=MONDAY_MORNING, invoice="in_1")
    assert world.record.dispute(ACME, late) == "nothing new"
    assert not world.profile(ACME).is_held


def test_what_the_source_says_of_it_now_is_believed_all_the_same(world: FakeDeployment) -> None:
    with_many_closed(world)
    late = Dispute("dp_1000", is_open=True, stamp=MONDAY_MORNING, invoice="in_1")
    world.record.dispute(ACME, late, lambda: Dispute("dp_1000", is_open=True, stamp=world.clock.now, invoice="in_1"))
    assert world.profile(ACME).is_held


def test_one_open_dispute_more_than_can_be_kept_is_for_a_person(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    for number in range(MOST_OPEN_DISPUTES + 2):
        world.record.dispute(ACME, Dispute(f"dp_{number}", is_open=True, stamp=MONDAY_MORNING, invoice="in_1"))
    for number in range(MOST_OPEN_DISPUTES):
        world.record.dispute(ACME, Dispute(f"dp_{number}", is_open=False, stamp=MONDAY_MORNING + HOUR, invoice="in_1"))
    profile = world.profile(ACME)
    assert not profile.is_disputed
    assert list(profile.holds) == [HoldKind.OPERATOR]
    assert said(world.log(ACME)) == ["enrolled", "held", "held", "released"]
