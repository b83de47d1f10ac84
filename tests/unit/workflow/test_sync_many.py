"""Many things in one message: what fails keeps back its own company, and nobody else."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from dunning.domain.errors import NotPermitted, NotYet, Permanent, Retryable
from dunning.workflow.ports import SyncBatch, SyncRequest
from dunning.workflow.sync_many import MOST_HOPS, SETTLING, SLOW_SECONDS, SyncMany
from tests.fakes.clock import StandingClock
from tests.fakes.queues import MemorySyncQueue


@dataclass
class Messages:
    """workflow.ports.SyncBatches."""

    sent: list[tuple[SyncBatch, int]] = field(default_factory=list)

    def send(self, batch: SyncBatch, delay: int = 0) -> None:
        self.sent.append((batch, delay))


class Work:
    """A source that answers, or fails as told."""

    def __init__(self) -> None:
        self.clock = StandingClock()
        self.fails: dict[str, Exception] = {}
        self.seen: list[str] = []
        self.says = "recorded"
        self.takes: dict[str, float] = {}
        self.left = 60.0
        self.messages, self.alone = Messages(), MemorySyncQueue()
        self.letters: list[tuple[SyncBatch, str]] = []
        self.many = SyncMany(self._look, self.messages, self.alone, self.clock, lambda *letter: self.letters.append(letter))

    def _look(self, request: SyncRequest) -> str:
        self.seen.append(request.id)
        self.left -= self.takes.get(request.account or "", 0.0)
        if failure := self.fails.get(request.id):
            raise failure
        return self.says

    def batch(self, *ids: str, hops: int = 0) -> SyncBatch:
        """`acme/1`: the company and the id."""
        pairs = [each.split("/") for each in ids]
        return SyncBatch(tuple(SyncRequest("xero", "invoice", each, stamp=self.clock(), account=account) for account, each in pairs), hops)

    def ids_sent_on(self) -> list[tuple[list[str], int, int]]:
        return [([request.id for request in batch.requests], batch.hops, delay) for batch, delay in self.messages.sent]


@pytest.fixture
def work() -> Work:
    return Work()


def plenty() -> float:
    return 60.0


def test_everything_is_looked_at_and_nothing_sent_on(work: Work) -> None:
    work.many(work.batch("acme/1", "beta/2"), plenty)
    assert (work.seen, work.messages.sent) == (["1", "2"], [])


def test_a_company_at_its_limit_waits_as_long_as_it_asks_while_others_go_on(work: Work) -> None:
    work.fails["2"] = Retryable("429", work.clock() + timedelta(seconds=41.5))
    work.many(work.batch("acme/1", "acme/2", "acme/3", "beta/4"), plenty)
    assert work.seen == ["1", "2", "4"]
    assert work.ids_sent_on() == [(["3", "2"], 0, 42)]


def test_a_company_that_does_not_answer_is_asked_more_and_more_seldom(work: Work) -> None:
    work.fails["1"] = Retryable("down")
    for hops in (0, 1, 2, 3, 4, 5):
        work.many(work.batch("acme/1", hops=hops), plenty)
    assert [(hops, delay) for _, hops, delay in work.ids_sent_on()] == [(1, 120), (2, 240), (3, 480), (4, 900), (5, 900), (6, 900)]


def test_to_wait_for_a_turn_counts_as_no_failure(work: Work) -> None:
    work.fails["1"] = NotYet("full", work.clock() + timedelta(seconds=61))
    work.many(work.batch("acme/1", hops=MOST_HOPS), plenty)
    assert work.ids_sent_on() == [(["1"], MOST_HOPS, 61)]


def test_after_three_days_without_an_answer_a_person_must_look_and_only_at_who_does_not_answer(work: Work) -> None:
    work.fails["1"], work.fails["3"] = Retryable("down"), NotYet("full", work.clock() + timedelta(seconds=61))
    work.many(work.batch("acme/1", "beta/3", "acme/2", hops=MOST_HOPS), plenty)
    ((batch, reason),) = work.letters
    assert ([request.id for request in batch.requests], batch.hops, reason) == (["2", "1"], 0, "down")
    assert [(ids, delay) for ids, _, delay in work.ids_sent_on()] == [(["3"], 61)]


def test_to_be_told_again_and_again_to_come_back_in_a_second_lasts_three_days_too(work: Work) -> None:
    batch, waited = work.batch("acme/1"), timedelta()
    while not work.letters:
        work.fails["1"] = Retryable("429", work.clock() + timedelta(seconds=1))
        work.many(batch, plenty)
        if work.messages.sent:
            batch, delay = work.messages.sent.pop()
            waited += timedelta(seconds=delay)
            work.clock.now += timedelta(seconds=delay)
    assert timedelta(days=2.8) < waited < timedelta(days=3.2)


def test_what_may_not_be_read_keeps_back_its_own_kind_only(work: Work) -> None:
    work.fails["cn_1"] = NotPermitted("xero", "acme", "GET /CreditNotes was answered with 403")
    notes = [SyncRequest("xero", "credit_note", bare, stamp=work.clock(), account="acme") for bare in ("cn_1", "cn_2")]
    work.many(SyncBatch((*notes, *work.batch("acme/1", "beta/2").requests)), plenty)
    assert (work.seen, work.ids_sent_on()) == (["cn_1", "1", "2"], [(["cn_1", "cn_2"], 0, 60)])
    work.many(SyncBatch(tuple(notes), MOST_HOPS - 2), plenty)
    assert work.letters == []
    work.many(SyncBatch(tuple(notes), MOST_HOPS), plenty)
    assert work.letters == [(SyncBatch(tuple(notes)), "GET /CreditNotes was answered with 403")]


def test_what_never_will_succeed_goes_on_by_itself(work: Work) -> None:
    work.fails["1"] = Permanent("not as documented")
    work.many(work.batch("acme/1", "acme/2"), plenty)
    assert [request.id for request in work.alone.requests] == ["1"]
    assert (work.seen, work.messages.sent) == (["1", "2"], [])


def test_what_nobody_foresaw_goes_on_by_itself_too(work: Work) -> None:
    work.fails["1"] = OverflowError("date value out of range")
    work.many(work.batch("acme/1", "acme/2", "beta/3"), plenty)
    assert [request.id for request in work.alone.requests] == ["1"]
    assert (work.seen, work.messages.sent) == (["1", "2", "3"], [])


def test_what_there_is_no_time_for_goes_on_at_once(work: Work) -> None:
    left = iter([60.0, 59.0, 5.0, 5.0])
    work.many(work.batch("acme/1", "acme/2", "acme/3"), lambda: next(left))
    assert (work.seen, work.ids_sent_on()) == (["1"], [(["2", "3"], 0, 0)])


def test_a_company_that_answers_slowly_gets_one_look_a_minute_and_keeps_nobody_else_waiting(work: Work) -> None:
    work.takes["acme"] = SLOW_SECONDS + 1
    work.many(work.batch("acme/1", "acme/2", "acme/3", "beta/4"), lambda: work.left)
    assert work.seen == ["1", "4"]
    assert work.ids_sent_on() == [(["2", "3"], 0, 60)]
    work.many(work.batch("acme/5", "beta/6", hops=MOST_HOPS), lambda: work.left)
    assert work.seen == ["1", "4", "6"]
    work.clock.now += timedelta(seconds=60)
    work.many(work.messages.sent[0][0], lambda: work.left)
    assert work.seen == ["1", "4", "6", "2"]


def test_a_slow_company_alone_in_a_message_waits_without_counting_as_failed(work: Work) -> None:
    work.takes["acme"] = SLOW_SECONDS + 1
    work.many(work.batch("acme/1"), lambda: work.left)
    work.many(work.batch("acme/2", hops=MOST_HOPS), lambda: work.left)
    assert work.ids_sent_on() == [(["2"], MOST_HOPS, 60)]


def test_what_was_fetched_after_the_news_came_is_not_fetched_again(work: Work) -> None:
    first = work.batch("acme/1")
    work.clock.now += timedelta(seconds=1)
    work.many(first, plenty)
    work.many(first, plenty)
    assert work.seen == ["1"]
    work.many(work.batch("acme/1"), plenty)
    assert work.seen == ["1", "1"]


def test_a_fetch_that_failed_is_not_remembered(work: Work) -> None:
    batch = work.batch("acme/1")
    work.clock.now += timedelta(seconds=1)
    work.fails["1"] = Retryable("down")
    work.many(batch, plenty)
    del work.fails["1"]
    work.many(batch, plenty)
    assert work.seen == ["1", "1"]


def test_a_hundred_messages_about_one_unchanged_thing_are_a_fetch_now_and_one_when_they_have_settled(work: Work) -> None:
    work.says = "nothing new"
    for _ in range(100):
        work.many(work.batch("acme/1"), plenty)
    assert work.seen == ["1"]
    assert {delay for _, delay in work.messages.sent} == {SETTLING}
    again = [batch for batch, _ in work.messages.sent]
    work.clock.now += timedelta(seconds=SETTLING)
    for batch in again:
        work.many(batch, plenty)
    assert (work.seen, len(work.messages.sent)) == (["1", "1"], 99)


def test_as_long_as_things_change_they_are_fetched_at_once(work: Work) -> None:
    for _ in range(3):
        work.many(work.batch("acme/1"), plenty)
    assert (work.seen, work.messages.sent) == (["1", "1", "1"], [])


def test_only_the_thing_that_did_not_change_waits(work: Work) -> None:
    work.says = "nothing new"
    work.many(work.batch("acme/1"), plenty)
    work.many(work.batch("acme/1", "acme/2", "beta/1"), plenty)
    assert work.seen == ["1", "2", "1"]
    assert work.ids_sent_on() == [(["1"], 0, SETTLING)]
