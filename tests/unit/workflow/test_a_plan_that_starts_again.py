"""`on_partial_payment: restart` while a step is on its way: it counts for the plan that was, and the plan then starts again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.case import Dispute
from dunning.domain.policy import OnPartialPayment, PartialPaymentRule
from dunning.workflow.run_step import CLAIM_LASTS
from tests.fakes.deployment import FakeDeployment, standard_policies
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import ESCALATION, FIRST, MINUTE, SECOND, said
from tests.unit.workflow.test_an_invoice_changes_its_customer import BETA, moved
from tests.unit.workflow.test_sending_once import HOURS, reports_sent

PAID = FIRST + 5 * MINUTE
FIRST_AGAIN = FIRST + timedelta(days=7)
"""The plan's own first step, counted from the day of the part payment."""

OF_ONE_MAIL = ["enrolled", "partly_paid", "sent first", "updated"]


@pytest.fixture
def world() -> FakeDeployment:
    policy = replace(standard_policies().default, on_partial_payment=OnPartialPayment(PartialPaymentRule.RESTART))
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.invoiced(snapshot())
    return world


def part_is_paid(world: FakeDeployment, left: int = 50_00, invoice: str = "in_1") -> None:
    world.record.invoice(world.stripe.changes(invoice, amount_due=left))


def starts_again(world: FakeDeployment) -> None:
    """The whole plan follows once more, each step at its own time, and nothing is left of the wait."""
    invoice = world.invoice(ACME, "in_1")
    assert (invoice.level, invoice.counts_from, invoice.restarts_at) == (0, date(2026, 4, 7), None)
    assert (invoice.next_step, invoice.next_at) == ("first", FIRST_AGAIN)
    world.email.sent.clear()
    world.run_until(FIRST_AGAIN + timedelta(days=8))
    assert [mail.envelope.step for mail in world.email.sent] == ["first", "second"]
    assert world.email.sent[0].envelope.effect == "email:first:in_1"
    assert world.invoice(ACME, "in_1").escalated


@pytest.mark.parametrize("ending", ["no answer", "crash"])
@pytest.mark.parametrize("is_over", [False, True], ids=["under the claim", "after it"])
def test_a_step_without_an_answer_counts_for_the_plan_that_was(world: FakeDeployment, ending: str, is_over: bool) -> None:
    if ending == "crash":
        world.email.kills_the_worker(accepted=True)
    else:
        world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    reports_sent(world, world.email.sent[0])
    world.clock.now = FIRST + CLAIM_LASTS + timedelta(seconds=1) if is_over else PAID
    part_is_paid(world)
    assert world.log(ACME)[-1].reason == "100.00 → 50.00 EUR; the plan starts again once what is on its way is put down"
    world.run_until(FIRST + HOURS)
    assert len(world.email.sent) == 1
    assert said(world.log(ACME)) == OF_ONE_MAIL
    assert world.log(ACME)[-1].reason == "the plan starts again, counted from 2026-04-07"
    starts_again(world)


def test_so_does_one_that_is_being_sent_when_the_payment_comes(world: FakeDeployment) -> None:
    world.email.meanwhile = lambda: part_is_paid(world)
    world.run_until(FIRST)
    assert said(world.log(ACME)) == OF_ONE_MAIL
    starts_again(world)


def test_one_that_surely_did_not_go_out_is_not_sent_any_more(world: FakeDeployment) -> None:
    world.email.refuses()
    world.email.meanwhile = lambda: part_is_paid(world)
    world.run_until(FIRST + HOURS)
    assert world.email.sent == []
    assert said(world.log(ACME)) == ["enrolled", "partly_paid", "updated"]
    starts_again(world)


def test_where_nothing_was_reported_the_plan_starts_again_without_repeating_it(world: FakeDeployment) -> None:
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST)
    world.clock.now = PAID
    part_is_paid(world)
    world.run_until(FIRST + HOURS)
    assert len(world.email.sent) == 1
    starts_again(world)


