"""What keeps a customer's next step from happening sooner, in words. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dunning.domain.calendar import at_local, is_open, local_date
from dunning.domain.case import Case
from dunning.domain.consolidation import PolicyOf, pauses
from dunning.domain.holds import HoldKind, Holds
from dunning.domain.invoice import Invoice
from dunning.domain.moving import moved_to_workday
from dunning.domain.netting import COVERED
from dunning.domain.policy import ALL_DAY, Step, Window
from dunning.domain.timing import RIDES_WITH_PARENT, calendar_of, customer_zone, named_instant, own_time, window_for
from dunning.domain.work_calendar import EVERY_DAY, WorkCalendar, closed_because

_ONE_DAY = timedelta(days=1)

SILENT = {
    "charge_automatically": "its source charges it by itself",
    "no_due_date": "it has no due date",
    "nothing_due": "nothing is owed",
    "below_minimum_balance": "it is below the smallest sum that the policy reminds about",
    "first_contacts_per_day": "no place was left among the day's first contacts",
    RIDES_WITH_PARENT: "it is a late fee, told of in the messages about the invoice that it was charged on",
    COVERED: "the customer's credit covers it; it is looked at again",
}
"""Why an invoice is not reminded about, by the name under which that is kept."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why something does not happen sooner, and until when (UTC; None: until somebody ends it)."""

    words: str
    until: datetime | None = None


def of_the_case(case: Case, now: datetime) -> Iterator[Obstacle]:
    """What keeps back all of a customer's invoices."""
    profile = case.profile
    yield from of_holds(profile.holds)
    for dispute in sorted(profile.disputes.values(), key=lambda one: (one.stamp, one.id)):
        if dispute.is_open:
            yield Obstacle(f"a payment is disputed since {_day(dispute.stamp)}")
    if profile.is_not_chased:
        yield Obstacle("the customer is marked do_not_chase: the team is told of each invoice when its step would have run")
    if profile.claimed_at(now) and profile.claim:
        yield Obstacle("it is being worked on, or the outcome of the last attempt is not known yet", profile.claim.until)
    elif profile.claim and profile.claim.mail_at and profile.claim.mail_at > now:
        yield Obstacle("others' mail goes first, for SES takes only so much a second", profile.claim.mail_at)
    elif profile.retries and profile.due_at and profile.due_at > now:
        times = "once" if profile.retries == 1 else f"{profile.retries} times"
        why = "sending was refused or others' mail went first, or the source could not be asked"
        yield Obstacle(f"{why}, {times}; it is tried again", profile.due_at)


def of_holds(holds: Holds) -> Iterator[Obstacle]:
    """The holds of a case or of an invoice, the oldest first."""
    for kind, hold in sorted(holds.items(), key=lambda one: (one[1].since, one[0])):
        reason = f": {hold.reason}" if hold.reason else ""
        ends_by_itself = kind is HoldKind.OPERATOR and hold.until is not None
        yield Obstacle(f"on hold since {_day(hold.since)}{'' if ends_by_itself else f', {_HOLDS[kind]}'}{reason}", hold.until)


_HOLDS = {
    HoldKind.DISPUTE: "for a dispute",
    HoldKind.PROMISE: "for a promise to pay",
    HoldKind.PARTIAL_PAYMENT: "after a partial payment",
    HoldKind.REPLY: "for the customer answered",
    HoldKind.OPERATOR: "until a person releases it",
    HoldKind.PARKED: "until a person mends what no retry could, and runs `dunning redrive`",
    HoldKind.STALE_DATA: "for its source could not be asked",
    HoldKind.UNDELIVERABLE: "for mail does not arrive",
}


