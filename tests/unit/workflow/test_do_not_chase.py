"""Customers who are not to be chased."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.domain.customer_settings import CustomerSettings
from dunning.domain.errors import Rejected
from dunning.domain.invoice import Status
from dunning.workflow.mark_do_not_chase import MarkDoNotChase
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, ACME_CONTACT, snapshot
from tests.unit.workflow.plan import FIRST, said

MARKED = replace(ACME_CONTACT, settings=CustomerSettings(do_not_chase=True))
CHASED = replace(ACME_CONTACT, settings=CustomerSettings())
DAY = timedelta(days=1)


def mark(world: FakeDeployment, *, on: bool) -> str:
    return MarkDoNotChase(world.record)(ACME, on=on)


def test_a_marked_customer_gets_nothing_and_the_reason_is_logged_once(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    assert mark(world, on=True) == "recorded"
    assert mark(world, on=True) == "nothing new"
    world.run_until(FIRST + 30 * DAY)
    assert world.email.sent == []
    assert [activity.reason for activity in world.log(ACME) if activity.type.value == "held"] == [
        "do_not_chase: the customer is marked so by a person"
    ]


def test_the_team_is_told_when_the_first_reminder_would_have_gone_and_only_then(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    mark(world, on=True)
    world.run_until(FIRST - timedelta(minutes=1))
    assert world.team.sent == []
    world.run_until(FIRST + 30 * DAY)
    (notice,) = world.team.sent
    assert "NO-in_1" in str(notice)


def test_a_customer_who_paid_in_time_is_no_news_for_the_team(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    mark(world, on=True)
    paid = replace(snapshot(stamp=world.clock.now + DAY), status=Status.PAID, amount_due=0)
    world.advance(DAY)
    world.invoiced(paid)
    world.run_until(FIRST + DAY)
    assert world.team.sent == []


def test_once_the_mark_is_lifted_the_step_runs_at_the_next_allowed_hour_and_the_plan_goes_on(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    mark(world, on=True)
    world.run_until(FIRST + 3 * DAY + timedelta(hours=12))
    mark(world, on=False)
    world.advance(DAY)
    assert len(world.email.sent) == 1
    *_, released, sent = world.log(ACME)
    assert said([released, sent]) == ["released", "sent first"]
    assert sent.at == FIRST + 4 * DAY


def test_the_last_check_before_a_reminder_finds_the_mark_at_the_source(world: FakeDeployment) -> None:
    """Nobody told us by webhook; the invoice is read with its customer, just before the reminder."""
    world.invoiced(snapshot())
    world.stripe.has(snapshot(contact=MARKED))
    world.run_until(FIRST + DAY)
    assert world.email.sent == []
    assert world.profile(ACME).is_not_chased


def test_a_mark_that_the_source_takes_back_lets_the_plan_go_on(world: FakeDeployment) -> None:
    world.invoiced(snapshot(contact=MARKED))
    world.run_until(FIRST + DAY)
    assert world.email.sent == []
    world.stripe.has(snapshot(contact=CHASED))
    world.record.contact(ACME, CHASED, world.clock.now)
    world.advance(DAY)
    assert len(world.email.sent) == 1


def test_an_older_word_of_the_source_does_not_lift_a_newer_mark(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.advance(timedelta(hours=2))
    world.record.contact(ACME, MARKED, world.clock.now)
    old = snapshot(contact=CHASED, stamp=world.clock.now - timedelta(hours=1))
    world.record.invoice(old)
    assert world.profile(ACME).is_not_chased


def test_a_person_cannot_lift_what_the_source_says_and_is_told_so(world: FakeDeployment) -> None:
    world.invoiced(snapshot(contact=MARKED))
    assert mark(world, on=False) == "its source still says do_not_chase: lift it there"
    assert world.profile(ACME).is_not_chased


def test_a_customer_nobody_knows_is_refused(world: FakeDeployment) -> None:
    with pytest.raises(Rejected, match="stripe:cus_123"):
        mark(world, on=True)
    assert world.store.customers() == ()