def test_the_last_payment_of_two_is_what_the_plan_counts_from(world: FakeDeployment) -> None:
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST)
    reports_sent(world, world.email.sent[0])
    world.clock.now = PAID
    part_is_paid(world)
    case = world.case(ACME)  # held, so that the second payment finds the plan still waiting
    world.store.save(case, case.with_profile(replace(case.profile, disputes={"dp_1": Dispute("dp_1", is_open=True, stamp=PAID)})))
    world.run_until(FIRST + timedelta(days=1))
    part_is_paid(world, left=40_00)
    case = world.case(ACME)
    world.store.save(case, case.with_profile(replace(case.profile, disputes={})))
    world.look_at(ACME)
    assert world.invoice(ACME, "in_1").counts_from == date(2026, 4, 8)


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_of_a_step_of_two_messages_the_one_that_has_not_gone_out_is_left_away(world: FakeDeployment, channel: str) -> None:
    world.run_until(SECOND - MINUTE)
    world.email.sent.clear()
    if channel == "email":  # the mail goes out, its text does not
        world.sms.refuses()
        world.sms.meanwhile = lambda: part_is_paid(world)
    else:
        world.email.kills_the_worker(accepted=True)
        world.run_until(SECOND)
        reports_sent(world, world.email.sent[0])
        world.clock.now = SECOND + 5 * MINUTE
        part_is_paid(world)
    world.run_until(SECOND + HOURS)
    assert ([mail.envelope.step for mail in world.email.sent], world.sms.sent) == (["second"], [])
    assert said(world.log(ACME))[-2:] == ["sent second", "updated"]
    assert (world.invoice(ACME, "in_1").level, world.invoice(ACME, "in_1").next_step) == (0, "first")


def test_what_was_handed_over_while_a_part_was_paid_is_not_started_again(world: FakeDeployment) -> None:
    world.run_until(ESCALATION - MINUTE)
    world.team.meanwhile = lambda: part_is_paid(world)
    world.run_until(ESCALATION + HOURS)
    invoice = world.invoice(ACME, "in_1")
    assert (invoice.escalated, invoice.restarts_at, invoice.next_step) == (True, None, None)


