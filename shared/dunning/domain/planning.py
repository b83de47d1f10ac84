"""Putting an invoice's plan down: its next step and instant, or the reason why it has none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from dunning.domain import chasing
from dunning.domain.activity import Activity, ActivityType
from dunning.domain.approval import waits_for_approval
from dunning.domain.bounds import with_notice
from dunning.domain.calendar import window_of
from dunning.domain.case import Case, Notice, Profile
from dunning.domain.charging import fees_to_charge, is_moot, is_proposal
from dunning.domain.consolidation import PolicyOf
from dunning.domain.evolving import replace
from dunning.domain.holds import FOR_A_PERSON, HoldKind, ends_of, waits_for_a_person
from dunning.domain.invoice import Contact, Invoice
from dunning.domain.joint_approval import with_questions_reckoned
from dunning.domain.moving import moved_to_workday
from dunning.domain.policy import AfterDue, AfterPrevious, BeforeDue, BusinessDays, Days, Policy, Step
from dunning.domain.timing import BELOW_MINIMUM, customer_zone, day_ends, effective_due_date, not_chased_because, upcoming

LONGEST_BACKOFF = timedelta(hours=1)
MOST_DOUBLINGS = 6
TASK_AFTER = timedelta(hours=72)
"""As long as the brief waits between the last reminder and the team."""

_DUE = "the due date"
_RESTARTED = "the day the plan started again"
_TASK = "plan_ended:"
_QUESTION = "approval:"


def backoff(retries: int) -> timedelta:
    """How long to wait after so many failures in a row: 1, 2, 4 … minutes, an hour at most."""
    return min(LONGEST_BACKOFF, timedelta(minutes=2 ** min(retries, MOST_DOUBLINGS)))


@dataclass(frozen=True, slots=True)
class Planned:
    """An invoice with its plan put down, and what to log of that."""

    invoice: Invoice
    activities: tuple[Activity, ...] = ()


def planned(invoice: Invoice, contact: Contact, policy: Policy, now: datetime, actor: str, balance: int | None = None) -> Planned:
    """Compute what comes next for an open invoice. Missed steps are passed over and logged; so is a new reason for silence.

    `balance` (minor units) is what the policy's minimum is measured against; None: the invoice's own amount.
    """
    reason = not_chased_because(invoice, policy, invoice.amount_due if balance is None else balance)
    if reason is not None and not (invoice.escalated and reason == BELOW_MINIMUM):
        silent = replace(invoice, next_step=None, next_at=None, suppressed_for=reason, plan_revision=policy.revision)
        if invoice.suppressed_for == reason:
            return Planned(silent)
        return Planned(silent, (Activity(now, ActivityType.SUPPRESSED, reason, (invoice.id,), invoice.next_step, actor),))
    coming = upcoming(invoice, contact, policy, now)
    activities = tuple(Activity(now, ActivityType.SKIPPED, "its day had passed", (invoice.id,), step.id, actor) for step in coming.missed)
    behind = coming.missed[-1] if coming.missed else None
    return Planned(
        replace(
            invoice,
            suppressed_for=None,
            level=policy.position(behind.id) if behind else invoice.level,
            last_step=behind.id if behind else invoice.last_step,
            anchor_at=now if behind else invoice.anchor_at,
            next_step=coming.step.id if coming.step else None,
            next_at=coming.at,
            waits_since=invoice.waits_since if coming.at == invoice.next_at else None,
            plan_revision=policy.revision,
        ),
        activities,
    )


def ended(case: Case, before: Invoice | None, after: Invoice, now: datetime, actor: str) -> tuple[Case, list[Activity]]:
    """A plan never ends in silence: unpaid and with nobody in charge, it becomes a task for the team.

    The customer first gets the time to answer the last message. `before` is the invoice as it was; None: it is new.
    """
    had_plan = before is None or before.next_step or before.suppressed_for or not before.is_open
    is_over = after.is_open and not after.next_step and not after.escalated and not after.suppressed_for
    if not had_plan or not is_over:
        return case, []
    reason = f"the plan ended and invoice {after.number} is still unpaid"
    task = Notice(reason, now + TASK_AFTER, (after.id,))
    last = before.next_step if before else None
    logged = Activity(now, ActivityType.PLAN_ENDED, reason, (after.id,), last, actor)
    return case.with_profile(with_notice(case.profile, task_key(after.id), task)), [logged]


def with_thanks(invoice: Invoice, contact: Contact, policy: Policy, now: datetime) -> Invoice:
    """A paid invoice, with the instant to say thank you if the policy does so and the customer had been reminded; for money alone."""
    if not policy.on_paid_email or not contact.email or invoice.reminders_sent == 0 or invoice.by_credit:
        return invoice
    window = window_of(("email",), policy.send_window)
    return replace(invoice, thanks_at=moved_to_workday(now, window, customer_zone(contact, policy), policy.calendar))


def as_it_stands(case: Case, policy_of: PolicyOf | None, now: datetime) -> Case:
    """The case without what has become moot, and its questions as they stand now: to decide on, and to tell when. Not for storing:
    a question that is withdrawn now may stand again tomorrow, and what was not told of it is told then.
    """
    return without_moot_tasks(with_questions_reckoned(case, policy_of, now) if policy_of else case)


def rearmed(case: Case, now: datetime, policy_of: PolicyOf | None = None) -> Case:
    """The case with its one timer put to the earliest of its invoices' instants; none while it is held.

    While a claim is live the timer belongs to the claim: its settling computes it anew. What is tried again later waits for
    its turn, and what is overdue has waited since it fell due. `policy_of` tells which questions about whole messages still
    stand; without it all do.
    """
    case = without_moot_tasks(case)
    profile = case.profile
    if profile.claimed_at(now):
        return case
    due_at = next_instant(as_it_stands(case, policy_of, now), policy_of)
    in_line = profile.claim is not None and profile.claim.mail_at is not None
    at_the_latest = now + LONGEST_BACKOFF if profile.retries > 0 or in_line else now
    waits = profile.due_at is not None and profile.due_at <= at_the_latest
    if due_at == profile.due_at or (waits and due_at is not None and due_at <= now):
        return case
    # What a hold kept back falls due at its release.
    return case.with_profile(replace(profile, due_at=due_at, due_since=max(due_at, now) if due_at else None))


def task_key(invoice_id: str) -> str:
    """The key of the notice that an invoice's plan has ended unpaid."""
    return f"{_TASK}{invoice_id}"


