"""When anything is due, over zones, changes of the clock, month ends, leap days and whatever a plan may say."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from dunning.domain.calendar import is_open, local_date
from dunning.domain.invoice import Contact, Invoice
from dunning.domain.planning import planned
from dunning.domain.policy import AfterDue, AfterPrevious, BeforeDue, Policy, Step, Timing, Window
from dunning.domain.timing import Upcoming, upcoming, window_for
from tests.unit.domain.builders import ACME, BRIEF, INVOICE, after_due, policy, utc

ZONES = st.sampled_from(
    "UTC Europe/Berlin America/New_York America/St_Johns Australia/Lord_Howe Asia/Kathmandu Pacific/Apia Africa/Cairo".split()
)
INSTANTS = st.integers(0, 6 * 366 * 1440).map(lambda minutes: utc("2024-01-01 00:00") + timedelta(minutes=minutes))
DAYS = st.dates(date(2024, 1, 1), date(2029, 12, 31))
TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0, fold=0))  # as a policy names them
WINDOWS = st.builds(lambda start, hours: Window(start, min(1440, start + 60 * hours)), st.integers(0, 1380), st.integers(1, 24))


@st.composite
def plans(draw: st.DrawFn) -> Policy:
    """Up to two steps before the due date and three after it, in order, each perhaps followed by a chained one."""
    before = sorted(draw(st.sets(st.integers(1, 30), max_size=2)), reverse=True)
    after = sorted(draw(st.sets(st.integers(0, 60), min_size=1, max_size=3)))
    timings: list[Timing] = []
    timings += [BeforeDue(days, draw(TIMES)) for days in before]
    timings += [AfterDue(days, draw(TIMES)) for days in after]
    for position in range(len(timings), 0, -1):
        if draw(st.booleans()):
            timings.insert(position, AfterPrevious(timedelta(minutes=draw(st.integers(1, 10_000)))))
    steps = (Step(f"s{n}", at, email="friendly", sms=draw(st.none() | st.just("friendly"))) for n, at in enumerate(timings))
    windows = draw(st.just({}) | st.fixed_dictionaries({"email": WINDOWS}))
    return replace(policy(*steps), timezone=draw(ZONES), send_window=windows)


@st.composite
def owed(draw: st.DrawFn) -> Invoice:
    return replace(INVOICE, due_date=draw(DAYS))


@st.composite
def customers(draw: st.DrawFn) -> Contact:
    return replace(ACME, timezone=draw(st.none() | ZONES), phone=draw(st.none() | st.just("+431234567")))


def zone_of(contact: Contact, follows: Policy) -> ZoneInfo:
    return ZoneInfo(contact.timezone or follows.timezone)


def when_ran(invoice: Invoice, coming: Upcoming, follows: Policy, at: datetime) -> Invoice:
    """The invoice once the coming step has run."""
    step = coming.step.id if coming.step else None
    return replace(invoice, last_step=step, level=follows.position(step), anchor_at=at)


@given(owed(), customers(), plans(), INSTANTS)
def test_what_comes_next_is_never_in_the_past_and_always_within_its_hours(
    invoice: Invoice, contact: Contact, follows: Policy, now: datetime
) -> None:
    coming = upcoming(invoice, contact, follows, now)
    assert coming.step is not None
    assert coming.at is not None
    assert coming.at >= now
    assert is_open(coming.at, window_for(coming.step, contact, follows), zone_of(contact, follows))


@given(owed(), customers(), plans(), INSTANTS, st.lists(st.integers(0, 10_000), min_size=10, max_size=10))
def test_the_steps_come_one_after_the_other_until_the_plan_ends(
    invoice: Invoice, contact: Contact, follows: Policy, now: datetime, delays: list[int]
) -> None:
    """However late each step runs: in the policy's order, each but once, none before the one before it."""
    named: list[str] = []
    for delay in delays:
        coming = upcoming(invoice, contact, follows, now)
        named += [step.id for step in coming.missed]
        if coming.step is None or coming.at is None:
            break
        named.append(coming.step.id)
        now = coming.at + timedelta(minutes=delay)
        invoice = when_ran(invoice, coming, follows, now)
    assert named == [step.id for step in follows.steps]


