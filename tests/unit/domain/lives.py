"""The life of one customer's invoices under a generated policy: payments, changes and holds over months, played in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from hypothesis import strategies as st

from dunning.domain.case import Case, Profile
from dunning.domain.holding import hold_case, hold_invoice, release_case, release_invoice
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Contact, Invoice, Snapshot, Status
from dunning.domain.planning import rearmed
from dunning.domain.policy import (
    AfterDue,
    AfterPrevious,
    BeforeDue,
    BusinessDays,
    CatchUp,
    Days,
    Facts,
    MessageLimit,
    OnPartialPayment,
    PartialPaymentRule,
    Policy,
    Scope,
    Span,
    Step,
    Timing,
    Window,
)
from dunning.domain.recording import Recorder
from dunning.domain.rehearsing import Turn, turns
from dunning.domain.work_calendar import EVERY_DAY
from tests.unit.domain.builders import SEEN, utc

START = utc("2026-02-15 08:00")
END = START + timedelta(days=1500)
ZONES = st.sampled_from(
    "UTC Europe/London America/New_York America/St_Johns Australia/Lord_Howe Asia/Kathmandu Pacific/Apia Africa/Cairo".split()
)
_MINUTES = st.integers(0, 143).map(lambda tens: time(tens * 10 // 60, tens * 10 % 60))


@dataclass(frozen=True, slots=True)
class Closures:
    """Weekends, and every so many days a holiday."""

    every: int

    def is_workday(self, day: date) -> bool:
        return day.weekday() < 5 and day.toordinal() % self.every != 0


@dataclass(frozen=True, slots=True)
class Event:
    """What happens to one of the invoices, by its position, so many hours after the start."""

    hours: int
    what: str
    invoice: int
    number: int


@dataclass(frozen=True, slots=True)
class Life:
    """A policy, a customer, what is owed (minor units, and how many days after the start it falls due), and what happens."""

    policy: Policy
    contact: Contact
    owed: tuple[tuple[int, int], ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Moment:
    """The case after something: a turn of ours, or an event from outside."""

    at: datetime
    case: Case
    turn: Turn | None = None
    event: Event | None = None


def _half(facts: Facts) -> bool:
    return str(facts["amount_due"]) > "5"


def _never(_: Facts) -> bool:
    return False


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Plans of up to seven steps, with or without everything that a policy may say about days, hours, gaps and limits."""
    before = sorted(draw(st.sets(st.integers(1, 20), max_size=1)), reverse=True)
    after = sorted(draw(st.sets(st.integers(0, 40), min_size=1, max_size=3)))
    timings: list[Timing] = [BeforeDue(days, draw(_MINUTES)) for days in before]
    timings += [AfterDue(days, draw(_MINUTES)) for days in after]
    for position in range(len(timings), 0, -1):
        match draw(st.integers(0, 3)):
            case 1:
                timings.insert(position, AfterPrevious(timedelta(minutes=draw(st.integers(1, 6000)))))
            case 2:
                count = draw(st.integers(1, 5))
                days = Days(count) if draw(st.booleans()) else BusinessDays(count)
                timings.insert(position, AfterPrevious(timedelta(days=count), days, draw(_MINUTES)))
    steps = [
        Step(f"s{number}", at, draw(st.sampled_from((None, None, None, _half, _never))), "made up", "friendly", draw(_SMS))
        for number, at in enumerate(timings)
    ]
    if draw(st.booleans()):
        steps.append(Step("end", AfterPrevious(timedelta(hours=draw(st.integers(1, 100)))), escalate="collections"))
    return Policy(
        name="made_up",
        timezone=draw(ZONES),
        steps=tuple(steps),
        send_window=draw(st.just({}) | st.fixed_dictionaries({"email": _WINDOWS}, optional={"sms": _WINDOWS})),
        minimum_balance={"EUR": draw(st.sampled_from((0, 500)))},
        on_paid_email=draw(st.none() | st.just("thank_you")),
        calendar=draw(st.just(EVERY_DAY) | st.integers(3, 20).map(Closures)),
        scope=draw(st.sampled_from(Scope)),
        min_gap=draw(st.sampled_from(_GAPS)),
        max_messages=draw(st.none() | st.builds(MessageLimit, st.integers(1, 3), st.sampled_from((Days(7), timedelta(hours=60))))),
        catch_up=draw(st.sampled_from(CatchUp)),
        on_partial_payment=draw(st.sampled_from((OnPartialPayment(), OnPartialPayment(PartialPaymentRule.RESTART)))),
    )