def question_key(invoice_id: str) -> str:
    """The key of the notice that a step waits for approval."""
    return f"{_QUESTION}{invoice_id}"


def without_moot_tasks(case: Case) -> Case:
    """The case without the tasks of invoices that are paid by now, or follow a plan again, and without answered questions."""
    kept = {key: notice for key, notice in case.profile.notices.items() if not _is_moot(case, key)}
    return case if kept.keys() == case.profile.notices.keys() else case.with_profile(replace(case.profile, notices=kept))


def _is_moot(case: Case, key: str) -> bool:
    return is_moot(case, key) or chasing.is_moot(case, key) or _is_done_with(case, key)


def _is_done_with(case: Case, key: str) -> bool:
    if key.startswith(_QUESTION):
        names = {key.removeprefix(_QUESTION), *case.profile.notices[key].invoices}
        asked = (case.invoices.get(name) for name in names)
        return not any(invoice and invoice.is_open and waits_for_approval(invoice) for invoice in asked)
    if not key.startswith(_TASK):
        return False
    invoice = case.invoices.get(key.removeprefix(_TASK))
    return not (invoice is not None and invoice.is_open and invoice.next_at is None and invoice.suppressed_for is None)


def next_instant(case: Case, policy_of: PolicyOf | None = None) -> datetime | None:
    """The earliest instant at which something must be decided; reminders wait while the case or their invoice is held,
    thanks and notices do not; a hold that ends by itself is something to decide, and so is a question that nobody has answered
    when the day of its step is over (`policy_of` tells when)."""
    thanks = [] if thanks_wait(case.profile) else [invoice.thanks_at for invoice in case.invoices.values()]
    instants = [at for at in thanks if at]
    instants += [notice.at for notice in notices_to_tell(case.profile).values()]
    instants += ends_of(case.profile.holds)
    # Whether a promise was kept its source must say; while nobody can ask it, that waits for the connection.
    is_stale = HoldKind.STALE_DATA in case.profile.holds
    for invoice in case.invoices.values():
        if invoice.is_open:
            instants += [] if is_stale else ends_of(invoice.holds)
            if invoice.repeat and invoice.repeat.at and not (case.profile.is_held or invoice.is_held):
                instants.append(invoice.repeat.at)
            if invoice.restarts_at and not (case.profile.is_held or invoice.is_held):
                instants.append(invoice.restarts_at)
            if invoice.next_at and not (case.profile.is_held or invoice.is_held):
                at = _unanswered_until(invoice, case.profile, policy_of) if waits_for_approval(invoice) else invoice.next_at
                instants += [at] if at else []
    instants += [case.profile.look_at] if case.profile.look_at and waiting_for_answers(case) else []
    instants += [fee.at for _, fee in fees_to_charge(case)]
    claim = case.profile.claim
    if claim and claim.has_begun and not is_stale and not waits_for_a_person(case.profile.holds):
        # Paid meanwhile or put off: what an abandoned claim sent must be put down all the same.
        instants.append(claim.until)
    return min(instants, default=None)