def of_the_plan(case: Case, invoice: Invoice, step: Step, policy_of: PolicyOf, now: datetime, comes: datetime | None) -> Iterator[Obstacle]:
    """What lies between the instant that the plan names and the one at which the step comes (UTC; None: as it stands now)."""
    policy = policy_of(invoice)
    if invoice.suppressed_for:
        yield Obstacle(SILENT.get(invoice.suppressed_for, invoice.suppressed_for), invoice.next_at)
    contact, zone = case.profile.reach, customer_zone(case.profile.contact, policy)
    named = named_instant(step, invoice, contact, policy, now)
    if named is None or invoice.next_at is None:
        return
    stands = max(invoice.next_at, comes or invoice.next_at)
    if named >= stands:
        return
    allowed = _Allowed(window_for(step, contact, policy), zone, calendar_of(step, policy), own_time(step))
    reminded = case.profile.reminded_at
    # Without a gap the pause ends with the reminder itself, and has kept nothing back.
    paused = [
        pause
        for pause in (pauses(reminded, policy, case, policy_of) if step.is_message else ())
        if max(now, named, *reminded) < pause.until <= stands
    ]
    held = [hold.until for hold in (*case.profile.holds.values(), *invoice.holds.values()) if hold.until and hold.until > now]
    closed = closed_because(local_date(named, zone), allowed.calendar)
    opens = allowed.on_any_day(named) if not closed and not is_open(named, allowed.window, zone) else None
    if opens:
        yield Obstacle(f"{named.astimezone(zone):%H:%M} lies outside the hours {_hours(allowed.window)}", opens)
    yield from (Obstacle(pause.reason, pause.until) for pause in paused)
    if named < now and not is_open(now, allowed.window, zone) and opens != allowed.on_any_day(now):
        yield Obstacle(f"it is {now.astimezone(zone):%H:%M} there, outside the hours {_hours(allowed.window)}", allowed.on_any_day(now))
    yield from allowed.rest([max(named, now), named, *held, *(allowed.at_its_time(pause.until) for pause in paused)], now, stands)
    if allowed.window == ALL_DAY and not closed and named < invoice.stamp <= stands:
        yield Obstacle("its day had passed when it became known; it comes on the next occasion", stands)


@dataclass(frozen=True, slots=True)
class _Allowed:
    """When a step may run: hours and days where the customer is, and the time of day that the step names."""

    window: Window
    zone: ZoneInfo
    calendar: WorkCalendar
    time: time | None

    def on_any_day(self, at: datetime) -> datetime:
        """The first instant from `at` on that the hours allow, whatever day it is."""
        return moved_to_workday(at, self.window, self.zone, EVERY_DAY, self.time)

    def at_its_time(self, at: datetime) -> datetime:
        """Not before the step's own time on that day."""
        return max(at, at_local(local_date(at, self.zone), self.time, self.zone)) if self.time else at

    def rest(self, starts: Sequence[datetime], now: datetime, stands: datetime) -> Iterator[Obstacle]:
        """The days of rest that move a step on from one of these instants, if that is over after `now` and not after `stands`."""
        days: dict[date, str] = {}
        until = now
        for start in starts:
            moved = moved_to_workday(start, self.window, self.zone, self.calendar, self.time)
            if not now < moved <= stands:
                continue
            day, last = local_date(self.on_any_day(start), self.zone), local_date(moved, self.zone)
            while day < last:
                if closed := closed_because(day, self.calendar):
                    days[day], until = closed, max(until, moved)
                day += _ONE_DAY
        if days:
            yield Obstacle(_no_working_days(days), until)


def _no_working_days(days: Mapping[date, str]) -> str:
    """As "no working days there: Friday 3 April (Good Friday), Saturday 4 April to Sunday 5 April (weekend)"."""
    spans: list[tuple[date, date, str]] = []
    for day in sorted(days):
        if spans and spans[-1][1] + _ONE_DAY == day and spans[-1][2] == days[day]:
            spans[-1] = (spans[-1][0], day, days[day])
        else:
            spans.append((day, day, days[day]))
    if len(days) == 1:
        (first, _, reason), *_ = spans
        return f"{first:%A} {_day(first)} is no working day there ({reason})"
    last = len(spans) - 1
    return "no working days there: " + ", ".join(_span(span, with_year=place == last) for place, span in enumerate(spans))


def _span(span: tuple[date, date, str], *, with_year: bool) -> str:
    first, last, reason = span
    begins = f"{first:%A} {first.day} {first:%B} to " if first < last else ""
    return f"{begins}{last:%A} {last.day} {last:%B}{f' {last.year}' if with_year else ''} ({reason})"


def _hours(window: Window) -> str:
    return "-".join(f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in (window.start, window.end))


def _day(at: date) -> str:
    return f"{at.day} {at:%B} {at.year}"