def test_the_invoice_of_a_sibling_whose_mail_waits_for_an_answer_starts_again_at_once_when_that_is_known(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_2"))
    world.email.gives_no_answer(accepted=True)
    world.run_until(FIRST)
    about = world.email.sent[0].envelope.invoices[0]
    other = "in_2" if about == "in_1" else "in_1"
    world.clock.now = PAID
    world.record.invoice(world.stripe.changes(other, amount_due=50_00))
    reports_sent(world, world.email.sent[0])
    world.run_until(FIRST + HOURS)
    assert [mail.envelope.invoices for mail in world.email.sent] == [(about,)]
    assert (world.invoice(ACME, about).next_step, world.invoice(ACME, other).next_step) == ("second", "first")
    assert world.invoice(ACME, other).next_at == FIRST_AGAIN
    assert world.profile(ACME).claim is None


def test_a_payment_on_another_invoice_than_the_one_being_sent_starts_that_again_at_once(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_2", due=date(2026, 4, 20)))
    world.email.meanwhile = lambda: part_is_paid(world, invoice="in_2")
    world.run_until(FIRST)
    world.run_until(FIRST + 15 * MINUTE)
    assert world.invoice(ACME, "in_2").restarts_at is None
    assert said(world.log(ACME))[-1] == "updated"
    assert len(world.email.sent) == 1


def test_paid_in_full_while_it_waits_nothing_starts_again(world: FakeDeployment) -> None:
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST)
    reports_sent(world, world.email.sent[0])
    world.clock.now = PAID
    part_is_paid(world)
    world.record.invoice(world.stripe.is_paid("in_1"))
    world.run_until(datetime(2026, 5, 7, tzinfo=UTC))
    assert len(world.email.sent) == 1
    assert said(world.log(ACME)) == ["enrolled", "partly_paid", "paid", "sent first"]
    assert world.invoice(ACME, "in_1").restarts_at is None


@pytest.mark.parametrize("paid_after", [None, 20], ids=["while it is sent", "before its report"])
def test_a_report_that_comes_behind_says_nothing_of_the_same_step_of_the_new_plan(world: FakeDeployment, paid_after: int | None) -> None:
    """A sibling's mail was refused, so the claim is kept in memory, and the report finds it."""
    world.invoiced(snapshot("in_2"))

    def meanwhile() -> None:
        if paid_after is None:
            part_is_paid(world)
        world.email.refuses()

    world.email.meanwhile = meanwhile
    world.run_until(FIRST + timedelta(seconds=paid_after or 0))
    if paid_after:
        part_is_paid(world)
    world.clock.now += timedelta(seconds=10)
    reports_sent(world, world.email.sent[0], FIRST)
    world.run_until(FIRST + HOURS)
    assert [mail.envelope.invoices for mail in world.email.sent] == [("in_1",), ("in_2",)]
    assert [entry.type.value for entry in world.log(ACME) if entry.invoices == ("in_1",)].count("sent") == 1
    world.run_until(FIRST_AGAIN + timedelta(days=8))
    of_the_one = [mail.envelope.step for mail in world.email.sent if mail.envelope.invoices == ("in_1",)]
    assert of_the_one == ["first", "first", "second"]
    assert world.invoice(ACME, "in_1").reminders_sent == 3


def on_the_due_date() -> FakeDeployment:
    """A plan whose first mail is for the due date itself; of in_1 it went out on 31 March, and `later` is due ten days behind."""
    step = '{{id: {}, at: {{after_due: {}d, time: "09:00"}}, email: friendly}}'
    steps = ", ".join(step.format(*one) for one in (("first", 0), ("later", 10)))
    text = f"name: plan\ntimezone: UTC\non_partial_payment: restart\nsteps: [{steps}]\n"
    world = FakeDeployment(PolicyBook.of({"plan": load_policy(text, "plan.yaml", frozenset())}))
    world.invoiced(snapshot())
    return world


LATER = FIRST + timedelta(days=3)
"""Ten days after the due date."""


@pytest.mark.parametrize("told", ["by nobody else", "by the webhook, meanwhile", "and the mail is reported before it is put down"])
def test_what_the_last_check_was_told_starts_the_plan_again_once(told: str) -> None:
    world = on_the_due_date()
    world.run_until(LATER - MINUTE)
    world.email.sent.clear()
    paid = world.stripe.changes("in_1", amount_due=50_00)
    if "webhook" in told:
        world.email.meanwhile = lambda: not_needed(world.record.invoice(paid))
    elif "reported" in told:
        world.email.meanwhile = lambda: reports_sent(world, world.email.sent[0])
    world.run_until(LATER + timedelta(days=2))
    assert [mail.envelope.step for mail in world.email.sent] == ["first"]
    invoice = world.invoice(ACME, "in_1")
    assert (invoice.next_step, invoice.next_at, invoice.restarts_at) == ("later", LATER + timedelta(days=10), None)
    assert said(world.log(ACME)).count("sent first") == 2


@pytest.mark.parametrize("when", ["while it is sent", "half an hour later"])
def test_nobody_gets_the_same_mail_twice_on_the_day_of_a_payment(when: str) -> None:
    world = on_the_due_date()
    due = FIRST - timedelta(days=7)
    if when == "while it is sent":
        world.email.meanwhile = lambda: part_is_paid(world)
    world.run_until(due + timedelta(minutes=30))
    if when != "while it is sent":
        part_is_paid(world)
    world.run_until(due + timedelta(hours=14))
    assert len(world.email.sent) == 1
    world.run_until(due + timedelta(days=1))
    assert len(world.email.sent) == 2
    assert world.invoice(ACME, "in_1").counts_from == date(2026, 4, 1)


def test_an_invoice_that_another_customer_owes_starts_its_plan_again_there(world: FakeDeployment) -> None:
    world.email.kills_the_worker(accepted=True)
    world.run_until(FIRST)
    reports_sent(world, world.email.sent[0])
    world.clock.now = PAID
    part_is_paid(world)
    world.stripe.has(replace(moved(), amount_due=50_00))
    world.run_until(FIRST + 2 * HOURS)
    there, here = world.invoice(BETA, "in_1"), world.invoice(ACME, "in_1")
    assert (there.next_step, there.next_at, there.restarts_at) == ("first", FIRST_AGAIN, None)
    assert (here.is_open, here.restarts_at) == (False, None)


def not_needed(_: str) -> None:
    """What became of it."""
