"""One limit for all functions and all their instances, kept whatever each of them knows."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from random import Random

import pytest

from dunning.domain.errors import Retryable
from dunning.domain.request_meter import FLIGHT_LASTS, Allowance, Meter
from dunning.providers import quickbooks, xero
from dunning.providers.http_client import CONNECT_SECONDS, READ_SECONDS
from dunning.providers.http_client_pace import Pace
from tests.fakes.tokens import MemoryMeters

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
THREE_THEN_ONE_A_SECOND = Allowance(burst=3, gap=SECOND)


class World:
    """Any number of processes that ask the same provider."""

    def __init__(self, allowance: Allowance = THREE_THEN_ONE_A_SECOND) -> None:
        self.now = NOW
        self.meters = MemoryMeters()
        self._allowance = allowance
        self._numbers = count(1)

    def process(self, *, urgent: bool = False) -> Pace:
        return Pace("xero", self._allowance, self.meters, lambda: self.now, lambda _now: f"flight-{next(self._numbers)}", urgent=urgent)


def refused_until(pace: Pace, account: str = "acme") -> datetime | None:
    with pytest.raises(Retryable) as refused:
        pace.take(account)
    return refused.value.retry_at


def asked_and_answered(process: Pace) -> None:
    process.ended("acme", process.take("acme"))


def taken(act: Callable[[], object]) -> bool:
    try:
        act()
    except Retryable:
        return False
    return True


def test_processes_that_do_not_know_of_each_other_share_one_limit_per_account() -> None:
    world = World()
    for _ in range(3):
        world.process().take("acme")
    assert refused_until(world.process()) == NOW + 3 * SECOND
    world.process().take("beta")


def test_who_is_refused_waits_until_the_whole_burst_is_there_again_and_so_gets_all_it_needs() -> None:
    world = World()
    process = world.process()
    for _ in range(3):
        process.take("acme")
    world.now = refused_until(process) or NOW
    for _ in range(3):
        process.take("acme")


@pytest.mark.parametrize(
    ("allowance", "requests", "period"),
    [
        (quickbooks.ALLOWANCE, 10, SECOND),
        (quickbooks.ALLOWANCE, 500, MINUTE),
        (xero.ALLOWANCE, 60, MINUTE),
    ],
)
def test_no_period_ever_sees_more_than_the_provider_allows(allowance: Allowance, requests: int, period: timedelta) -> None:
    world, random, asked = World(allowance), Random(7), list[datetime]()
    processes = [world.process() for _ in range(3)]
    for _ in range(3000):
        process = random.choice(processes)
        if taken(partial(asked_and_answered, process)):
            asked.append(world.now)
        else:
            world.now += timedelta(milliseconds=random.choice((1, 10, 150, 900)))
    most = max(sum(1 for other in asked[n:] if other < asked[n] + period) for n in range(len(asked)))
    assert requests / 2 <= most <= requests


def test_fifty_threads_get_as_many_requests_as_there_are() -> None:
    world = World(Allowance(burst=10, gap=SECOND))
    with ThreadPoolExecutor(50) as pool:
        granted = list(pool.map(lambda process: taken(lambda: process.take("acme")), [world.process() for _ in range(50)]))
    assert sum(granted) <= 10
    assert world.meters.read("xero", "acme").version == sum(granted)


def test_no_more_than_five_wait_for_xero_s_answers_at_the_same_time() -> None:
    world = World(xero.ALLOWANCE)
    processes = [world.process() for _ in range(6)]
    flights = [process.take("acme") for process in processes[:5]]
    assert refused_until(processes[5]) == NOW + SECOND
    processes[0].ended("acme", flights[0])
    processes[5].take("acme")


def test_a_process_that_died_while_it_waited_counts_no_longer_than_an_answer_may_take() -> None:
    world = World(xero.ALLOWANCE)
    for _ in range(5):
        world.process().take("acme")
    world.now += FLIGHT_LASTS
    world.process().take("acme")
    assert FLIGHT_LASTS.total_seconds() > CONNECT_SECONDS + READ_SECONDS


def test_what_the_provider_said_to_one_process_goes_for_all() -> None:
    world = World()
    knows_little = world.process()
    knows_little.take("acme")
    told = world.process()
    told.closed("acme", NOW + timedelta(hours=2))
    told.closed("acme", NOW + timedelta(hours=1))
    assert refused_until(knows_little) == NOW + timedelta(hours=2)
    assert refused_until(world.process(urgent=True)) == NOW + timedelta(hours=2)
    knows_little.take("beta")


def test_what_is_spared_is_there_for_the_last_check_only() -> None:
    world = World()
    world.process().spared("acme", NOW + timedelta(hours=1))
    assert refused_until(world.process()) == NOW + timedelta(hours=1)
    world.process(urgent=True).take("acme")


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
    world.process().take("acme")
    meter = world.meters.read("xero", "acme")
    assert (len(meter.flights), meter.version) == (1, 1)
