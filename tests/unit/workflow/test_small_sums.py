"""`minimum_balance` with `scope: customer`: many small invoices together are worth a reminder."""

from dataclasses import replace
from datetime import timedelta

from dunning.content.policy_book import PolicyBook
from dunning.domain.activity import ActivityType
from dunning.domain.policy import Scope
from dunning.domain.recording import MOST_REVIEWED
from tests.fakes.deployment import FakeDeployment, standard_policies
from tests.fakes.invoices import ACME, DUE, snapshot
from tests.unit.workflow.plan import ESCALATION, FIRST

SMALL = [f"in_{number:02d}" for number in range(MOST_REVIEWED + 5)]
WOKEN = "with what else is owed it is worth a reminder"


def test_of_more_small_invoices_than_one_write_wakes_the_daily_sweep_wakes_the_rest() -> None:
    """Twenty invoices over 2 EUR are left alone under a minimum of 50; one over 20 EUR more makes sixty."""
    policy = replace(standard_policies().default, scope=Scope.CUSTOMER, minimum_balance={"EUR": 50_00})
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.invoiced(*(snapshot(name, amount_due=2_00) for name in SMALL))
    assert [invoice.suppressed_for for invoice in world.case(ACME).invoices.values()] == ["below_minimum_balance"] * len(SMALL)

    world.invoiced(snapshot("in_large", amount_due=20_00))
    asleep = [name for name in SMALL if world.invoice(ACME, name).next_at is None]
    assert len(asleep) == len(SMALL) - MOST_REVIEWED

    world.advance(timedelta(hours=12))
    world.run_sweep()
    assert {invoice.next_at for invoice in world.case(ACME).invoices.values()} == {FIRST}
    woken = [one.invoices for one in world.log(ACME) if one.type is ActivityType.UPDATED and one.reason == WOKEN]
    assert sorted(woken) == [(name,) for name in SMALL]

    written = len(world.log(ACME))
    world.run_sweep()
    assert len(world.log(ACME)) == written
    world.run_until(FIRST + timedelta(hours=1))
    assert [sorted(mail.envelope.invoices) for mail in world.email.sent] == [sorted([*SMALL, "in_large"])]


def test_what_became_too_small_when_the_rest_went_to_the_team_is_left_alone_and_comes_back_with_the_next_invoice() -> None:
    """Together they were worth a reminder; the older one is handed over, and nobody looks at the other day after day."""
    policy = replace(standard_policies().default, scope=Scope.CUSTOMER, minimum_balance={"EUR": 50_00})
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.invoiced(snapshot("in_old", amount_due=49_00), snapshot("in_new", amount_due=4_00, due=DUE + timedelta(days=14)))
    world.run_until(ESCALATION + timedelta(days=9))
    assert world.invoice(ACME, "in_old").escalated
    left = world.invoice(ACME, "in_new")
    assert (left.suppressed_for, left.next_at, world.profile(ACME).due_at) == ("below_minimum_balance", None, None)
    reasons = [one.reason for one in world.log(ACME) if one.invoices == ("in_new",) and one.type is ActivityType.SUPPRESSED]
    assert reasons == ["below_minimum_balance"]

    world.invoiced(snapshot("in_next", amount_due=60_00, due=DUE + timedelta(days=20)))
    assert world.invoice(ACME, "in_new").next_at is not None
