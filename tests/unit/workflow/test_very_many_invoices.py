"""One customer with more invoices than one transaction of DynamoDB holds items."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dunning.domain.case import Case
from dunning.domain.holding import hold_case, set_aside
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.recording import Recorded
from dunning.workflow.redrive_case import RedriveCase
from dunning.workflow.release_case import ReleaseCase
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, ACME_CONTACT, snapshot

MOST_ITEMS = 100
NINE = datetime(2026, 4, 7, 9, tzinfo=UTC)
NINE_IN_TOKYO = datetime(2026, 4, 7, 0, tzinfo=UTC)


def test_who_moves_to_another_country_with_a_hundred_and_thirty_invoices_is_written_to_at_the_new_address() -> None:
    world = FakeDeployment()
    for number in range(130):
        world.invoiced(snapshot(f"in_{number:03}", due=date(2026, 3, 31)))
    before, logged = world.case(ACME), len(world.log(ACME))
    world.clock.advance(timedelta(hours=1))
    moved = replace(ACME_CONTACT, email="new@acme.example", country="JP")
    world.record.contact(ACME, moved, world.clock.now)
    after = world.case(ACME)
    changed = [name for name, invoice in after.invoices.items() if invoice != before.invoices[name]]
    assert (after.profile.contact.email, after.profile.contact.country) == ("new@acme.example", "JP")
    assert 1 + len(changed) + len(world.log(ACME)) - logged <= MOST_ITEMS
    hours = {invoice.next_at for invoice in after.invoices.values()}
    assert hours == {NINE, NINE_IN_TOKYO}
    assert len(changed) > 50


def parked_with_all_invoices(count: int) -> FakeDeployment:
    """In small parts, as runs set them aside, and the case itself beside them."""
    world = FakeDeployment()
    for number in range(count):
        world.invoiced(snapshot(f"in_{number:03}", due=date(2026, 3, 31)))

    def aside(case: Case, now: datetime) -> Recorded:
        left = [name for name, invoice in case.invoices.items() if not invoice.holds]
        return Recorded(*set_aside(case, left[:50], "cannot be read", now, "run_step"))

    def held(case: Case, now: datetime) -> Recorded:
        return Recorded(*hold_case(case, HoldKind.PARKED, Hold(now, reason="crashed"), "run_step"))

    while world.record.change(ACME, aside) == "recorded":
        pass
    world.record.change(ACME, held)
    return world


def parks(world: FakeDeployment) -> int:
    case = world.case(ACME)
    return sum(HoldKind.PARKED in holds for holds in (case.profile.holds, *(one.holds for one in case.invoices.values())))


@pytest.mark.parametrize("is_redriven", [False, True])
def test_a_hundred_and_fifty_parks_end_in_transactions_that_dynamodb_takes_and_once_each(is_redriven: bool) -> None:
    world = parked_with_all_invoices(150)
    writes, logged = world.store.writes, len(world.log(ACME))
    end = RedriveCase(world.record) if is_redriven else lambda customer: ReleaseCase(world.record)(customer, "mended")
    assert [end(ACME), end(ACME)] == ["recorded", "nothing new"]
    assert (parks(world), len(world.log(ACME)) - logged) == (0, 151)
    assert (2 * 150 + 2) / (world.store.writes - writes) <= MOST_ITEMS


def test_a_case_whose_release_broke_off_is_held_until_the_next_call_ends_the_rest() -> None:
    world = parked_with_all_invoices(80)
    logged = len(world.log(ACME))
    crashing = ReleaseCase(replace(world.record, clock=CrashesAfter(world, 1)))
    with pytest.raises(RuntimeError):
        crashing(ACME, "mended")
    assert 0 < parks(world) < 81
    assert HoldKind.PARKED in world.case(ACME).profile.holds
    assert ReleaseCase(world.record)(ACME, "mended") == "recorded"
    assert (parks(world), len(world.log(ACME)) - logged) == (0, 81)


class CrashesAfter:
    """A clock that is asked once at the beginning of each transaction."""

    def __init__(self, world: FakeDeployment, times: int) -> None:
        self._world, self._left = world, times

    def __call__(self) -> datetime:
        self._left -= 1
        if self._left < 0:
            raise RuntimeError("the process died")
        return self._world.clock.now
