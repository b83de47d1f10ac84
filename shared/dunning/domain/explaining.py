"""What happens next for a customer, when, and why; and why not sooner. Pure: the command line and a console show the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.domain.approval import waits_for_approval
from dunning.domain.calendar import is_open, local_date, minutes_of_day
from dunning.domain.case import Case
from dunning.domain.consolidation import PolicyOf, pauses
from dunning.domain.evolving import replace
from dunning.domain.holds import HoldKind, Holds
from dunning.domain.invoice import Invoice
from dunning.domain.netting import COVERED
from dunning.domain.planning import task_key, timing_in_words
from dunning.domain.policy import ALL_DAY, Policy, Step
from dunning.domain.rehearsing import turns
from dunning.domain.timing import calendar_of, channels_of, customer_zone, effective_due_date, named_instant, window_for
from dunning.domain.work_calendar import closed_because
from dunning.domain.works import Verdict, Work

_AHEAD = timedelta(days=400)
_SILENT = {
    "charge_automatically": "its source charges it by itself",
    "no_due_date": "it has no due date",
    "nothing_due": "nothing is owed",
    "below_minimum_balance": "it is below the smallest sum that the policy reminds about",
    "first_contacts_per_day": "no place was left among the day's first contacts",
    COVERED: "the customer's credit covers it; it is looked at again",
}


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why something does not happen sooner, and until when (UTC; None: until somebody ends it)."""

    words: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """What happens next to one invoice (`invoice` is the source's bare id), and why.

    `at` is UTC; None when nothing will, or not until somebody ends what holds it: then `if_released` says when it would if
    that were now. `timezone` is the one in which the customer's days and hours are counted.
    """

    invoice: str
    number: str
    timezone: str
    what: str
    why: str
    step: str | None = None
    at: datetime | None = None
    if_released: datetime | None = None
    not_sooner: tuple[Obstacle, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A customer's case as it stands at `now` (UTC). `obstacles` concern all of it."""

    customer: str
    now: datetime
    obstacles: tuple[Obstacle, ...]
    next: tuple[Next, ...]


@dataclass(frozen=True, slots=True)
class _Fate:
    """What a rehearsal found for one invoice: the first work that is more than a delay, and the delays before."""

    at: datetime
    work: Work
    delays: tuple[Work, ...]


def explain(case: Case, policy_of: PolicyOf, now: datetime) -> Explanation:
    """What comes next for every invoice that is open or to be thanked for. Raises Permanent for a case that cannot be decided."""
    fates = _fates(_released(case), policy_of, now)
    told = [
        _next(case, invoice, policy_of(invoice), fates.get(invoice.id), now)
        for invoice in sorted(case.invoices.values(), key=lambda one: (one.due_date or one.stamp.date(), one.number))
        if invoice.is_open or invoice.thanks_at
    ]
    return Explanation(case.profile.customer, now, tuple(_of_the_case(case, now)), tuple(told))


def _released(case: Case) -> Case:
    """The case without what only somebody can end."""
    disputes = {name: replace(dispute, is_open=False) for name, dispute in case.profile.disputes.items()}
    profile = replace(case.profile, do_not_chase=False, holds=_ending(case.profile.holds), disputes=disputes, claim=None)
    return replace(case, profile=profile, invoices={name: replace(one, holds=_ending(one.holds)) for name, one in case.invoices.items()})


def _ending(holds: Holds) -> Holds:
    return {kind: hold for kind, hold in holds.items() if hold.until is not None}


def _fates(case: Case, policy_of: PolicyOf, now: datetime) -> Mapping[str, _Fate]:
    waiting = {invoice.id for invoice in case.invoices.values() if (invoice.is_open and invoice.next_at) or invoice.thanks_at}
    delays: dict[str, list[Work]] = {}
    found: dict[str, _Fate] = {}
    for turn in turns(case, policy_of, now, now + _AHEAD):
        for work in turn.works:
            if work.invoice not in waiting:
                continue
            if work.verdict in (Verdict.MOVE, Verdict.SUPPRESS):
                delays.setdefault(work.invoice, []).append(work)
            else:
                found.setdefault(work.invoice, _Fate(turn.at, work, tuple(delays.get(work.invoice, ()))))
        if waiting <= found.keys():
            break
    return found


def _next(case: Case, invoice: Invoice, policy: Policy, fate: _Fate | None, now: datetime) -> Next:
    zone = customer_zone(case.profile.contact, policy).key
    step = next((step for step in policy.steps if step.id == invoice.next_step), None)
    if not invoice.is_open:
        return Next(
            invoice.id, invoice.number, zone, "mail to say thank you", "it was paid after a reminder", None, fate.at if fate else None
        )
    if step is None or invoice.next_at is None:
        what, why, at = _no_step(case, invoice)
        return Next(invoice.id, invoice.number, zone, what, why, at=at)
    approval = [Obstacle("a person has not approved it yet")] if waits_for_approval(invoice) else []
    obstacles = (*approval, *_of_holds(invoice.holds), *_of_the_plan(case, invoice, step, policy, now), *_of_the_rehearsal(fate))
    blocked = _is_blocked(case, invoice)
    at = fate.at if fate else None
    return Next(
        invoice.id,
        invoice.number,
        zone,
        _what(step, case, fate),
        _why(invoice, step, policy, fate),
        step.id,
        None if blocked else at,
        at if blocked else None,
        tuple({obstacle.words: obstacle for obstacle in obstacles}.values()),
    )


def _no_step(case: Case, invoice: Invoice) -> tuple[str, str, datetime | None]:
    if invoice.suppressed_for:
        return "nothing", _SILENT.get(invoice.suppressed_for, invoice.suppressed_for), None
    if invoice.escalated:
        return "nothing automatic", "it was handed over to our own people", None
    notice = case.profile.notices.get(task_key(invoice.id))
    if notice is not None:
        return "the team is told", notice.reason, notice.at
    return "nothing", "its plan has ended, and the team was told", None


def _what(step: Step, case: Case, fate: _Fate | None) -> str:
    if fate is not None and fate.work.verdict is Verdict.SKIP:
        return f"the step {step.id} is skipped"
    if fate is not None and fate.work.verdict is Verdict.ASK:
        return f"a person is asked to approve the step {step.id}"
    channels = channels_of(step, case.profile.reach)
    parts = [f"mail {step.email}"] if "email" in channels else []
    parts += [f"SMS {step.sms}"] if "sms" in channels else []
    if step.is_message and not parts:
        parts = ["nothing, for the customer has no address for it"]
    parts += [f"handed over to the team {step.escalate}"] if step.escalate else []
    parts += ["late fee"] if step.late_fee else []
    return " and ".join(parts)


def _why(invoice: Invoice, step: Step, policy: Policy, fate: _Fate | None) -> str:
    if fate is not None and fate.work.verdict is Verdict.SKIP:
        return fate.work.reason
    due = effective_due_date(invoice, policy)
    after = f" ({due.day} {due:%B} {due.year})" if due and "due date" in timing_in_words(step) else ""
    before = f" ({invoice.last_step})" if invoice.last_step and "step before" in timing_in_words(step) else ""
    return timing_in_words(step) + after + before + (f"; only if {step.condition_text}" if step.condition_text else "")


def _of_the_case(case: Case, now: datetime) -> Iterator[Obstacle]:
    profile = case.profile
    yield from _of_holds(profile.holds)
    for dispute in profile.disputes.values():
        if dispute.is_open:
            yield Obstacle(f"a payment is disputed since {_day(dispute.stamp)}")
    if profile.is_not_chased:
        yield Obstacle("the customer is marked do_not_chase")
    if profile.claimed_at(now) and profile.claim:
        yield Obstacle("it is being worked on, or the outcome of the last attempt is not known yet", profile.claim.until)
    elif profile.retries and profile.due_at and profile.due_at > now:
        times = "once" if profile.retries == 1 else f"{profile.retries} times"
        yield Obstacle(f"sending was refused, or the source could not be asked, {times}; it is tried again", profile.due_at)


def _of_holds(holds: Holds) -> Iterator[Obstacle]:
    for kind, hold in holds.items():
        reason = f": {hold.reason}" if hold.reason else ""
        yield Obstacle(f"on hold since {_day(hold.since)}, {_HOLDS[kind]}{reason}", hold.until)


_HOLDS = {
    HoldKind.DISPUTE: "for a dispute",
    HoldKind.PROMISE: "for a promise to pay",
    HoldKind.PARTIAL_PAYMENT: "after a partial payment",
    HoldKind.REPLY: "for the customer answered",
    HoldKind.OPERATOR: "until a person releases it",
    HoldKind.STALE_DATA: "for its source could not be asked",
    HoldKind.UNDELIVERABLE: "for mail does not arrive",
}


def _is_blocked(case: Case, invoice: Invoice) -> bool:
    endless = [hold for hold in (*case.profile.holds.values(), *invoice.holds.values()) if hold.until is None]
    return bool(endless) or case.profile.is_disputed or case.profile.is_not_chased or waits_for_approval(invoice)


def _of_the_plan(case: Case, invoice: Invoice, step: Step, policy: Policy, now: datetime) -> Iterator[Obstacle]:
    """What lies between the instant that the plan names and the one at which the step stands now."""
    if invoice.suppressed_for:
        yield Obstacle(_SILENT.get(invoice.suppressed_for, invoice.suppressed_for), invoice.next_at)
    contact, zone = case.profile.reach, customer_zone(case.profile.contact, policy)
    named, stands = named_instant(step, invoice, contact, policy, now), invoice.next_at
    if named is None or stands is None or named >= stands:
        return
    day, window = local_date(named, zone), window_for(step, contact, policy)
    closed = closed_because(day, calendar_of(step, policy))
    if closed:
        yield Obstacle(f"{day:%A} {_day(named.astimezone(zone))} is no working day there ({closed})", stands)
    elif not is_open(named, window, zone):
        hours = "-".join(f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in (window.start, window.end))
        at = minutes_of_day(named.astimezone(zone))
        yield Obstacle(f"{at // 60:02d}:{at % 60:02d} lies outside the hours {hours}", stands)
    for pause in pauses(case.profile.reminded_at, policy, case) if step.is_message else ():
        if named < pause.until <= stands:
            yield Obstacle(pause.reason, pause.until)
    if window == ALL_DAY and not closed and named < invoice.stamp <= stands:
        yield Obstacle("its day had passed when it became known; it comes on the next occasion", stands)


def _of_the_rehearsal(fate: _Fate | None) -> Iterator[Obstacle]:
    for work in fate.delays if fate else ():
        yield Obstacle(work.reason, work.move_to)


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B} {at.year}"
