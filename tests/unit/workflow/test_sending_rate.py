"""The wheel keeps below what SES lets the account send."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dunning.workflow.dispatch_due import PART_OF_THE_RATE, DispatchDue, spread
from dunning.workflow.ports import Wakeup
from dunning.workflow.wheel_ports import DueTimer
from tests.fakes.channels import FakeQuota
from tests.fakes.mail_order import MemoryWaitingMails

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def _timer(number: int, seconds: float, since: float | None = None) -> DueTimer:
    at = NOW + timedelta(seconds=seconds)
    return DueTimer(f"stripe:cus_{number:04}", at, at if since is None else NOW + timedelta(seconds=since))


class _Index:
    def __init__(self, timers: list[DueTimer]) -> None:
        self.timers = timers

    def due(self, until: datetime, since: datetime | None = None) -> list[DueTimer]:
        return [timer for timer in self.timers if timer.due_at < until and (since is None or timer.due_at >= since)]


class _Queue:
    def __init__(self) -> None:
        self.sent: list[Wakeup] = []

    def send(self, wakeups: Sequence[Wakeup]) -> None:
        self.sent += wakeups


def _dispatched(timers: list[DueTimer], quota: FakeQuota) -> list[Wakeup]:
    queue = _Queue()
    DispatchDue(_Index(timers), queue, quota, lambda: NOW, MemoryWaitingMails())(NOW)
    return queue.sent


def test_timers_far_enough_apart_keep_their_instants() -> None:
    assert list(spread([_timer(1, 0), _timer(2, 10), _timer(3, 599.2)], NOW, 1.0).values()) == [0, 10, 600]


def test_what_falls_due_in_one_second_is_spread_over_as_many_as_the_rate_needs() -> None:
    delays = spread([_timer(n, 60) for n in range(10)], NOW, 2.0)
    assert list(delays.values()) == [60, 60, 61, 61, 62, 62, 63, 63, 64, 64]


def test_what_the_rate_cannot_hold_within_fifteen_minutes_waits_for_a_later_turn() -> None:
    quota = FakeQuota()
    quota.per_second = 1 / PART_OF_THE_RATE
    sent = _dispatched([_timer(n, -60, since=-n) for n in range(2000)], quota)
    let_go = [wakeup for wakeup in sent if wakeup.let_go]
    assert (len(let_go), let_go[0].customer) == (901, "stripe:cus_1999")
    assert len([wakeup for wakeup in sent if wakeup.without_mail]) == 2000 - 901


def test_a_spent_quota_releases_the_longest_waiting_first() -> None:
    quota = FakeQuota()
    quota.remaining = 2
    sent = _dispatched([_timer(1, 30, since=-10), _timer(2, 5, since=-500), _timer(3, 1, since=-90)], quota)
    assert {wakeup.customer for wakeup in sent if wakeup.let_go} == {"stripe:cus_0002", "stripe:cus_0003"}


def test_reminders_do_not_wait_for_a_quota_that_cannot_be_read() -> None:
    quota = FakeQuota()
    quota.unreachable = True
    assert [wakeup.customer for wakeup in _dispatched([_timer(1, 0)], quota)] == ["stripe:cus_0001"]


@given(st.lists(st.floats(-3600, 720), max_size=60), st.floats(0.5, 50))
def test_no_message_comes_early_and_no_second_holds_more_than_the_rate_and_what_rounding_adds(instants: list[float], rate: float) -> None:
    timers = [_timer(number, seconds) for number, seconds in enumerate(instants)]
    due = {timer.customer: timer.due_at for timer in timers}
    delays = spread(timers, NOW, rate)
    assert all(0 <= delay <= 900 and NOW + timedelta(seconds=delay) >= due[customer] for customer, delay in delays.items())
    for second in set(delays.values()):
        assert sum(delay == second for delay in delays.values()) <= rate + 2
