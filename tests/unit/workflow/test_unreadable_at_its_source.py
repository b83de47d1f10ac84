"""Open here, not listed there, and not to be understood when it is fetched: closed where that much is clear, else told once."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Snapshot, Status
from dunning.providers.readable import bare_snapshot
from dunning.workflow.ports import SyncRequest
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, said

DAY = timedelta(days=1)


@pytest.fixture
def odd(world: FakeDeployment) -> FakeDeployment:
    """in_1 is in no list any more, and cannot be read; its sibling is well."""
    world.invoiced(snapshot("in_1", due=date(2026, 6, 1)), snapshot("in_2"))
    world.stripe.changes("in_1", status=Status.DRAFT)
    world.stripe.unreadable = ("in_1",)
    return world


def sweep_daily(world: FakeDeployment, days: int) -> None:
    for _ in range(days):
        world.run_sweep()
        world.clock.advance(DAY)


def test_it_is_told_once_and_waits_by_itself(odd: FakeDeployment) -> None:
    sweep_daily(odd, 3)
    asked = SyncRequest("stripe", "invoice", "in_1", ACME)
    assert odd.sync_letters == [(asked, "invoice in_1 cannot be read")]
    assert {name: set(one.holds) for name, one in odd.case(ACME).invoices.items()} == {"in_1": {HoldKind.PARKED}, "in_2": set()}
    assert said(odd.log(ACME)) == ["enrolled", "enrolled", "held"]


def test_a_letter_that_cannot_be_written_is_written_when_it_is_asked_for_again(odd: FakeDeployment) -> None:
    request = SyncRequest("stripe", "invoice", "in_1", ACME)

    def refuses(request: SyncRequest, reason: str) -> None:
        raise ConnectionError(reason)

    with pytest.raises(ConnectionError):
        replace(odd.sync, put_aside=refuses)(request)
    assert odd.invoice(ACME, "in_1").holds == {}
    assert odd.sync(request) == "parked: invoice in_1 cannot be read"
    assert len(odd.sync_letters) == 1


@pytest.mark.parametrize("now", [Status.OPEN, Status.PAID])
def test_what_can_be_read_again_goes_on(odd: FakeDeployment, now: Status) -> None:
    sweep_daily(odd, 1)
    odd.stripe.unreadable = ()
    odd.stripe.has(replace(snapshot("in_1"), status=now, amount_due=100_00 if now is Status.OPEN else 0))
    (letter, _) = odd.sync_letters[0]
    assert odd.sync(letter) == "recorded"
    assert (odd.invoice(ACME, "in_1").status, odd.invoice(ACME, "in_1").holds) == (now, {})
    assert "released" in said(odd.log(ACME))
    odd.run_until(FIRST + DAY)
    assert {name for mail in odd.email.sent for name in mail.envelope.invoices} == ({"in_1", "in_2"} if now is Status.OPEN else {"in_2"})


@pytest.mark.parametrize("status", [Status.PAID, Status.VOID, Status.DELETED])
def test_one_that_owes_nothing_any_more_is_closed_with_all_else_as_it_was(world: FakeDeployment, status: Status) -> None:
    world.invoiced(snapshot("in_1"))
    before = world.invoice(ACME, "in_1")
    world.stripe.has(bare("in_1", status))
    sweep_daily(world, 2)
    after = world.invoice(ACME, "in_1")
    assert (after.status, after.amount_due, world.sync_letters) == (status, 0, [])
    assert (after.currency, after.total, after.number, after.due_date) == (before.currency, before.total, before.number, before.due_date)


def test_at_its_last_check_it_is_closed_too_and_nobody_is_reminded(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"))
    world.stripe.has(bare("in_1", Status.PAID))
    world.run_until(FIRST + DAY)
    assert (world.invoice(ACME, "in_1").status, world.email.sent, world.dead_letters.letters) == (Status.PAID, [], [])


def test_one_that_was_never_known_is_nothing(world: FakeDeployment) -> None:
    world.record.invoice(bare("in_9", Status.PAID))
    assert world.case(ACME).invoices == {}


def bare(invoice: str, status: Status) -> Snapshot:
    return bare_snapshot("stripe", ACME, invoice, status, FIRST - DAY)
