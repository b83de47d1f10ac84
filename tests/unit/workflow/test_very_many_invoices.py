"""One customer with more invoices than one transaction of DynamoDB holds items."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.activity import ActivityType
from dunning.domain.case import Case
from dunning.domain.holding import hold_case, set_aside
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.policy import Facts, Policy
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


def steps(days: Sequence[int], timing: str = "after_due") -> str:
    return "".join(f'  - {{id: {timing[0]}{n}, at: {{{timing}: {n}d, time: "09:00"}}, email: friendly}}\n' for n in days)


@dataclass
class EditablePolicy:
    """workflow.ports.Policies with one policy, which may become another."""

    text: str

    def assigned(self, _facts: Facts) -> Policy:
        return self.named(None)

    def knows(self, name: str) -> bool:
        return name == "plan"

    def named(self, _name: str | None) -> Policy:
        return load_policy(f"name: plan\ntimezone: UTC\n{self.text}", "plan.yaml", frozenset())


def following(text: str) -> FakeDeployment:
    policy = load_policy(f"name: plan\ntimezone: UTC\n{text}", "plan.yaml", frozenset())
    return FakeDeployment(PolicyBook.of({"plan": policy}))


@pytest.mark.parametrize("missed", [5, 8, 90])
def test_twenty_invoices_that_pass_over_many_steps_are_reminded_of_and_nobody_is_parked(missed: int) -> None:
    world = following(f"catch_up: latest\nsteps:\n{steps(range(1, missed + 2))}")
    for number in range(20):
        world.invoiced(snapshot(f"in_{number:02}", due=date(2026, 3, 10)))
    world.clock.now = datetime(2026, 3, 11 + missed // 30, 12, tzinfo=UTC) + timedelta(days=missed)
    world.run_until(world.clock.now + timedelta(days=1))
    assert (len(world.email.sent), world.dead_letters.letters, world.case(ACME).profile.holds) == (20, [], {})
    logged = Counter((one.type, one.step, name) for one in world.log(ACME) for name in one.invoices)
    last = f"a{missed + 1}"
    assert all(logged[ActivityType.SENT, last, f"in_{number:02}"] == 1 for number in range(20))
    passed = [(ActivityType.SKIPPED, f"a{day}", f"in_{number:02}") for day in range(1, missed + 1) for number in range(20)]
    assert {logged[one] for one in passed} == {1}


@pytest.mark.parametrize("scope", ["invoice", "customer"])
def test_steps_that_a_new_policy_puts_before_the_due_date_park_nobody_with_eighteen_invoices(scope: str) -> None:
    known, later = steps([3], "before_due"), steps([7], "after_due")
    policy = EditablePolicy(f"scope: {scope}\nsteps:\n{known}{later}")
    world = FakeDeployment(policy)
    for number in range(18):
        world.invoiced(snapshot(f"in_{number:02}", due=date(2026, 3, 31)))
    world.run_until(datetime(2026, 3, 28, 8, tzinfo=UTC))
    policy.text = f"scope: {scope}\nsteps:\n{steps([30, 21, 14, 10, 7, 5], 'before_due')}{known}{later}"
    world.run_until(datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert (world.dead_letters.letters, world.case(ACME).profile.holds) == ([], {})
    assert {name for one in world.log(ACME) if one.type is ActivityType.SENT for name in one.invoices} == {*world.case(ACME).invoices}


def test_who_moves_to_another_country_is_known_there_though_a_new_policy_passes_over_many_steps() -> None:
    later = steps([7], "after_due")
    policy = EditablePolicy(f"steps:\n{later}")
    world = FakeDeployment(policy)
    for number in range(20):
        world.invoiced(snapshot(f"in_{number:02}", due=date(2026, 3, 31)))
    world.clock.now = datetime(2026, 3, 28, 8, tzinfo=UTC)
    policy.text = f"steps:\n{steps(range(64, 4, -1), 'before_due')}{later}"
    world.record.contact(ACME, replace(ACME_CONTACT, country="JP"), world.clock.now)
    assert world.case(ACME).profile.contact.country == "JP"


@pytest.mark.parametrize("missed", [6, 70])
def test_fifteen_small_invoices_that_become_worth_a_reminder_pass_over_many_steps(missed: int) -> None:
    smallest = 'minimum_balance: {default: "50.00"}'
    world = following(f"scope: customer\ncatch_up: latest\n{smallest}\nsteps:\n{steps(range(1, missed + 2))}")
    for number in range(15):
        world.invoiced(snapshot(f"in_{number:02}", due=date(2026, 3, 10), amount_due=3_00))
    world.clock.now = datetime(2026, 3, 12, 8, tzinfo=UTC) + timedelta(days=missed)
    world.invoiced(snapshot("in_new", due=date(2026, 7, 1), amount_due=6_00, stamp=world.clock.now))
    assert "in_new" in world.case(ACME).invoices
    assert sum(invoice.next_at is not None for invoice in world.case(ACME).invoices.values()) > 1


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