def _moved_by_the_hour(case: Case) -> list[tuple[datetime, datetime]]:
    """When what only the hour has moved fell due, and to when it was."""
    return [
        (invoice.waits_since, invoice.next_at)
        for invoice in case.invoices.values()
        if invoice.is_open and invoice.waits_since and invoice.next_at
    ]


def place_in_line(case: Case, policy_of: PolicyOf | None, now: datetime) -> datetime:
    """Since when (UTC) the first of what is left to do waits: since it fell due, and not before the timer itself did."""
    unclaimed = case.with_profile(replace(case.profile, claim=None))
    at = min(next_instant(as_it_stands(unclaimed, policy_of, now), policy_of) or now, now)
    fell_due = min([at, *(since for since, moved_to in _moved_by_the_hour(case) if moved_to <= now)])
    return max(fell_due, case.profile.due_since or fell_due)


def waits_since(case: Case, due_at: datetime | None) -> datetime | None:
    """Since when (UTC) a timer counts as due that stands there: what only the hour has moved to it fell due before."""
    return min((since for since, moved_to in _moved_by_the_hour(case) if moved_to == due_at), default=due_at)


def waiting_for_answers(case: Case) -> tuple[Invoice, ...]:
    """The open invoices about which a person was asked and has not answered; none that are held."""
    if case.profile.is_held:
        return ()
    return tuple(one for one in case.invoices.values() if one.is_open and not one.is_held and waits_for_approval(one))


def _unanswered_until(invoice: Invoice, profile: Profile, policy_of: PolicyOf | None) -> datetime | None:
    """When a question that nobody answers ends by itself; None: never."""
    policy = policy_of(invoice) if policy_of else None
    step = policy.step(invoice.next_step) if policy else None
    return day_ends(step, invoice, profile.reach, policy) if step and policy else None


def notices_to_tell(profile: Profile) -> Mapping[str, Notice]:
    """The notices without what nobody need answer now: whether a step may run, or a fee be charged, of a customer who is not chased."""
    if not profile.is_not_chased:
        return profile.notices
    return {key: notice for key, notice in profile.notices.items() if not (key.startswith(_QUESTION) or is_proposal(key))}


def thanks_wait(profile: Profile) -> bool:
    """Whether not even a thank-you goes out: a person stopped the case, or its mail does not arrive."""
    return not profile.holds.keys().isdisjoint((*FOR_A_PERSON, HoldKind.UNDELIVERABLE))


def timing_of(step: Step, invoice: Invoice, policy: Policy) -> str:
    """A step's timing as a person says it, for an invoice whose plan may have been started again."""
    return timing_in_words(step, _RESTARTED if counted_from(invoice, policy) != effective_due_date(invoice, policy) else _DUE)


def counted_from(invoice: Invoice, policy: Policy) -> date | None:
    """The day from which the plan's days count: the due date, or the later one on which the plan was started again."""
    due = effective_due_date(invoice, policy)
    return max(due, invoice.counts_from or due) if due else None


def timing_in_words(step: Step, day: str = _DUE) -> str:
    """A step's timing as a person says it; `day` is what its days are counted from."""
    match step.at:
        case AfterPrevious(days=BusinessDays(count=count)):
            return f"{count} working days after the step before"
        case AfterPrevious(days=Days(count=count)):
            return f"{_days(count)} after the step before"
        case AfterPrevious(delay=delay):
            minutes = int(delay.total_seconds() // 60)
            return f"{minutes // 60} h after the step before" if minutes % 60 == 0 else f"{minutes} min after the step before"
        case BeforeDue(days=0) | AfterDue(days=0):
            return f"on {day}"
        case BeforeDue(days=days, business=business):
            return f"{_days(days, business)} before {day}"
        case AfterDue(days=days, business=business):
            return f"{_days(days, business)} after {day}"


def _days(count: int, business: bool = False) -> str:
    kind = "working day" if business else "day"
    return f"1 {kind}" if count == 1 else f"{count} {kind}s"


def stands_still(before: Case, after: Case, now: datetime) -> bool:
    """Whether a case is due again at once and all that is decided on is as it was: the same would be decided, again and again."""
    if after.profile.due_at is None or after.profile.due_at > now:
        return False
    return before.invoices == after.invoices and _without_timer(before.profile) == _without_timer(after.profile)


def _without_timer(profile: Profile) -> Profile:
    return replace(profile, claim=None, retries=0, due_at=None, due_since=None, look_at=None)
