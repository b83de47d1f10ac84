"""The coarse wheel: which timers one of its turns sends, and with which delay."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dunning.domain.case import Case, Profile
from dunning.domain.mail_order import Waiting
from dunning.workflow.dispatch_due import Dispatched
from dunning.workflow.ports import Wakeup
from tests.fakes.deployment import FakeDeployment

TURN = datetime(2026, 3, 2, 8, 50, tzinfo=UTC)
ON_THE_HOUR = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def due(world: FakeDeployment, customer: str, at: datetime, since: datetime | None = None) -> None:
    empty = Case(Profile(customer))
    world.store.save(empty, empty.with_profile(replace(empty.profile, due_at=at, due_since=since or at)))


def turned(world: FakeDeployment, turn: datetime, late: timedelta = timedelta()) -> dict[str, int]:
    world.clock.now = turn + late
    world.dispatch(turn)
    return {wakeup.customer: wakeup.delay for wakeup in world.wakeups.sent if wakeup.let_go}


def test_a_turn_sends_the_timers_of_the_next_twelve_minutes_with_their_exact_delays(world: FakeDeployment) -> None:
    due(world, "start", TURN)
    due(world, "half", TURN + 5 * MINUTE + timedelta(milliseconds=1))
    due(world, "last", TURN + 12 * MINUTE - timedelta(microseconds=1))
    due(world, "beyond", TURN + 12 * MINUTE)
    assert turned(world, TURN) == {"start": 0, "half": 301, "last": 720}


def test_a_turn_leaves_what_was_missed_to_the_one_on_the_hour(world: FakeDeployment) -> None:
    due(world, "missed", TURN - SECOND)
    due(world, "years ago", TURN - timedelta(days=1000))
    assert turned(world, TURN) == {}
    assert turned(world, ON_THE_HOUR) == {"missed": 0, "years ago": 0}


@pytest.mark.parametrize("late", [3 * SECOND, 4 * MINUTE])
def test_a_turn_that_runs_late_counts_the_delay_from_now(world: FakeDeployment, late: timedelta) -> None:
    due(world, "start", TURN)
    due(world, "next", TURN + 10 * MINUTE)
    assert turned(world, TURN, late) == {"start": 0, "next": int((10 * MINUTE - late).total_seconds())}


def test_windows_overlap_so_that_no_timer_falls_between_two_turns(world: FakeDeployment) -> None:
    due(world, "between", TURN + 10 * MINUTE)
    turned(world, TURN)
    turned(world, TURN + 10 * MINUTE)
    assert [wakeup.customer for wakeup in world.wakeups.sent] == ["between", "between"]


def test_one_message_goes_out_for_each_customer(world: FakeDeployment) -> None:
    for number in range(25):
        due(world, f"customer {number}", TURN)
    turned(world, TURN)
    assert len(world.wakeups.sent) == 25
    assert {wakeup.hops for wakeup in world.wakeups.sent} == {0}


def test_no_more_goes_out_than_the_mail_quota_allows_and_who_waited_longest_goes_first(world: FakeDeployment) -> None:
    due(world, "new", TURN, since=TURN)
    due(world, "postponed", TURN + MINUTE, since=TURN - timedelta(hours=5))
    due(world, "old", TURN, since=TURN - timedelta(hours=1))
    world.quota.remaining = 2
    world.clock.now = TURN
    assert world.dispatch(TURN) == Dispatched(sent=2, deferred=1, looked_at=1)
    assert world.wakeups.sent == [
        Wakeup("postponed", 60, let_go=TURN - timedelta(hours=5)),
        Wakeup("old", 0, let_go=TURN - timedelta(hours=1)),
        Wakeup("new", 0, without_mail=True),
    ]


def test_what_had_to_wait_for_the_quota_goes_out_on_a_later_hour(world: FakeDeployment) -> None:
    due(world, "patient", TURN)
    world.quota.remaining = 0
    assert turned(world, TURN) == {}
    world.quota.remaining = 1
    assert turned(world, ON_THE_HOUR) == {"patient": 0}


def test_the_quota_is_read_once_and_only_when_something_is_due(world: FakeDeployment) -> None:
    assert world.dispatch(TURN) == Dispatched(0, 0)
    assert world.quota.asked == 0
    due(world, "one", TURN)
    due(world, "two", TURN)
    turned(world, TURN)
    assert world.quota.asked == 1


def test_the_same_turn_twice_is_harmless(world: FakeDeployment) -> None:
    due(world, "one", TURN)
    assert turned(world, TURN) == turned(world, TURN)
    assert world.store.writes == 1


def test_a_late_repetition_of_an_earlier_turn_does_not_end_what_a_later_one_noted(world: FakeDeployment) -> None:
    due(world, "waits", TURN)
    world.quota.remaining = 0
    turned(world, ON_THE_HOUR)
    noted = world.waiting_mails.known
    turned(world, TURN, late=12 * MINUTE)
    assert noted == world.waiting_mails.known == Waiting((TURN, "waits"), ON_THE_HOUR, ON_THE_HOUR + timedelta(minutes=75))


def test_days_on_which_nobody_must_wait_cost_one_read_a_turn_that_finds_something(world: FakeDeployment) -> None:
    turned(world, TURN)
    due(world, "one", ON_THE_HOUR)
    turned(world, ON_THE_HOUR)
    assert (world.waiting_mails.reads, world.waiting_mails.writes) == (1, 0)
