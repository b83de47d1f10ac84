"""When an invoice's next step is due, by its policy: pure functions of (invoice, contact, policy, now)."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dunning.domain.calendar import at_local, local_date, window_of, zone_of
from dunning.domain.country_zones import zone_of_contact
from dunning.domain.invoice import Contact, Invoice
from dunning.domain.money import minor_units
from dunning.domain.moving import is_allowed, moved_to_workday
from dunning.domain.policy import AfterDue, AfterPrevious, BeforeDue, BusinessDays, CatchUp, Policy, Step, Window
from dunning.domain.recipients import templates_of
from dunning.domain.work_calendar import EVERY_DAY, WorkCalendar, plus_workdays

RIDES_WITH_PARENT = "rides_with_parent"
"""Why a late fee's own invoice is not reminded about by itself."""

BELOW_MINIMUM = "below_minimum_balance"
"""Why a small sum is not reminded about."""


@dataclass(frozen=True, slots=True)
class Upcoming:
    """The next step and its instant (UTC); `missed` are the steps that can no longer come true and are passed over."""

    step: Step | None
    at: datetime | None
    missed: tuple[Step, ...] = ()


def customer_zone(contact: Contact, policy: Policy) -> ZoneInfo:
    """The zone in which a customer's days and hours are counted."""
    return zone_of_contact(contact, policy.timezone)


def channels_of(step: Step, contact: Contact) -> tuple[str, ...]:
    """The channels on which this step will really write to this customer."""
    return tuple(templates_of(step, contact))


def window_for(step: Step, contact: Contact, policy: Policy) -> Window:
    """The hours in which this step may run; our own people may be told at any hour."""
    return window_of(channels_of(step, contact), policy.send_window)


def calendar_of(step: Step, policy: Policy) -> WorkCalendar:
    """The days on which this step may run: customers are left alone on weekends and holidays, our own people are told on any day."""
    return policy.calendar if step.is_message else EVERY_DAY


def effective_due_date(invoice: Invoice, policy: Policy) -> date | None:
    """The due date, or the one that the policy derives from the day of issue: as all dates of a source, in the policy's zone."""
    if invoice.due_date or policy.no_due_date_after is None or invoice.issued_at is None:
        return invoice.due_date
    return local_date(invoice.issued_at, zone_of(None, policy.timezone)) + timedelta(days=policy.no_due_date_after)


def not_chased_because(invoice: Invoice, policy: Policy, balance: int) -> str | None:
    """Why an open invoice is recorded but not reminded about; None when its plan runs.

    `balance` (minor units) is what the policy's minimum is measured against (`balances.balance_for`).
    """
    reason = left_alone_because(invoice, policy)
    if reason is not None:
        return reason
    return BELOW_MINIMUM if balance < minimum_of(policy, invoice.currency) else None


def minimum_of(policy: Policy, currency: str) -> int:
    """The smallest balance worth a reminder, in minor units."""
    minimum = policy.minimum_balance.get(currency)
    return minor_units(policy.default_minimum, currency) if minimum is None else minimum


def left_alone_because(invoice: Invoice, policy: Policy) -> str | None:
    """The same, for reasons of the invoice's own, however large or small."""
    if invoice.is_fee:
        return RIDES_WITH_PARENT
    if invoice.collects_automatically and not policy.remind_charge_automatically:
        return "charge_automatically"
    if effective_due_date(invoice, policy) is None:
        return "no_due_date"
    if invoice.amount_due <= 0:
        return "nothing_due"
    return None


