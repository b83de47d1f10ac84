"""However many steps fall due at one second, no more mails go out in any than the account may send, and nobody has failed for that."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dunning.domain.errors import MailLater, Retryable, Throttled
from dunning.domain.explaining import explain
from dunning.domain.invoice import Contact
from dunning.workflow.mail_line import ASKED_AGAIN_AFTER, KEPT_FOR, RATE_HOLDS, MailLine
from dunning.workflow.run_step import MOST_RETRIES
from tests.fakes.channels import FakeEmail, FakeQuota, Message
from tests.fakes.clock import StandingClock
from tests.fakes.deployment import FakeDeployment
from tests.fakes.invoices import snapshot
from tests.fakes.mail_line import MemoryMailPlaces
from tests.unit.workflow.plan import FIRST, MINUTE, said

A_SECOND = timedelta(seconds=1)


class Ses(FakeEmail):
    """Takes two mails a second, unless told otherwise."""

    def __init__(self, world: FakeDeployment, per_second: int = 2) -> None:
        super().__init__()
        self._per_second = per_second
        self._clock = world.clock
        self.at: list[datetime] = []
        self.refused = 0

    def _send(self, message: Message) -> str:
        if self.at.count(self._clock.now.replace(microsecond=0)) == self._per_second:
            self.refused += 1
            raise Throttled("SES is at its limit")
        answer = super()._send(message)
        self.at.append(self._clock.now.replace(microsecond=0))
        return answer


class Line:
    """The line of an account with some send rate."""

    def __init__(self, per_second: float) -> None:
        self.places, self.quota, self.clock = MemoryMailPlaces(), FakeQuota(), StandingClock()
        self.quota.per_second = per_second
        self.mails = MailLine(self.places, self.quota, self.clock)

    def waits(self, recipients: int = 1, kept: datetime | None = None) -> int:
        """How many seconds a mail must wait that comes now."""
        try:
            self.mails.wait(recipients, kept)
        except MailLater as later:
            return int((later.turn_at - self.clock.now.replace(microsecond=0)) / A_SECOND)
        return 0


def at_the_same_second(world: FakeDeployment, customers: int) -> list[str]:
    """So many customers whose first step is due in five minutes, which they are told directly; the wheel finds none of them."""
    world.clock.now = FIRST - 5 * MINUTE
    names = [f"stripe:cus_{number}" for number in range(customers)]
    world.invoiced(*(snapshot(f"in_{number}", name) for number, name in enumerate(names)))
    return names


def slowly(world: FakeDeployment) -> Ses:
    """SES takes two a second, and says so."""
    ses = Ses(world)
    world.quota.per_second = 2
    world.run_step = replace(world.run_step, sender=replace(world.sender, email=ses))
    return ses


def test_thirty_direct_messages_at_one_second_are_all_sent_at_the_accounts_rate_and_none_is_refused(world: FakeDeployment) -> None:
    ses, customers = slowly(world), at_the_same_second(world, 30)
    world.run_until(FIRST + 10 * MINUTE)
    assert ses.refused == 0
    assert Counter(ses.at) == {FIRST + n * A_SECOND: 2 for n in range(15)}
    assert Counter(mail.envelope.customer for mail in ses.sent) == dict.fromkeys(customers, 1)
    assert all(world.profile(customer).retries == 0 for customer in customers)
    assert all(said(world.log(customer)) == ["enrolled", "sent first"] for customer in customers)


class LinesOfMany(MailLine):
    """run_step in so many containers, each with a line of its own; those that are woken at one second are different ones."""

    def __init__(self, world: FakeDeployment, containers: int) -> None:
        super().__init__(world.mail_places, world.quota, world.clock)
        self._lines = [MailLine(world.mail_places, world.quota, world.clock) for _ in range(containers)]
        self._now, self._turn = world.clock.now, -1

    def wait(self, recipients: int, kept: datetime | None, *, retried: bool = False) -> None:
        now = self.clock()
        self._now, self._turn = now, self._turn + 1 if now == self._now else 0
        self._mine.wait(recipients, kept, retried=retried)

    def after_refusal(self, recipients: int) -> MailLater | None:
        return self._mine.after_refusal(recipients)

    @property
    def _mine(self) -> MailLine:
        return self._lines[self._turn % len(self._lines)]


def in_containers(world: FakeDeployment, containers: int, per_second: int) -> Ses:
    """SES takes so many a second from so many containers."""
    ses = Ses(world, per_second)
    world.quota.per_second = per_second
    world.run_step = replace(world.run_step, sender=replace(world.sender, email=ses, line=LinesOfMany(world, containers)))
    return ses


@pytest.mark.parametrize(("customers", "containers", "per_second"), [(5, 10, 1), (10, 10, 1), (30, 10, 2), (100, 10, 14)])
def test_workers_that_begin_at_one_second_are_refused_once_at_most_and_keep_the_rate(
    world: FakeDeployment, customers: int, containers: int, per_second: int
) -> None:
    ses = in_containers(world, containers, per_second)
    names = at_the_same_second(world, customers)
    world.run_until(FIRST + timedelta(hours=1))
    assert ses.refused <= containers
    assert max(ses.at) <= FIRST + (customers / per_second + 2) * A_SECOND
    assert all(world.profile(name).retries == 0 for name in names)
    assert all(said(world.log(name)) == ["enrolled", "sent first"] for name in names)


def test_those_who_were_refused_together_for_another_reason_stand_in_line_when_they_come_back(world: FakeDeployment) -> None:
    ses = in_containers(world, 10, 1)
    ses.refuses(times=10)
    at_the_same_second(world, 10)
    world.run_until(FIRST + timedelta(hours=1))
    assert ses.refused == 0
    assert Counter(ses.at) == {FIRST + MINUTE + n * A_SECOND: 1 for n in range(10)}


def test_each_customer_takes_one_place_and_waits_for_it_once(world: FakeDeployment) -> None:
    slowly(world)
    at_the_same_second(world, 30)
    writes, woken = world.store.writes, len(world.wakeups.sent)
    world.run_until(FIRST + 10 * MINUTE)
    assert world.mail_places.taken == 29  # the first was alone, as far as its worker knew
    # Two claims and two settlings for those who had to wait, one of each for the two who had not.
    assert world.store.writes - writes == 28 * 4 + 2 * 2
    by_the_wheel = 30
    waiting = sum(wakeup.hops == 0 for wakeup in world.wakeups.sent[woken:]) - by_the_wheel
    assert waiting == 28


def test_who_waits_for_its_second_is_not_counted_as_refused_and_is_explained(world: FakeDeployment) -> None:
    slowly(world)
    last = at_the_same_second(world, 5)[-1]
    world.run_until(FIRST)
    profile = world.profile(last)
    assert (profile.retries, profile.due_at, profile.due_since) == (0, FIRST + 2 * A_SECOND, FIRST)
    told = explain(world.case(last), lambda invoice: world.policies.named(invoice.policy), FIRST)
    assert "SES takes only so much a second" in str(told)


def test_nobody_is_parked_for_waiting(world: FakeDeployment) -> None:
    slowly(world)
    last = at_the_same_second(world, 5)[-1]
    before = world.case(last)
    world.store.save(before, before.with_profile(replace(before.profile, retries=MOST_RETRIES)))
    world.run_until(FIRST + MINUTE)
    assert said(world.log(last)) == ["enrolled", "sent first"]
    assert world.dead_letters.letters == []


def test_news_of_a_customer_who_waits_for_its_second_change_nothing_about_that(world: FakeDeployment) -> None:
    slowly(world)
    last = at_the_same_second(world, 5)[-1]
    world.run_until(FIRST)
    world.record.invoice(snapshot("in_4", last, amount_due=90_00, stamp=FIRST))
    assert world.profile(last).due_at == FIRST + 2 * A_SECOND


def test_a_text_message_takes_no_place(world: FakeDeployment) -> None:
    world.clock.now = FIRST - 5 * MINUTE
    world.invoiced(snapshot(contact=Contact(name="Acme", phone="+431234567", country="US")))
    world.run_until(FIRST + timedelta(days=3))
    assert world.sms.sent
    assert world.mail_places.taken == 0


@pytest.mark.parametrize("per_second", [1, 3, 7, 14, 29])
def test_each_second_is_filled_and_never_overfilled(per_second: int) -> None:
    line = Line(per_second)
    given = Counter(line.waits() for _ in range(10 * per_second))
    assert max(given.values()) <= per_second
    assert max(given) <= 10


def test_a_mail_to_several_counts_as_so_many() -> None:
    line = Line(2)
    assert [line.waits(recipients=4), line.waits()] == [0, 2]


def test_who_comes_at_its_second_needs_no_other_place_and_who_comes_too_late_does() -> None:
    line = Line(1)
    kept = line.clock.now
    line.clock.advance(KEPT_FOR - A_SECOND)
    assert (line.waits(kept=kept), line.places.taken) == (0, 0)
    line.clock.advance(A_SECOND)
    assert (line.waits(kept=kept), line.places.taken) == (0, 1)
    assert (line.waits(kept=line.clock.now + 3 * A_SECOND), line.places.taken) == (3, 1)


def test_a_line_that_cannot_be_read_keeps_nothing_back() -> None:
    line = Line(1)
    line.places.failure = Retryable("throttled")
    assert [line.waits() for _ in range(3)] == [0, 0, 0]


def test_the_rate_is_asked_for_once_an_hour_and_sooner_while_it_is_unknown() -> None:
    line = Line(5)
    line.quota.unreachable = True
    assert [line.waits() for _ in range(3)] == [0, 1, 2]
    line.quota.unreachable = False
    line.clock.advance(ASKED_AGAIN_AFTER)
    assert [line.waits() for _ in range(6)] == [0, 0, 0, 0, 0, 1]
    line.clock.advance(RATE_HOLDS - A_SECOND)
    assert [line.waits() for _ in range(2)] == [0, 0]
    assert line.quota.asked == 2
    line.clock.advance(A_SECOND)
    line.waits()
    assert line.quota.asked == 3