_GAPS: tuple[Span, ...] = (timedelta(), timedelta(hours=30), Days(1), Days(3), BusinessDays(1))
_SMS = st.none() | st.just("friendly")
_WINDOWS = st.builds(lambda start, hours: Window(start * 30, min(1440, start * 30 + 60 * hours)), st.integers(0, 44), st.integers(1, 24))
_EVENTS = st.builds(
    Event,
    st.integers(0, 24 * 90),
    st.sampled_from(("pay", "part", "due", "hold", "release", "hold_invoice", "release_invoice", "void", "reopen", "reached")),
    st.integers(0, 3),
    st.integers(-30, 60),
)
_CONTACTS = st.builds(
    Contact,
    name=st.just("Ørsted & Søn"),
    email=st.none() | st.just("ap@acme.example"),
    phone=st.none() | st.just("+431234567"),
    timezone=st.none() | ZONES,
)
LIVES = st.builds(
    Life,
    policies(),
    _CONTACTS,
    st.lists(st.tuples(st.integers(1, 100_000), st.integers(-60, 30)), min_size=1, max_size=4).map(tuple),
    st.lists(_EVENTS, max_size=6).map(lambda events: tuple(sorted(events, key=lambda event: event.hours))),
)


def lived(life: Life) -> Sequence[Moment]:
    """All of it, to the end; holds are lifted 120 days after the start, so that nothing waits for ever."""
    return list(_Living(life).moments())


class _Living:
    def __init__(self, life: Life) -> None:
        self.life = life
        self.case = Case(Profile(SEEN.customer))
        self.snapshots = [
            replace(
                SEEN,
                invoice_id=f"in_{number}",
                number=f"R-{number}",
                total=owed,
                amount_due=owed,
                due=START.date() + timedelta(days=days),
                stamp=START,
                contact=life.contact,
            )
            for number, (owed, days) in enumerate(life.owed)
        ]

    def policy_of(self, _: Invoice) -> Policy:
        return self.life.policy

    def moments(self) -> Iterator[Moment]:
        for snapshot in self.snapshots:
            self._record(snapshot, START)
        self.case = rearmed(self.case, START)
        yield Moment(START, self.case)
        at = START
        for event in (*self.life.events, Event(24 * 120, "lift", 0, 0)):
            happens = START + timedelta(hours=event.hours)
            yield from self._turns(at, happens)
            at = happens
            self._happen(event, at)
            yield Moment(at, self.case, event=event)
        yield from self._turns(at, END)

    def _turns(self, now: datetime, until: datetime) -> Iterator[Moment]:
        for turn in turns(self.case, self.policy_of, now, until):
            self.case = turn.case
            yield Moment(turn.at, self.case, turn=turn)

    def _record(self, snapshot: Snapshot, at: datetime) -> None:
        recorder = Recorder(self.policy_of, frozenset(), at, "test")
        self.case = recorder.record(self.case, replace(snapshot, stamp=at), fetched=True).case

    def _happen(self, event: Event, at: datetime) -> None:
        number = event.invoice % len(self.snapshots)
        seen, invoice = self.snapshots[number], self.case.invoices[f"in_{number}"]
        changed = _changed(seen, event)
        if changed is not None:
            self.snapshots[number] = changed
            self._record(changed, at)
        elif event.what == "hold":
            until = at + timedelta(days=event.number) if event.number > 0 else None
            self.case, _ = hold_case(self.case, HoldKind.REPLY, Hold(at, until), "test")
        elif event.what == "hold_invoice" and invoice.is_open:
            until = at + timedelta(days=event.number) if event.number > 0 else None
            self.case, _ = hold_invoice(self.case, invoice, HoldKind.DISPUTE, Hold(at, until), "test")
        elif event.what in ("release", "lift"):
            self.case, _ = release_case(self.case, HoldKind.REPLY, "test", at, "test")
        if event.what in ("release_invoice", "lift"):
            for one in list(self.case.invoices.values()) if event.what == "lift" else [invoice]:
                self.case, _ = release_invoice(self.case, one, HoldKind.DISPUTE, "test", at, "test")
        self.case = rearmed(self.case, at)


def _changed(seen: Snapshot, event: Event) -> Snapshot | None:
    """The invoice as its source shows it after the event; None when its source has no part in it."""
    match event.what:
        case "pay":
            return replace(seen, status=Status.PAID, amount_due=0)
        case "void":
            return replace(seen, status=Status.VOID)
        case "reopen":
            return replace(seen, status=Status.OPEN, amount_due=seen.total)
        case "part":
            return replace(seen, amount_due=max(1, seen.amount_due // 2))
        case "due":
            return replace(seen, due=START.date() + timedelta(days=event.number))
        case "reached":
            return replace(seen, contact=replace(seen.contact, phone="+431234567", email="ap@acme.example"))
    return None