def upcoming(invoice: Invoice, contact: Contact, policy: Policy, now: datetime) -> Upcoming:
    """What comes next for an open invoice, and when; never in the past."""
    zone = customer_zone(contact, policy)
    due = effective_due_date(invoice, policy)
    if due is None or invoice.escalated:
        return Upcoming(None, None)
    due = max(due, invoice.counts_from or due)
    anchor = invoice.anchor_at
    missed: list[Step] = []
    for step in policy.steps[steps_behind(invoice, policy) :]:
        window = window_for(step, contact, policy)
        named = _planned(step, contact, policy, zone, due, anchor, now, invoice.last_reminder_at)
        at = moved_to_workday(named, window, zone, calendar_of(step, policy), own_time(step))
        if at >= now:
            return Upcoming(step, at, tuple(missed))
        if isinstance(step.at, BeforeDue) and local_date(at, zone) < local_date(now, zone):
            missed.append(step)
            anchor = now
            continue
        if policy.catch_up is CatchUp.LATEST:
            latest, passed = _latest(step, policy, due, zone, now)
            missed += passed
            window = window_for(latest, contact, policy)
        else:
            latest = step
        return Upcoming(latest, _overdue(latest, window, zone, calendar_of(latest, policy), now), tuple(missed))
    return Upcoming(None, None, tuple(missed))


def named_instant(step: Step, invoice: Invoice, contact: Contact, policy: Policy, now: datetime) -> datetime | None:
    """The instant that the plan names for a step, before days of rest and hours move it; None without a due date."""
    due = effective_due_date(invoice, policy)
    if due is None:
        return None
    zone = customer_zone(contact, policy)
    due = max(due, invoice.counts_from or due)
    return _planned(step, contact, policy, zone, due, invoice.anchor_at, now, invoice.last_reminder_at)


def steps_behind(invoice: Invoice, policy: Policy) -> int:
    """How many steps of the policy lie behind: by the last step's name; when the policy dropped it, all before the one that was
    to come; when it dropped both, as many as there were.
    """
    behind = policy.position(invoice.last_step)
    if behind or not invoice.level:
        return behind
    ahead = policy.position(invoice.next_step)
    return ahead - 1 if ahead else min(invoice.level, len(policy.steps))


def may_run(step: Step, contact: Contact, policy: Policy, now: datetime) -> bool:
    """Whether the hour allows this step now."""
    return is_allowed(now, window_for(step, contact, policy), customer_zone(contact, policy), calendar_of(step, policy))


def days_overdue(invoice: Invoice, contact: Contact, policy: Policy, now: datetime) -> int:
    """Whole local days since the due date; negative before it, 0 without one."""
    zone = customer_zone(contact, policy)
    due = effective_due_date(invoice, policy)
    return (local_date(now, zone) - due).days if due else 0


def day_ends(step: Step, invoice: Invoice, contact: Contact, policy: Policy) -> datetime | None:
    """The instant (UTC) from which a step before the due date is not run any more: that day is over there. None: it may always run."""
    due = effective_due_date(invoice, policy)
    if due is None or not isinstance(step.at, BeforeDue):
        return None
    return at_local(due + timedelta(days=1), time.min, customer_zone(contact, policy))


def has_passed(step: Step, invoice: Invoice, contact: Contact, policy: Policy, now: datetime) -> bool:
    """Whether a step before the due date comes too late."""
    ends = day_ends(step, invoice, contact, policy)
    return ends is not None and now >= ends


def own_time(step: Step) -> time | None:
    """The local time of day that a step names; None for one that follows another by the clock."""
    return step.at.time


def _planned(
    step: Step,
    contact: Contact,
    policy: Policy,
    zone: ZoneInfo,
    due: date,
    anchor: datetime | None,
    now: datetime,
    reminded: datetime | None,
) -> datetime:
    """The instant the plan names, counted from what really happened, but never ahead of a due date that moved.

    Two steps that the plan puts on different days stay on different days, wherever a day of rest or the hours moved the first.
    """
    by_date = _by_due_date(step, policy, due, zone)
    if isinstance(step.at, AfterPrevious):
        return max(_after_anchor(step.at, anchor or now, policy, zone), by_date)
    position = policy.position(step.id)
    if anchor is None or position < 2:
        return by_date
    before = policy.steps[position - 2]
    apart = local_date(by_date, zone) > local_date(_by_due_date(before, policy, due, zone), zone)
    if isinstance(before.at, BeforeDue):
        # One that was passed over says nothing; only what went out keeps the next off its day.
        if not apart or reminded is None or reminded != anchor:
            return by_date
        return max(by_date, at_local(local_date(reminded, zone) + timedelta(days=1), step.at.time, zone))
    # DESIGN §7, catching up: where the step before ran late, the plan's days between the two are kept.
    window = window_for(before, contact, policy)
    before_at = moved_to_workday(_by_due_date(before, policy, due, zone), window, zone, calendar_of(before, policy), own_time(before))
    ran_late = local_date(anchor, zone) > local_date(before_at, zone)
    # What catches up takes a day a step, also where the plan has two on one.
    gap = max(local_date(by_date, zone) - local_date(before_at, zone), timedelta(days=1 if ran_late or apart else 0))
    return max(by_date, at_local(local_date(anchor, zone) + gap, step.at.time, zone))


