"""The life of one customer's invoices under a generated policy: payments, changes and holds over months, played in memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from dunning.domain.approval import waits_for_approval
from dunning.domain.case import Case, Profile
from dunning.domain.customer_settings import CustomerSettings, Person
from dunning.domain.fees import Amounts, Basis, FeeMode, LateFee
from dunning.domain.holding import hold_case, hold_invoice, release_case, release_invoice
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import ApprovalState, Contact, Invoice, Snapshot, Status
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
LIFTED = 24 * 120
"""Hours after the start at which all holds end; whatever a person is asked from then on is approved at once."""
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
def _message_step(draw: st.DrawFn, name: str, at: Timing, to: tuple[str, ...], cc: tuple[str, ...]) -> Step:
    """A step that writes, to whom and on what conditions so ever."""
    return Step(
        name,
        at,
        draw(st.sampled_from((None, None, None, _half, _never))),
        "made up",
        "friendly",
        draw(_SMS),
        email_to=to,
        email_cc=cc,
        sender=draw(st.sampled_from((None, "owner"))),
        late_fee=draw(_FEES),
        approve_above=draw(_LIMITS),
        email_instead="friendly",
        sms_instead="friendly",
    )


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
    to = draw(st.sampled_from(((), (), ("billing",), ("manager", "billing"))))
    cc = draw(st.sampled_from(((), (), ("owner",), ("manager", "boss@us.example"))))
    steps = [draw(_message_step(f"s{number}", at, to, cc)) for number, at in enumerate(timings)]
    if draw(st.booleans()):
        last = AfterPrevious(timedelta(hours=draw(st.integers(1, 100))))
        steps.append(Step("end", last, escalate="collections", late_fee=draw(_FEES), approve_above=draw(_LIMITS)))
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


_FEES = st.sampled_from((None, None, None, FeeMode.PROPOSE, FeeMode.APPLY)).map(
    lambda mode: None if mode is None else LateFee(Basis.CONTRACT, mode, fixed=Amounts({"EUR": 5_00}), percent=Decimal("1.5"))
)
_LIMITS = st.sampled_from((None, None, None, 0, 20_000)).map(lambda limit: None if limit is None else Amounts({"EUR": limit}))
_GAPS: tuple[Span, ...] = (timedelta(), timedelta(hours=30), Days(1), Days(3), BusinessDays(1))
_SMS = st.none() | st.just("friendly")
_WINDOWS = st.builds(lambda start, hours: Window(start * 30, min(1440, start * 30 + 60 * hours)), st.integers(0, 44), st.integers(1, 24))
_EVENTS = st.builds(
    Event,
    st.integers(0, 24 * 90),
    st.sampled_from(
        ("pay", "part", "due", "hold", "release", "hold_invoice", "release_invoice", "void", "reopen", "reached", "answer", "away")
    ),
    st.integers(0, 3),
    st.integers(-30, 60),
)
_CONTACTS = st.builds(
    Contact,
    name=st.just("Ørsted & Søn"),
    email=st.none() | st.just("ap@acme.example"),
    phone=st.none() | st.just("+431234567"),
    timezone=st.none() | ZONES,
    settings=st.none()
    | st.builds(
        CustomerSettings,
        prefers=st.sampled_from((None, None, "email", "sms")),
        owner=st.none() | st.just("ann@us.example"),
        owner_name=st.none() | st.just("Ann"),
        people=st.sampled_from(
            (
                (),
                (Person("billing", "billing@acme.example"),),
                (Person("billing", "AP@acme.example"), Person("manager", "cfo@acme.example")),
            )
        ),
    ),
)
LIVES = st.builds(
    Life,
    policies(),
    _CONTACTS,
    st.lists(st.tuples(st.integers(1, 100_000), st.integers(-60, 30)), min_size=1, max_size=4).map(tuple),
    st.lists(_EVENTS, max_size=6).map(lambda events: tuple(sorted(events, key=lambda event: event.hours))),
)


def lived(life: Life) -> Sequence[Moment]:
    """All of it, to the end; nothing waits for ever for a person (`LIFTED`)."""
    return list(_Living(life).moments())


class _Living:
    def __init__(self, life: Life) -> None:
        self.life = life
        self.away_until = START
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
        self.case = rearmed(self.case, START, self.policy_of)
        yield Moment(START, self.case)
        at = START
        for event in (*self.life.events, Event(LIFTED, "lift", 0, 0)):
            happens = START + timedelta(hours=event.hours)
            yield from self._turns(at, happens)
            at = happens
            self._happen(event, at)
            yield Moment(at, self.case, event=event)
        yield from self._turns(at, END)

    def _turns(self, now: datetime, until: datetime) -> Iterator[Moment]:
        """What our workers do between two events, unless they are away."""
        now = max(now, self.away_until)
        while now < until:
            for turn in turns(self.case, self.policy_of, now, until):
                self.case = turn.case
                yield Moment(turn.at, self.case, turn=turn)
                waiting = [invoice for invoice in self.case.invoices.values() if invoice.is_open and waits_for_approval(invoice)]
                if waiting and turn.at >= START + timedelta(hours=LIFTED):
                    self._answer(waiting, ApprovalState.APPROVED, turn.at)
                    now = turn.at
                    break
            else:
                return

    def _answer(self, waiting: Sequence[Invoice], answer: ApprovalState, at: datetime) -> None:
        """A person says something of what waits for approval."""
        for invoice in waiting:
            if invoice.approval is not None and invoice.next_at is not None:
                said = replace(invoice, approval=replace(invoice.approval, state=answer), next_at=max(invoice.next_at, at))
                self.case = self.case.with_invoice(said)
        self.case = rearmed(self.case, at, self.policy_of)

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
        elif event.what == "away":
            self.away_until = max(self.away_until, at + timedelta(days=max(0, event.number) % 12))
        if event.what in ("answer", "lift"):
            waiting = [one for one in self.case.invoices.values() if one.is_open and waits_for_approval(one)]
            declined = event.what == "answer" and event.number % 2
            self._answer(waiting, ApprovalState.DECLINED if declined else ApprovalState.APPROVED, at)
        if event.what in ("release_invoice", "lift"):
            for one in list(self.case.invoices.values()) if event.what == "lift" else [invoice]:
                self.case, _ = release_invoice(self.case, one, HoldKind.DISPUTE, "test", at, "test")
        self.case = rearmed(self.case, at, self.policy_of)


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
