"""A first import under `first_contacts_per_day`: the largest balances first, the rest on the days after."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.domain.activity import ActivityType
from dunning.domain.errors import Retryable
from dunning.domain.policy import Days, MessageLimit, Window
from dunning.workflow.first_contacts import balance_of
from tests.fakes.deployment import FakeDeployment, standard_policies
from tests.fakes.invoices import snapshot
from tests.unit.domain.builders import INVOICE, case_of
from tests.unit.workflow.plan import FIRST

AMOUNTS = {"a": 100, "b": 500, "c": 300, "d": 400, "e": 200}


@pytest.fixture
def capped() -> FakeDeployment:
    """Two first contacts a day; five customers, each with one invoice, imported when all are long overdue."""
    policy = replace(standard_policies().default, first_contacts_per_day=2)
    return FakeDeployment(PolicyBook.of({policy.name: policy}))


def imported(world: FakeDeployment, name: str, amount: int) -> None:
    invoice = snapshot(f"in_{name}", stamp=world.clock.now)
    world.invoiced(replace(invoice, customer=f"stripe:cus_{name}", amount_due=amount * 100, total=amount * 100))


def first_days(world: FakeDeployment) -> dict[str, list[str]]:
    """Who heard from us first on which day."""
    found: dict[str, list[str]] = {}
    for name in AMOUNTS:
        sent = [activity.at for activity in world.log(f"stripe:cus_{name}") if activity.type is ActivityType.SENT]
        if sent:
            found.setdefault(min(sent).date().isoformat(), []).append(name)
    return found


def test_the_largest_balances_are_written_to_first(capped: FakeDeployment) -> None:
    capped.run_until(FIRST + timedelta(days=40))
    for name, amount in AMOUNTS.items():
        imported(capped, name, amount)
    start = capped.clock.now.date()
    capped.advance(timedelta(days=4))
    days = [(start + timedelta(days=number)).isoformat() for number in range(3)]
    assert first_days(capped) == dict(zip(days, (["b", "d"], ["c", "e"], ["a"]), strict=True))
    reasons = [activity.reason for activity in capped.log("stripe:cus_a") if activity.type is ActivityType.SUPPRESSED]
    assert reasons == ["first_contacts_per_day"]


def test_who_heard_from_us_before_does_not_count(capped: FakeDeployment) -> None:
    capped.run_until(FIRST + timedelta(days=40))
    for name in ("a", "b"):
        imported(capped, name, AMOUNTS[name])
    capped.advance(timedelta(hours=2))
    assert len(capped.email.sent) == 2
    capped.advance(timedelta(hours=47))
    assert len(capped.email.sent) == 4


def test_while_the_places_cannot_be_told_nothing_goes_out_and_nothing_is_lost(capped: FakeDeployment) -> None:
    capped.run_until(FIRST + timedelta(days=40))
    capped.places.failure = Retryable("the table cannot be reached")
    imported(capped, "a", 100)
    capped.advance(timedelta(hours=2))
    assert capped.email.sent == []
    capped.places.failure = None
    capped.advance(timedelta(hours=3))
    assert len(capped.email.sent) == 1


def test_a_window_that_closes_before_the_wait_is_over_loses_nobody() -> None:
    policy = replace(
        standard_policies().default,
        first_contacts_per_day=1,
        send_window={"email": Window(9 * 60, 9 * 60 + 10)},
        max_messages=MessageLimit(9, Days(1)),
    )
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.run_until(FIRST + timedelta(days=40))
    for name in ("a", "b"):
        imported(world, name, AMOUNTS[name])
    world.advance(timedelta(days=3))
    assert sorted(name for names in first_days(world).values() for name in names) == ["a", "b"]
    assert all(len(names) == 1 for names in first_days(world).values())


def test_a_customers_rank_is_the_largest_of_the_sums_by_currency_each_in_its_major_unit() -> None:
    owed = (("a", "EUR", 60_00), ("b", "EUR", 50_00), ("c", "JPY", 109), ("d", "KWD", 99_000))
    invoices = [replace(INVOICE, id=name, currency=currency, amount_due=amount) for name, currency, amount in owed]
    assert balance_of(case_of(*invoices)) == Decimal("110.00")
    assert balance_of(case_of(*invoices[1:])) == Decimal(109)
