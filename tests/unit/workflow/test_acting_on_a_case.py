"""What a person does to a case: hold, release, dispute, record a promise; and what runs then, once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from dunning.domain.errors import Rejected, Retryable
from dunning.domain.holds import HoldKind
from dunning.domain.invoice import Status
from dunning.workflow.dispute_invoice import DisputeInvoice
from dunning.workflow.hold_case import HoldCase
from dunning.workflow.promise_to_pay import PromiseToPay
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.release_case import ReleaseCase
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, said

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FRIDAY = date(2026, 4, 10)
"""Three days after the first step's day."""
APRIL = datetime(2026, 4, 1, 12, tzinfo=UTC)


def steps(world: FakeDeployment) -> list[tuple[str | None, tuple[str, ...]]]:
    return [(mail.envelope.step, mail.envelope.invoices) for mail in world.email.sent]


def test_a_case_that_a_person_holds_waits_and_runs_one_step_when_it_is_released(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    hold, release = HoldCase(world.record), ReleaseCase(world.record)
    assert hold(ACME, "waits for a delivery note") == "recorded"
    assert hold(ACME, "waits for a delivery note") == "nothing new"
    world.run_until(FIRST + 9 * DAY)
    assert steps(world) == []
    assert release(ACME, "the note was sent") == "recorded"
    assert release(ACME, "the note was sent") == "nothing new"
    world.advance(HOUR)
    assert steps(world) == [("first", ("in_1",))]
    assert [activity.reason for activity in world.log(ACME)][1:3] == ["operator: waits for a delivery note", "operator: the note was sent"]


def test_a_hold_with_an_end_needs_nobody(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    HoldCase(world.record)(ACME, "their office moves", FIRST + 2 * DAY + HOUR)
    world.run_until(FIRST + 2 * DAY)
    assert steps(world) == []
    world.run_until(FIRST + 3 * DAY)
    assert steps(world) == [("first", ("in_1",))]
    assert said(world.log(ACME)) == ["enrolled", "held", "released", "sent first"]
    assert world.profile(ACME).holds == {}


def test_overlapping_holds_must_all_end(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    HoldCase(world.record)(ACME, "their office moves", FIRST + 2 * DAY)
    DisputeInvoice(world.record).begin(ACME, "NO-in_1", "wrong price")
    world.run_until(FIRST + 5 * DAY)
    assert steps(world) == []
    DisputeInvoice(world.record).end(ACME, "in_1", "credited")
    world.advance(HOUR)
    assert steps(world) == [("first", ("in_1",))]


def test_the_sibling_of_a_disputed_invoice_goes_on_alone(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    assert DisputeInvoice(world.record).begin(ACME, "in_1", "wrong price") == "recorded"
    assert DisputeInvoice(world.record).begin(ACME, "in_1", "wrong price") == "nothing new"
    world.run_until(FIRST + HOUR)
    assert steps(world) == [("first", ("in_2",))]
    assert world.invoice(ACME, "in_1").level == 0


def test_a_kept_promise_ends_in_thanks_and_no_reminder(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.run_until(APRIL)
    assert PromiseToPay(world.record)(ACME, "in_1", FRIDAY) == "recorded"
    assert PromiseToPay(world.record)(ACME, "in_1", FRIDAY) == "nothing new"
    world.run_until(FIRST + DAY)
    world.record.invoice(snapshot(status=Status.PAID, amount_due=0, stamp=world.clock.now))
    world.advance(10 * DAY)
    assert steps(world) == []
    assert said(world.log(ACME)) == ["enrolled", "held", "paid", "released"]
    assert world.log(ACME)[-1].reason == "promise: kept: 100.00 EUR by 2026-04-10"
    assert world.team.sent == []


def test_a_broken_promise_lets_the_plan_go_on_and_the_team_knows_once(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.run_until(APRIL)
    PromiseToPay(world.record)(ACME, "in_1", FRIDAY, Decimal("40.00"))
    world.run_until(datetime(2026, 4, 10, 21, tzinfo=UTC))
    assert (steps(world), world.team.sent) == ([], [])
    world.run_until(datetime(2026, 4, 12, 12, tzinfo=UTC))
    assert steps(world) == [("first", ("in_1",))]
    assert [(notice.to, notice.envelope.kind) for notice in world.team.sent] == [(("collections",), "notice")]
    assert said(world.log(ACME))[:4] == ["enrolled", "held", "released", "notified"]
    assert world.invoice(ACME, "in_1").promise_broken


def test_no_promise_is_called_broken_before_its_source_was_asked(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.run_until(APRIL)
    PromiseToPay(world.record)(ACME, "in_1", FRIDAY)
    world.run_until(datetime(2026, 4, 10, 21, tzinfo=UTC))
    world.stripe.failure = Retryable("Stripe is down")
    world.run_until(datetime(2026, 4, 11, 12, tzinfo=UTC))
    assert world.invoice(ACME, "in_1").promise is not None
    world.stripe.failure = None
    world.stripe.has(replace(snapshot(status=Status.PAID, amount_due=0), stamp=world.clock.now))  # its webhook is lost
    world.run_until(datetime(2026, 4, 15, 12, tzinfo=UTC))
    assert world.team.sent == []
    assert said(world.log(ACME))[:4] == ["enrolled", "held", "paid", "released"]
    assert world.log(ACME)[3].reason == "promise: kept: 100.00 EUR by 2026-04-10"


def test_a_promise_on_a_held_case_is_broken_all_the_same_and_nothing_else_is_sent(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.run_until(APRIL)
    HoldCase(world.record)(ACME, "a lawyer has it")
    PromiseToPay(world.record)(ACME, "in_1", FRIDAY)
    world.run_until(datetime(2026, 4, 20, 12, tzinfo=UTC))
    assert steps(world) == []
    assert len(world.team.sent) == 1
    assert set(world.profile(ACME).holds) == {HoldKind.OPERATOR}


@pytest.mark.parametrize(
    ("act", "names"),
    [
        (lambda record: HoldCase(record)("stripe:cus_none", "why"), "no customer 'stripe:cus_none' has a case"),
        (lambda record: HoldCase(record)(ACME, "why", date(2026, 3, 2)), "not ahead of now"),
        (lambda record: DisputeInvoice(record).begin(ACME, "in_9", "why"), r"open are: in_1 \(NO-in_1\)"),
        (lambda record: DisputeInvoice(record).end("stripe:cus_none", "in_9", "why"), "no customer"),
        (lambda record: PromiseToPay(record)(ACME, "in_1", FRIDAY, Decimal("1.001")), "more decimals than EUR"),
        (lambda record: PromiseToPay(record)(ACME, "in_1", date(2027, 1, 1)), "days ahead"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_changes(
    world: FakeDeployment, act: Callable[[RecordSnapshot], str], names: str
) -> None:
    world.invoiced(snapshot())
    writes = world.store.writes
    with pytest.raises(Rejected, match=names):
        act(world.record)
    assert world.store.writes == writes


def test_a_dispute_cannot_begin_on_an_invoice_that_is_paid(world: FakeDeployment) -> None:
    world.invoiced(snapshot(status=Status.PAID, amount_due=0))
    with pytest.raises(Rejected, match="NO-in_1 is paid"):
        DisputeInvoice(world.record).begin(ACME, "in_1", "why")