def _by_due_date(step: Step, policy: Policy, due: date, zone: ZoneInfo) -> datetime:
    """The instant if every step before had run to the minute."""
    following: list[AfterPrevious] = []
    for earlier in reversed(policy.steps[: policy.position(step.id)]):
        if not isinstance(earlier.at, AfterPrevious):
            at = at_local(_offset(earlier.at, due, policy), earlier.at.time, zone)
            break
        following.append(earlier.at)
    else:
        at = at_local(due, time(), zone)
    for timing in reversed(following):
        at = _after_anchor(timing, at, policy, zone)
    return at


def _offset(timing: BeforeDue | AfterDue, due: date, policy: Policy) -> date:
    days = -timing.days if isinstance(timing, BeforeDue) else timing.days
    return plus_workdays(due, days, policy.calendar) if timing.business else due + timedelta(days=days)


def _after_anchor(timing: AfterPrevious, anchor: datetime, policy: Policy, zone: ZoneInfo) -> datetime:
    """Hours and minutes elapse; days count local dates, at the step's own time or the anchor's."""
    if timing.days is None:
        return anchor + timing.delay
    day = local_date(anchor, zone)
    later = (
        plus_workdays(day, timing.days.count, policy.calendar)
        if isinstance(timing.days, BusinessDays)
        else day + timedelta(timing.days.count)
    )
    return at_local(later, timing.time or anchor.astimezone(zone).time(), zone)


def _latest(step: Step, policy: Policy, due: date, zone: ZoneInfo, now: datetime) -> tuple[Step, list[Step]]:
    """Catching up by `latest`: the last message whose day has passed, and the steps passed over; never a fee or an escalation."""
    first = policy.position(step.id) - 1
    overdue = [later for later in policy.steps[first:] if _by_due_date(later, policy, due, zone) <= now]
    messages = [later for later in overdue if _is_plain_message(later)]
    latest = messages[-1] if messages else step
    return latest, list(policy.steps[first : policy.position(latest.id) - 1])


def is_outrun(invoice: Invoice, step: Step, contact: Contact, policy: Policy, now: datetime) -> bool:
    """Whether a step that waited past its day is by now followed by a later message, which `catch_up: latest` sends in its place.

    What would have run meanwhile is counted from the instant at which this step should have.
    """
    zone, due, at = customer_zone(contact, policy), effective_due_date(invoice, policy), invoice.next_at
    if policy.catch_up is not CatchUp.LATEST or due is None or at is None or local_date(at, zone) >= local_date(now, zone):
        return False
    due = max(due, invoice.counts_from or due)
    for later in policy.steps[policy.position(step.id) :]:
        at = _planned(later, contact, policy, zone, due, at, now, None)
        if at > now:
            return False
        if _is_plain_message(later):
            return True
    return False


def _is_plain_message(step: Step) -> bool:
    return step.is_message and not step.escalate and step.late_fee is None


def _overdue(step: Step, window: Window, zone: ZoneInfo, calendar: WorkCalendar, now: datetime) -> datetime:
    """An overdue step runs today at its time if that is still ahead, else on the next allowed occasion."""
    if isinstance(step.at, AfterPrevious):
        return moved_to_workday(now, window, zone, calendar, step.at.time)
    today_at = at_local(local_date(now, zone), step.at.time, zone)
    return moved_to_workday(max(today_at, now), window, zone, calendar, step.at.time)
