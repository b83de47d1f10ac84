"""What a message that says `look at this customer` may and may not cause."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dunning.domain.activity import ActivityType
from dunning.domain.case import Dispute
from dunning.domain.errors import Permanent, Retryable, Unauthorised
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Status
from dunning.workflow.ports import Wakeup
from dunning.workflow.release_case import ReleaseCase
from dunning.workflow.run_step import MOST_CRASHES, MOST_RETRIES
from dunning.workflow.waking import MOST_HOPS
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import ACME, snapshot
from tests.unit.workflow.plan import FIRST, MINUTE, SECOND, said

SECONDS = timedelta(seconds=1)


@pytest.fixture
def due(world: FakeDeployment) -> FakeDeployment:
    """A deployment whose one invoice is due for its first reminder; no message has come yet."""
    world.invoiced(snapshot())
    world.clock.now = FIRST
    world.wakeups.sent.clear()
    return world


def test_a_customer_nobody_knows_is_nothing_to_do(world: FakeDeployment) -> None:
    world.look_at("stripe:cus_nobody")
    assert world.store.customers() == ()
    assert world.wakeups.sent == []


def test_a_message_that_comes_early_is_sent_again_with_what_remains(due: FakeDeployment) -> None:
    due.clock.now = FIRST - timedelta(seconds=100.5)
    due.look_at(ACME, hops=3)
    assert due.wakeups.sent == [Wakeup(ACME, 101, 4)]
    assert due.email.sent == []


@pytest.mark.parametrize(("early", "sent_on"), [(900, True), (901, False)])
def test_only_what_is_nearly_due_is_sent_on(due: FakeDeployment, early: int, sent_on: bool) -> None:
    due.clock.now = FIRST - early * SECONDS
    due.look_at(ACME)
    assert due.wakeups.sent == ([Wakeup(ACME, early, 1)] if sent_on else [])


def test_a_message_is_not_sent_on_for_ever(due: FakeDeployment) -> None:
    due.clock.now = FIRST - 10 * SECONDS
    due.look_at(ACME, hops=MOST_HOPS)
    assert due.wakeups.sent == []


def test_while_the_provider_is_down_nothing_is_sent_and_the_timer_moves(due: FakeDeployment) -> None:
    due.stripe.is_down = True
    due.look_at(ACME)
    profile = due.profile(ACME)
    assert due.email.sent == []
    assert (profile.due_at, profile.due_since, profile.retries) == (FIRST + MINUTE, FIRST, 1)


def test_it_waits_longer_each_time_and_at_most_an_hour(due: FakeDeployment) -> None:
    due.stripe.is_down = True
    waits = []
    for _ in range(9):
        due.look_at(ACME)
        due_at = due.profile(ACME).due_at
        assert due_at is not None
        waits.append(int((due_at - due.clock.now).total_seconds() // 60))
        due.clock.now = due_at
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert due.dead_letters.letters == []


def test_a_provider_that_is_back_gets_the_reminder_sent_and_the_count_forgotten(due: FakeDeployment) -> None:
    due.stripe.is_down = True
    due.look_at(ACME)
    due.advance(timedelta(hours=2))
    assert due.email.sent == []
    due.stripe.is_down = False
    due.advance(timedelta(hours=2))
    assert len(due.email.sent) == 1
    assert due.profile(ACME).retries == 0
    assert due.profile(ACME).claim is None


def test_a_provider_that_refuses_our_key_is_waited_for_and_nothing_is_parked(due: FakeDeployment) -> None:
    due.stripe.failure = Unauthorised("mend the key")
    due.look_at(ACME)
    assert due.profile(ACME).holds == {}
    assert due.profile(ACME).due_at == FIRST + MINUTE


def test_an_invoice_that_its_provider_never_will_tell_is_parked_for_a_person(due: FakeDeployment) -> None:
    due.stripe.failure = Permanent("the invoice cannot be read")
    due.look_at(ACME)
    assert due.invoice(ACME, "in_1").holds == {HoldKind.PARKED: Hold(FIRST, reason="the invoice cannot be read")}
    assert due.profile(ACME).holds == {}
    assert due.profile(ACME).due_at is None
    assert due.dead_letters.letters == [(Wakeup(ACME), "the invoice cannot be read")]
    assert due.email.sent == []


def test_one_due_invoice_is_read_and_of_several_the_customer_s_are_listed(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"))
    world.run_until(FIRST)
    assert world.stripe.requests == 2  # the last asks for the customer's credit
    world.invoiced(*(snapshot(f"in_{number}", stamp=world.clock.now) for number in range(2, 9)))
    world.stripe.requests = 0
    world.advance(timedelta(days=1))
    assert world.stripe.requests == 2  # the last asks for the customer's credit
    assert len(world.email.sent) == 8


def test_of_several_due_invoices_a_paid_one_is_not_reminded(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"), snapshot("in_3"))
    world.stripe.is_paid("in_2")
    world.run_until(FIRST)
    assert [mail.envelope.invoices for mail in world.email.sent] == [("in_1",), ("in_3",)]
    assert world.invoice(ACME, "in_2").status is Status.PAID


@pytest.mark.parametrize("unreadable", [("in_2",), ("in_1", "in_3")])
def test_an_invoice_that_cannot_be_read_keeps_no_other_from_its_reminder(world: FakeDeployment, unreadable: tuple[str, ...]) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"), snapshot("in_3"))
    world.stripe.unreadable = unreadable
    world.run_until(FIRST)
    sent = {mail.envelope.invoices[0] for mail in world.email.sent}
    assert sent == {"in_1", "in_2", "in_3"} - {*unreadable}
    others = " (and 1 more of this customer)" * (len(unreadable) - 1)
    reason = f"invoice {unreadable[0]} cannot be read{others}"
    assert world.dead_letters.letters == [(Wakeup(ACME), reason)]
    assert {invoice.id: invoice.reminders_sent for invoice in world.case(ACME).invoices.values() if invoice.is_open} == {
        **dict.fromkeys(sent, 1),
        **dict.fromkeys(unreadable, 0),
    }
    world.stripe.unreadable = ()
    ReleaseCase(world.record)(ACME, "redriven")
    world.run_until(world.clock.now + timedelta(days=1))
    assert {mail.envelope.invoices[0] for mail in world.email.sent} == {"in_1", "in_2", "in_3"}
    assert len(world.email.sent) == 3


def test_an_invoice_that_cannot_be_read_and_is_not_due_yet_keeps_nobody(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"), snapshot("in_later", due=date(2026, 6, 1)))
    world.stripe.unreadable = ("in_later",)
    world.run_until(FIRST)
    assert {mail.envelope.invoices[0] for mail in world.email.sent} == {"in_1", "in_2"}
    assert world.dead_letters.letters == []
    assert world.invoice(ACME, "in_later").is_open


def test_more_invoices_than_one_claim_takes_are_all_reminded_at_once(world: FakeDeployment) -> None:
    world.invoiced(*(snapshot(f"in_{number:02}") for number in range(47)))
    world.run_until(FIRST)
    assert sorted(mail.envelope.invoices for mail in world.email.sent) == [(f"in_{number:02}",) for number in range(47)]
    assert {activity.at for activity in world.log(ACME) if activity.type is ActivityType.SENT} == {FIRST}


def test_no_invoice_is_reminded_that_was_not_checked(world: FakeDeployment) -> None:
    world.invoiced(*(snapshot(f"in_{number:02}") for number in range(25)))
    for paid in (0, 1, 2, 22, 23):
        world.stripe.is_paid(f"in_{paid:02}")
    world.run_until(FIRST)
    reminded = {mail.envelope.invoices[0] for mail in world.email.sent}
    assert reminded == {f"in_{number:02}" for number in range(25)} - {"in_00", "in_01", "in_02", "in_22", "in_23"}


def test_a_customer_with_hundreds_of_unknown_invoices_is_settled_within_one_transaction(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_1"), snapshot("in_2"))
    world.stripe.has(*(snapshot(f"in_new_{number}", due=date(2026, 6, 1)) for number in range(300)))
    world.run_until(FIRST)
    assert len(world.email.sent) == 2
    assert len(world.case(ACME).invoices) == 2


def test_a_held_case_is_not_worked_on_and_its_timer_is_put_away(due: FakeDeployment) -> None:
    before = due.case(ACME)
    held = replace(before.profile, disputes={"dp_1": Dispute("dp_1", is_open=True, stamp=FIRST)})
    due.store.save(before, before.with_profile(held))
    due.look_at(ACME)
    assert due.email.sent == []
    assert due.profile(ACME).due_at is None
    assert due.profile(ACME).claim is None


def test_a_timer_that_will_soon_be_due_again_is_told_to_the_queue(due: FakeDeployment) -> None:
    early = due.case(ACME)
    second = replace(early.invoices["in_1"], id="in_2", next_at=FIRST + 5 * MINUTE, version=0)
    due.store.save(early, early.with_invoice(second))
    due.stripe.has(snapshot("in_2"))
    due.look_at(ACME)
    assert due.wakeups.sent == [Wakeup(ACME, 300, 0)]


def test_at_a_limit_the_timer_moves_to_when_the_provider_takes_requests_again(due: FakeDeployment) -> None:
    due.stripe.failure = Retryable("429", due.clock() + timedelta(minutes=20))
    due.look_at(ACME)
    assert due.profile(ACME).due_at == due.clock() + timedelta(minutes=20)
    assert due.email.sent == []


def test_a_queue_that_is_down_leaves_the_timer_to_the_wheel(due: FakeDeployment) -> None:
    due.wakeups.is_down = True
    due.stripe.is_down = True
    with pytest.raises(Retryable):
        due.run_step(Wakeup(ACME))
    due.wakeups.is_down = due.stripe.is_down = False
    due.advance(timedelta(hours=1))
    assert len(due.email.sent) == 1


def test_a_step_that_its_policy_dropped_is_planned_anew(due: FakeDeployment) -> None:
    before = due.case(ACME)
    due.store.save(before, before.with_invoice(replace(before.invoices["in_1"], next_step="renamed")))
    due.advance(timedelta(hours=1))
    assert [mail.envelope.step for mail in due.email.sent] == ["first"]


def test_the_fifth_crash_in_a_row_reaches_the_dead_letters_once_and_holds_the_case(due: FakeDeployment) -> None:
    due.email.kills_the_worker(accepted=False, times=100)
    due.advance(timedelta(days=7))
    assert due.email.attempts == MOST_CRASHES
    assert due.dead_letters.letters == [(Wakeup(ACME), "5 attempts in a row ended without an answer")]
    assert set(due.profile(ACME).holds) == {HoldKind.PARKED}
    assert said(due.log(ACME)) == ["enrolled", "held"]


def test_the_fifth_failure_that_nobody_foresaw_parks_the_case_and_tells_its_type_and_place(due: FakeDeployment) -> None:
    for _ in range(MOST_CRASHES):
        due.email.fails(KeyError("jane@acme.example"))
    due.advance(timedelta(days=7))
    ((_, reason),) = due.dead_letters.letters
    assert reason.startswith("5 attempts in a row failed, the last as unforeseen KeyError at channels.py, line ")
    assert "jane" not in reason
    assert (due.email.attempts, set(due.profile(ACME).holds)) == (MOST_CRASHES, {HoldKind.PARKED})


def test_a_crash_that_is_followed_by_success_is_forgotten(due: FakeDeployment) -> None:
    due.email.kills_the_worker(accepted=False, times=MOST_CRASHES - 1)
    due.run_until(SECOND)
    assert [mail.envelope.step for mail in due.email.sent] == ["first"]
    assert due.profile(ACME).claim is None
    assert due.dead_letters.letters == []


def test_while_a_customers_credit_cannot_be_read_nothing_is_sent(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.credit_failure = Retryable("the customer cannot be read")
    world.run_until(FIRST + timedelta(minutes=30))
    assert world.email.sent == []
    world.stripe.credit_failure = None
    world.advance(timedelta(hours=1))
    assert len(world.email.sent) == 1


def test_a_customer_in_credit_is_asked_for_what_is_left_only(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    owed = world.invoice(ACME, "in_1").amount_due
    world.stripe.credit[ACME] = {"EUR": owed}
    world.run_until(FIRST)
    assert world.email.sent == []
    world.stripe.credit[ACME] = {"EUR": 1}
    world.advance(timedelta(days=1))
    assert len(world.email.sent) == 1
    assert world.invoice(ACME, "in_1").amount_due == owed


def test_a_tag_seen_on_the_customer_at_the_last_check_is_kept(world: FakeDeployment) -> None:
    world.invoiced(snapshot())
    world.stripe.contacts[ACME] = Contact(tags=("vip",), is_business=True)
    world.run_until(FIRST)
    assert world.profile(ACME).contact.tags == ("vip",)


def test_a_customer_of_whose_mails_some_are_taken_is_not_parked_for_those_that_were_refused(world: FakeDeployment) -> None:
    """Others use up the account's rate: SES takes every second mail."""
    invoices = MOST_RETRIES + 3

    def refuses_every_second() -> None:
        if world.email.attempts % 2:
            world.email.refuses()
        world.email.meanwhile = refuses_every_second

    world.invoiced(*(snapshot(f"in_{number}") for number in range(invoices)))
    world.email.meanwhile = refuses_every_second
    world.run_until(FIRST + timedelta(days=2))
    assert len([mail for mail in world.email.sent if mail.envelope.step == "first"]) == invoices
    assert world.email.attempts > invoices + MOST_RETRIES
    assert (world.dead_letters.letters, world.profile(ACME).holds) == ([], {})


def test_a_provider_that_was_down_for_days_arms_no_park_for_the_first_refusal_of_a_mail(due: FakeDeployment) -> None:
    due.stripe.is_down = True
    due.advance(timedelta(days=4))
    due.stripe.is_down = False
    due.email.refuses()
    due.advance(timedelta(days=1))
    assert len(due.email.sent) == 1
    assert (due.dead_letters.letters, due.profile(ACME).holds) == ([], {})