@given(owed(), customers(), plans(), INSTANTS)
def test_only_reminders_before_the_due_date_are_ever_passed_over(
    invoice: Invoice, contact: Contact, follows: Policy, now: datetime
) -> None:
    assert all(isinstance(step.at, BeforeDue) for step in upcoming(invoice, contact, follows, now).missed)


@given(DAYS, ZONES, st.integers(0, 90), TIMES)
@example(date(2026, 3, 22), "Europe/Berlin", 7, time(2, 30))
@example(date(2026, 10, 18), "Europe/Berlin", 7, time(2, 30))
@example(date(2028, 2, 22), "UTC", 7, time(0))
def test_days_after_the_due_date_are_days_of_the_calendar_there(due: date, zone: str, days: int, at: time) -> None:
    follows = replace(policy(after_due("only", days, at)), timezone=zone)
    coming = upcoming(replace(INVOICE, due_date=due), ACME, follows, utc("2000-01-01 00:00"))
    assert coming.at is not None
    there = coming.at.astimezone(ZoneInfo(zone))
    assert there.date() == due + timedelta(days=days)
    late = there.replace(tzinfo=None) - datetime.combine(there.date(), at)
    assert timedelta(0) <= late <= timedelta(hours=1)  # only ever late, by a gap in the clock


@given(DAYS, INSTANTS, st.integers(1, 100))
def test_hours_after_the_step_before_elapse_exactly(due: date, ran: datetime, hours: int) -> None:
    chain = Step("chain", AfterPrevious(timedelta(hours=hours)), email="friendly")
    follows = replace(policy(after_due("first", 7), chain), timezone="America/New_York")
    first = replace(INVOICE, due_date=due, level=1, last_step="first", anchor_at=ran)
    coming = upcoming(first, ACME, follows, ran)
    assert coming.at is not None
    earliest = ran + timedelta(hours=hours)
    assert coming.at == earliest or (coming.at > earliest and local_date(ran, ZoneInfo("America/New_York")) <= due + timedelta(days=7))


@given(owed(), customers(), plans(), INSTANTS, st.integers(1, 400))
def test_a_due_date_that_moves_later_never_brings_anything_forward(
    invoice: Invoice, contact: Contact, follows: Policy, now: datetime, days: int
) -> None:
    first = upcoming(invoice, contact, follows, now)
    assert first.at is not None
    ran = when_ran(invoice, first, follows, first.at)
    later = replace(ran, due_date=(ran.due_date or date.min) + timedelta(days=days))
    before, after = (upcoming(one, contact, follows, first.at) for one in (ran, later))
    if before.step == after.step and before.at and after.at:
        assert after.at >= before.at


@given(st.integers(0, 200), st.integers(1, 20), st.integers(1, 20))
def test_catching_up_keeps_at_least_the_plans_days_between_reminders(late: int, gap: int, other: int) -> None:
    follows = policy(after_due("one", 7), after_due("two", 7 + gap), after_due("three", 7 + gap + other))
    now, days, invoice = utc("2026-03-17 09:00") + timedelta(days=late), list[date](), INVOICE
    while (coming := upcoming(invoice, ACME, follows, now)).at is not None:
        now = coming.at
        days.append(now.date())
        invoice = when_ran(invoice, coming, follows, now)
    assert [(after - before).days for before, after in pairwise(days)] == [gap, other]


@given(owed(), customers(), plans(), INSTANTS)
def test_planning_what_is_planned_changes_nothing(invoice: Invoice, contact: Contact, follows: Policy, now: datetime) -> None:
    once = planned(invoice, contact, follows, now, "test").invoice
    again = planned(once, contact, follows, now, "test")
    assert (again.invoice, again.activities) == (once, ())


@given(DAYS, ZONES)
def test_the_brief_comes_to_the_minute_in_every_zone(due: date, zone: str) -> None:
    follows, invoice, now = replace(BRIEF, timezone=zone), replace(INVOICE, due_date=due), utc("2000-01-01 00:00")
    instants: list[datetime] = []
    while (coming := upcoming(invoice, ACME, follows, now)).at is not None:
        now = coming.at
        instants.append(now)
        invoice = when_ran(invoice, coming, follows, now)
    first = instants[0].astimezone(ZoneInfo(zone))
    assert (first.date(), first.hour, first.minute) == (due + timedelta(days=7), 9, 0)
    assert [after - before for before, after in pairwise(instants)] == [timedelta(hours=48), timedelta(hours=72)]
