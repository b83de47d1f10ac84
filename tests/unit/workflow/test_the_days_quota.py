"""SES's quota of the day is spent for days: who fell due first goes first, and nobody goes past the wheel."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from dunning.content.policy_book import PolicyBook
from dunning.content.policy_loader import load_policy
from dunning.domain.errors import Permanent, Retryable
from dunning.domain.invoice import Contact
from dunning.domain.mail_order import Waiting
from dunning.workflow.mail_order import MailOrder
from dunning.workflow.ports import Wakeup
from tests.fakes.clock import MONDAY_MORNING, StandingClock
from tests.fakes.deployment import TURN, FakeDeployment
from tests.fakes.invoices import snapshot
from tests.fakes.mail_order import MemoryWaitingMails

PLAN = """
name: plan
timezone: UTC
send_window: {{email: "{hours}"}}
steps:
  - {{id: first, at: {{after_due: 7d, time: "09:00"}}, email: friendly}}
"""
GROUPS = {"z": 23, "m": 24, "a": 25}
"""Whose step falls due on the 2nd, 3rd and 4th of March, by the days of February on which they had to pay."""

NEXT_QUOTA_AT = 2
MONDAY_NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TUESDAY_NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def deployment(hours: str = "08:00-18:00") -> FakeDeployment:
    policy = load_policy(PLAN.format(hours=hours), "plan.yaml", frozenset())
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    for name, day in GROUPS.items():
        customers = [(f"in_{name}{number}", f"stripe:cus_{name}{number}") for number in (1, 2)]
        world.invoiced(*(snapshot(invoice, customer, due=date(2026, 2, day)) for invoice, customer in customers))
    return world


def days_of_one_mail(world: FakeDeployment, days: int) -> Iterator[list[str]]:
    """Who gets a mail on each day that SES counts; it gives new quota in the night, and the sweep comes two hours later.

    The wheel turns in the middle of each step: SES's count is as it was when the last turn was over.
    """
    of_day: list[str] = []
    world.advance(TURN / 2)
    while world.clock.now < MONDAY_MORNING + timedelta(days=days):
        if (world.clock.now.hour, world.clock.now.minute) == (NEXT_QUOTA_AT, 5):
            yield of_day
            of_day = []
        if (world.clock.now.hour, world.clock.now.minute) == (4, 5):
            world.run_sweep()
        world.quota.remaining = max(0, 1 - len(of_day))
        before = len(world.email.sent)
        world.advance(TURN)
        of_day += [message.envelope.customer[-2:] for message in world.email.sent[before:]]


@pytest.mark.parametrize("hours", ["08:00-18:00", "00:00-24:00"])
def test_over_nights_and_sweeps_the_longest_due_go_first_and_nobody_goes_past(hours: str) -> None:
    world = deployment(hours)
    assert list(days_of_one_mail(world, 7)) == [["z1"], ["z2"], ["m1"], ["m2"], ["a1"], ["a2"], []]
    assert {world.profile(customer).retries for customer in world.store.customers()} == {0}


def test_who_has_one_mail_sent_stands_in_line_for_the_next_from_when_that_fell_due() -> None:
    world = deployment()
    for invoice, customer, day in (("in_b1", "stripe:cus_b", 23), ("in_b2", "stripe:cus_b", 24), ("in_y1", "stripe:cus_y", 23)):
        world.invoiced(snapshot(invoice, customer, due=date(2026, 2, day)))
    ses = world.email
    days = []
    while world.clock.now < MONDAY_MORNING + timedelta(days=10):
        world.clock.now += timedelta(minutes=5)
        ses.left = world.quota.remaining = 1 if world.clock.now.day > 3 else 0
        before = len(ses.sent)
        while world.clock.now.time() != MONDAY_MORNING.time():
            world.advance(TURN / 2)
            world.quota.remaining = ses.left or 0
        days += [[message.envelope.invoices[0] for message in ses.sent[before:]]]
    assert [day for day in days if day] == [["in_b1"], ["in_y1"], ["in_z1"], ["in_z2"], ["in_b2"], ["in_m1"], ["in_m2"], ["in_a1"]]


def test_neither_the_night_nor_a_text_between_costs_a_mail_its_place() -> None:
    policy = load_policy(
        PLAN.format(hours="08:00-18:00") + '  - {id: second, at: {after_due: 8d, time: "19:00"}, sms: second_notice}\n',
        "plan.yaml",
        frozenset(),
    )
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    for invoice, customer, day in (("in_text", "stripe:cus_a", 23), ("in_mail", "stripe:cus_a", 24), ("in_b", "stripe:cus_b", 24)):
        world.invoiced(snapshot(invoice, customer, due=date(2026, 2, day)))
    world.run_until(MONDAY_NOON)
    world.quota.remaining = 0
    world.run_until(TUESDAY_NOON + timedelta(hours=12))
    assert [message.envelope.effect for message in world.sms.sent] == ["sms:second:in_text"]
    assert world.profile("stripe:cus_a").due_since == TUESDAY_NOON.replace(hour=9)
    assert given(world, 1, turns=6 * 12)[:1] == ["_a"]


def test_news_of_what_was_refused_and_waits_cost_it_no_place() -> None:
    world = deployment()
    world.quota.remaining = 0
    world.run_until(TUESDAY_NOON)
    world.email.refuses()
    world.run_step(Wakeup("stripe:cus_z1", let_go=world.profile("stripe:cus_z1").due_since))
    world.clock.advance(timedelta(hours=2))
    world.record.invoice(snapshot("in_z1", "stripe:cus_z1", due=date(2026, 2, 23), amount_due=99_00, stamp=world.clock.now))
    profile = world.profile("stripe:cus_z1")
    assert (profile.due_since, profile.retries) == (TUESDAY_NOON.replace(day=2, hour=9), 1)


def test_a_sweep_tells_the_queue_of_timers_that_it_armed_and_not_of_those_that_stood() -> None:
    world = deployment()
    world.quota.remaining = 0
    world.run_until(TUESDAY_NOON)
    lost = world.case("stripe:cus_z1")
    world.store.save(lost, lost.with_profile(replace(lost.profile, due_at=None, due_since=None)))
    before = len(world.wakeups.sent)
    world.run_sweep()
    assert [wakeup.customer for wakeup in world.wakeups.sent[before:]] == ["stripe:cus_z1"]


NEW = "stripe:cus_n1"
"""Who becomes known by a webhook, long overdue, while others wait; its message goes past the wheel."""


def waiting(until: datetime) -> FakeDeployment:
    """Nothing is left of the quota, and z1 and z2 wait since Monday at nine."""
    world = deployment()
    world.quota.remaining = 0
    world.run_until(until)
    return world


def told_of_a_new_one(world: FakeDeployment) -> None:
    world.invoiced(snapshot("in_n1", NEW, due=date(2026, 2, 10)))


def given(world: FakeDeployment, mails: int, turns: int) -> list[str]:
    """Who is mailed while SES gives so many mails, however many turns come."""
    before = len(world.email.sent)
    for _ in range(turns):
        world.quota.remaining = max(0, mails - (len(world.email.sent) - before))
        world.advance(TURN)
    return [message.envelope.customer[-2:] for message in world.email.sent[before:]]


ELEVEN_PAST = MONDAY_NOON + timedelta(minutes=11)


@pytest.mark.parametrize("told_at", [MONDAY_NOON + timedelta(minutes=minutes) for minutes in (1, 11, 59)])
def test_who_is_told_of_by_a_webhook_comes_after_those_who_wait_longer(told_at: datetime) -> None:
    world = waiting(told_at)
    told_of_a_new_one(world)
    assert given(world, 1, turns=7) == ["z1"]
    assert given(world, 1, turns=7) == ["z2"]
    assert given(world, 1, turns=7) == ["n1"]
    assert world.profile(NEW).retries == 0
    assert len(world.email.sent) == 3


def test_where_there_is_enough_for_all_again_nobody_waits_longer_than_half_an_hour() -> None:
    world = waiting(ELEVEN_PAST)
    told_of_a_new_one(world)
    assert given(world, 10, turns=3) == ["z1", "z2", "n1"]
    world.invoiced(snapshot("in_n2", "stripe:cus_n2", due=date(2026, 2, 10)))
    world.settle_queues()
    assert world.email.sent[-1].envelope.customer == "stripe:cus_n2"


def test_what_falls_due_between_two_full_hours_does_not_go_past_those_who_wait() -> None:
    world = waiting(MONDAY_NOON + timedelta(minutes=1))
    case = world.case("stripe:cus_a1")
    at = MONDAY_NOON + timedelta(minutes=20)
    world.store.save(case, case.with_profile(replace(case.profile, due_at=at, due_since=at)))
    assert given(world, 1, turns=3) == ["z1"]


def test_news_of_who_was_put_back_neither_send_it_nor_cost_it_its_place() -> None:
    world = waiting(ELEVEN_PAST)
    told_of_a_new_one(world)
    world.settle_queues()
    before = world.profile(NEW)
    world.clock.advance(timedelta(minutes=3))
    world.record.invoice(snapshot("in_n1", NEW, due=date(2026, 2, 10), amount_due=99_00, stamp=world.clock.now))
    world.settle_queues()
    assert world.email.sent == []
    assert (world.profile(NEW).due_at, world.profile(NEW).due_since) == (MONDAY_NOON + timedelta(minutes=20), before.due_since)


def test_who_was_let_go_and_refused_tries_again_before_those_who_wait() -> None:
    world = waiting(MONDAY_NOON - timedelta(minutes=1))
    world.quota.remaining = 1
    world.email.refuses()
    world.advance(timedelta(minutes=5))
    assert [message.envelope.customer[-2:] for message in world.email.sent] == ["z1"]


@pytest.mark.parametrize("failure", [Retryable("throttled"), Permanent("a right is lacking")], ids=["throttled", "not permitted"])
def test_a_note_that_cannot_be_read_keeps_no_mail_back(failure: Exception) -> None:
    world = waiting(ELEVEN_PAST)
    world.waiting_mails.failure = failure
    told_of_a_new_one(world)
    world.settle_queues()
    assert [message.envelope.customer for message in world.email.sent] == [NEW]
    assert given(world, 10, turns=6) == ["z1", "z2"]


def test_whom_only_a_text_message_reaches_waits_for_nobody() -> None:
    plan = PLAN.format(hours="08:00-18:00").replace("email: friendly", "email: friendly, sms: second_notice")
    policy = load_policy(plan, "plan.yaml", frozenset())
    world = FakeDeployment(PolicyBook.of({policy.name: policy}))
    world.invoiced(snapshot("in_z1", "stripe:cus_z1", due=date(2026, 2, 23)))
    world.quota.remaining = 0
    world.run_until(ELEVEN_PAST)
    world.invoiced(snapshot("in_n1", NEW, due=date(2026, 2, 10), contact=Contact(name="Acme", phone="+431234567")))
    world.settle_queues()
    assert ([message.envelope.customer for message in world.sms.sent], world.email.sent) == ([NEW], [])


def test_a_mail_that_the_wheel_let_go_asks_nobody_and_one_that_a_webhook_causes_asks_once() -> None:
    world = deployment()
    world.run_until(MONDAY_NOON)
    by_turns = 2  # at ten to nine and at nine
    assert (len(world.email.sent), world.waiting_mails.reads, world.waiting_mails.writes) == (2, by_turns, 0)
    told_of_a_new_one(world)
    world.settle_queues()
    assert (len(world.email.sent), world.waiting_mails.reads, world.waiting_mails.writes) == (3, by_turns + 1, 0)


class StandsStill(MemoryWaitingMails):
    """Whose reader's sandbox is frozen for half an hour, once: it knows nothing of it, and its claim runs out."""

    def __init__(self, clock: StandingClock) -> None:
        super().__init__()
        self._clock = clock

    def read(self) -> Waiting | None:
        self._clock.advance(timedelta(minutes=30) if self.reads == 0 else timedelta())
        return super().read()


def test_whoever_stood_still_while_it_asked_sends_nothing_any_more() -> None:
    world = deployment()
    world.clock.now = ELEVEN_PAST
    order = MailOrder(StandsStill(world.clock), world.clock)
    world.run_step = replace(world.run_step, sender=replace(world.sender, order=order))
    world.stripe.has(snapshot("in_n1", NEW, due=date(2026, 2, 10)))
    world.record.invoice(snapshot("in_n1", NEW, due=date(2026, 2, 10)))
    world.look_at(NEW)
    assert world.email.sent == []
    world.advance(timedelta(hours=1))
    assert [mail.envelope.customer for mail in world.email.sent if mail.envelope.customer == NEW] == [NEW]
