"""One limit for all functions and all their instances, kept whatever each of them knows."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from itertools import count
from random import Random

import pytest

from dunning.domain.errors import NotYet, Retryable
from dunning.domain.request_meter import BOOKING_LASTS, LONGEST_LINE, REQUEST_LASTS, Allowance, Meter, Window
from dunning.providers import quickbooks, xero
from dunning.providers.http_client import CONNECT_SECONDS, READ_SECONDS
from dunning.providers.http_client_pace import Pace
from tests.fakes.tokens import MemoryMeters

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
THREE_A_MINUTE = Allowance((Window(3, MINUTE),))


class World:
    """Any number of processes that ask the same provider."""

    def __init__(self, allowance: Allowance = THREE_A_MINUTE) -> None:
        self.now = NOW
        self.meters = MemoryMeters()
        self._allowance = allowance
        self._numbers = count(1)
        self.made = 0

    def process(self, *, urgent: bool = False) -> Pace:
        return Pace("xero", self._allowance, self.meters, lambda: self.now, lambda _now: f"turn-{next(self._numbers)}", urgent=urgent)

    def asks(self, requests: int = 1, account: str = "acme", *, made: int | None = None) -> datetime | None:
        """One process more makes a turn of so many requests; when it may come again, if it may not now."""
        pace = self.process()
        try:
            with pace.turn(account, requests):
                self.made = requests if made is None else made
                for _ in range(self.made):
                    with pace.request(account):
                        pass
        except NotYet as refused:
            return refused.turn_at
        return None


def refused_until(pace: Pace, account: str = "acme") -> datetime | None:
    with pytest.raises(Retryable) as refused, pace.request(account):
        pass
    return refused.value.retry_at


def asked(pace: Pace) -> None:
    with pace.request("acme"):
        pass


def taken(pace: Pace, requests: int) -> bool:
    try:
        with pace.turn("acme", requests):
            for _ in range(requests):
                with pace.request("acme"):
                    pass
    except Retryable:
        return False
    return True


def test_processes_that_do_not_know_of_each_other_share_one_limit_per_account() -> None:
    world = World()
    assert [world.asks() for _ in range(4)] == [None, None, None, NOW + MINUTE]
    assert world.asks(account="beta") is None


def test_what_belongs_together_begins_only_when_there_is_room_for_all_of_it_and_gives_back_what_it_did_not_need() -> None:
    world = World()
    assert world.asks(2) is None
    assert world.asks(2) == NOW + MINUTE
    assert world.meters.read("xero", "acme").taken == {NOW: 2}
    world = World()
    assert world.asks(3, made=1) is None
    assert world.asks(2) is None


def test_a_turn_that_needs_more_than_it_said_goes_on_request_by_request() -> None:
    world = World()
    pace = world.process()
    with pace.turn("acme", 1):
        for _ in range(3):
            asked(pace)
        assert refused_until(pace) == NOW + MINUTE
    assert world.meters.read("xero", "acme").taken == {NOW: 3}


def test_each_who_is_sent_away_is_told_its_own_time_at_which_it_has_its_turn() -> None:
    world = World()
    told = [world.asks() for _ in range(9)]
    assert told == [None] * 3 + [NOW + MINUTE] * 3 + [NOW + 2 * MINUTE] * 3
    for minutes in (1, 2):
        world.now = NOW + minutes * MINUTE
        assert [world.asks() for _ in range(3)] == [None] * 3


def test_newcomers_wait_behind_those_who_wait() -> None:
    world = World()
    assert world.asks(2) is None
    world.now += 30 * SECOND
    assert world.asks(2) == NOW + MINUTE
    assert world.asks(1) == NOW + MINUTE
    world.now = NOW + MINUTE
    assert [world.asks(2), world.asks(1)] == [None, None]


def test_a_last_check_goes_before_all_else_and_those_who_waited_come_after_it() -> None:
    world = World()
    assert world.asks(3) is None
    assert world.asks(3) == NOW + MINUTE
    check = world.process(urgent=True)
    assert refused_until(check) == NOW + MINUTE
    assert world.asks(1) == NOW + 2 * MINUTE
    world.now = NOW + MINUTE
    assert world.asks(3) == NOW + 2 * MINUTE
    asked(check)


def test_whoever_does_not_come_at_its_time_loses_its_place() -> None:
    world = World()
    for _ in range(6):
        world.asks()
    world.now = NOW + MINUTE + BOOKING_LASTS
    assert [world.asks(3)] == [None]


def test_no_line_is_longer_than_it_is_worth_writing_down() -> None:
    world = World()
    told = [world.asks() for _ in range(60)]
    assert told[-1] == NOW + LONGEST_LINE + MINUTE
    assert max(world.meters.read("xero", "acme").booked) == NOW + LONGEST_LINE


@pytest.mark.parametrize(("allowance", "workers", "ideal"), [(quickbooks.ALLOWANCE, 300, 75 * SECOND), (xero.ALLOWANCE, 100, 4 * MINUTE)])
def test_no_period_sees_more_than_the_provider_allows_and_a_crowd_is_served_nearly_as_fast(
    allowance: Allowance, workers: int, ideal: timedelta
) -> None:
    """Workers that come when they are told, as queues bring them: on whole seconds, and a little late."""
    world, random, asked, refusals = World(allowance), Random(7), list[datetime](), 0
    coming = [(NOW + random.random() * SECOND, number) for number in range(workers)]
    heapify(coming)
    while coming:
        world.now, worker = heappop(coming)
        turn_at = world.asks(3, made=random.choice((1, 2, 3)))
        if turn_at is None:
            asked += [world.now] * world.made
            continue
        refusals += 1
        heappush(coming, (turn_at.replace(microsecond=0) + SECOND + random.random() * SECOND, worker))
    for window in allowance.windows:
        assert max(sum(1 for other in asked[n : n + 600] if other < asked[n] + window.period) for n in range(len(asked))) <= window.requests
    assert len(asked) > 1.8 * workers
    assert asked[-1] - NOW < 1.5 * ideal
    assert refusals < 4 * workers


def test_what_is_asked_late_in_a_turn_counts_as_late() -> None:
    world = World()
    pace = world.process()
    with pace.turn("acme", 3):
        world.now += 20 * SECOND
        with pace.request("acme"):
            world.now += 5 * SECOND
    assert world.meters.read("xero", "acme").taken == {NOW + 25 * SECOND: 1}


def test_what_is_older_than_moments_is_kept_by_the_second() -> None:
    world = World(quickbooks.ALLOWANCE)
    for _ in range(2000):
        world.now += timedelta(milliseconds=137)
        world.asks()
    held = world.meters.read("xero", "acme").taken
    assert len(held) <= 85
    assert sum(held.values()) == pytest.approx(61 / 0.137, abs=8)


def test_fifty_threads_get_as_many_requests_as_there_are() -> None:
    world = World(Allowance((Window(10, MINUTE),)))
    with ThreadPoolExecutor(50) as pool:
        granted = list(pool.map(lambda process: taken(process, 1), [world.process() for _ in range(50)]))
    assert 0 < sum(granted) <= 10
    assert sum(world.meters.read("xero", "acme").taken.values()) == sum(granted)


def test_no_more_than_five_wait_for_xero_s_answers_at_the_same_time() -> None:
    world = World(xero.ALLOWANCE)
    with ExitStack() as waiting:
        for _ in range(4):
            waiting.enter_context(world.process().turn("acme", 3))
        with world.process().request("acme"):
            assert refused_until(world.process()) == NOW + SECOND
        with world.process().request("acme"):
            pass


def test_a_process_that_died_while_it_waited_counts_no_longer_than_an_answer_may_take() -> None:
    world = World(xero.ALLOWANCE)
    dead = [world.process().turn("acme", 1) for _ in range(5)]
    for turn in dead:
        turn.__enter__()
    assert refused_until(world.process()) == NOW + SECOND
    world.now += 2 * REQUEST_LASTS
    assert world.asks() is None
    assert sum(world.meters.read("xero", "acme").taken.values()) == 6
    assert REQUEST_LASTS.total_seconds() > CONNECT_SECONDS + READ_SECONDS


def test_what_the_provider_said_to_one_process_goes_for_all() -> None:
    world = World()
    knows_little = world.process()
    assert taken(knows_little, 1)
    told = world.process()
    told.closed("acme", NOW + timedelta(hours=2))
    told.closed("acme", NOW + timedelta(hours=1))
    assert refused_until(knows_little) == NOW + timedelta(hours=2)
    assert refused_until(world.process(urgent=True)) == NOW + timedelta(hours=2)
    with knows_little.request("beta"):
        pass


def test_what_is_spared_is_there_for_the_last_check_only() -> None:
    world = World()
    world.process().spared("acme", NOW + timedelta(hours=1))
    assert refused_until(world.process()) == NOW + timedelta(hours=1)
    assert taken(world.process(urgent=True), 1)


class LosesOneAnswer(MemoryMeters):
    """The first write goes through, and looks as if it had not."""

    def __init__(self) -> None:
        super().__init__()
        self._lost = False

    def save(self, source: str, account: str, meter: Meter) -> Meter | None:
        found = super().save(source, account, meter)
        if self._lost:
            return found
        self._lost = True
        return self.read(source, account)


def test_a_write_whose_answer_was_lost_counts_once() -> None:
    world = World(xero.ALLOWANCE)
    world.meters = LosesOneAnswer()
    with world.process().turn("acme", 2):
        meter = world.meters.read("xero", "acme")
        assert ([turn.requests for turn in meter.turns.values()], meter.version) == ([2], 1)
