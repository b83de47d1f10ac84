"""What keeps a customer's next step from happening sooner, in words. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from dunning.domain.calendar import is_open, local_date
from dunning.domain.case import Case
from dunning.domain.consolidation import PolicyOf, pauses
from dunning.domain.holds import HoldKind, Holds
from dunning.domain.invoice import Invoice
from dunning.domain.netting import COVERED
from dunning.domain.policy import ALL_DAY, Step, Window
from dunning.domain.timing import calendar_of, customer_zone, named_instant, window_for
from dunning.domain.work_calendar import closed_because

SILENT = {
    "charge_automatically": "its source charges it by itself",
    "no_due_date": "it has no due date",
    "nothing_due": "nothing is owed",
    "below_minimum_balance": "it is below the smallest sum that the policy reminds about",
    "first_contacts_per_day": "no place was left among the day's first contacts",
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
    for dispute in profile.disputes.values():
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
        yield Obstacle(f"sending was refused, or the source could not be asked, {times}; it is tried again", profile.due_at)


def of_holds(holds: Holds) -> Iterator[Obstacle]:
    """The holds of a case or of an invoice."""
    for kind, hold in holds.items():
        reason = f": {hold.reason}" if hold.reason else ""
        ends_by_itself = kind is HoldKind.OPERATOR and hold.until is not None
        yield Obstacle(f"on hold since {_day(hold.since)}{'' if ends_by_itself else f', {_HOLDS[kind]}'}{reason}", hold.until)


_HOLDS = {
    HoldKind.DISPUTE: "for a dispute",
    HoldKind.PROMISE: "for a promise to pay",
    HoldKind.PARTIAL_PAYMENT: "after a partial payment",
    HoldKind.REPLY: "for the customer answered",
    HoldKind.OPERATOR: "until a person releases it",
    HoldKind.STALE_DATA: "for its source could not be asked",
    HoldKind.UNDELIVERABLE: "for mail does not arrive",
}


def of_the_plan(case: Case, invoice: Invoice, step: Step, policy_of: PolicyOf, now: datetime) -> Iterator[Obstacle]:
    """What lies between the instant that the plan names and the one at which the step stands now."""
    policy = policy_of(invoice)
    if invoice.suppressed_for:
        yield Obstacle(SILENT.get(invoice.suppressed_for, invoice.suppressed_for), invoice.next_at)
    contact, zone = case.profile.reach, customer_zone(case.profile.contact, policy)
    named, stands = named_instant(step, invoice, contact, policy, now), invoice.next_at
    if named is None or stands is None or named >= stands:
        return
    day, window = local_date(named, zone), window_for(step, contact, policy)
    closed = closed_because(day, calendar_of(step, policy))
    if closed:
        yield Obstacle(f"{day:%A} {_day(named.astimezone(zone))} is no working day there ({closed})", stands)
    elif not is_open(named, window, zone):
        yield Obstacle(f"{named.astimezone(zone):%H:%M} lies outside the hours {_hours(window)}", stands)
    reminded = case.profile.reminded_at
    for pause in pauses(reminded, policy, case, policy_of) if step.is_message else ():
        # Without a gap the pause ends with the reminder itself, and has kept nothing back.
        if max(now, named, *reminded) < pause.until <= stands:
            yield Obstacle(pause.reason, pause.until)
    if named < now and not is_open(now, window, zone):
        yield Obstacle(f"it is {now.astimezone(zone):%H:%M} there, outside the hours {_hours(window)}", stands)
    if window == ALL_DAY and not closed and named < invoice.stamp <= stands:
        yield Obstacle("its day had passed when it became known; it comes on the next occasion", stands)


def _hours(window: Window) -> str:
    return "-".join(f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in (window.start, window.end))


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B} {at.year}"
