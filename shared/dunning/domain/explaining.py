"""What happens next for a customer, when, and why; and why not sooner. Pure: the command line and a console show the same."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dunning.domain.approval import waits_for_approval, without_commands
from dunning.domain.assignment import is_begun
from dunning.domain.balances import balance_in
from dunning.domain.case import Case
from dunning.domain.charging import fee_as_it_stands, fees_to_charge
from dunning.domain.consolidation import PolicyOf
from dunning.domain.effects import Channel, Effect
from dunning.domain.evolving import replace
from dunning.domain.fees import FeeMode, FeeRefused
from dunning.domain.holds import Holds
from dunning.domain.invoice import ApprovalState, Invoice
from dunning.domain.joint_approval import is_withdrawn, with_questions_reckoned
from dunning.domain.money import Money
from dunning.domain.obstacles import SILENT, Obstacle, of_holds, of_the_case, of_the_plan
from dunning.domain.planning import counted_from, ended, planned, task_key, timing_of
from dunning.domain.policy import AfterPrevious, Policy, Step
from dunning.domain.recipients import templates_of
from dunning.domain.rehearsing import turns
from dunning.domain.run_out import run_out_ended
from dunning.domain.timing import customer_zone, day_ends
from dunning.domain.works import Verdict, Work

_AHEAD = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Next:
    """What happens next to one invoice (`invoice` is the source's bare id), and why.

    `at` is UTC; None when nothing will, or not until somebody ends what holds it: then `if_released` says when it would if
    that were now. `owed` is what is asked for. `timezone` is the one in which the customer's days and hours are counted.
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
    owed: Money | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A customer's case as it stands at `now` (UTC). `obstacles` concern all of it."""

    customer: str
    now: datetime
    obstacles: tuple[Obstacle, ...]
    next: tuple[Next, ...]


@dataclass(frozen=True, slots=True)
class _Fate:
    """What a rehearsal found for one invoice: the first work that is more than a delay, the case then, and the delays before."""

    at: datetime
    work: Work
    delays: tuple[Work, ...]
    before: Case


_Kind = Verdict | None
_Fates = Mapping[tuple[str, _Kind], _Fate]
"""By invoice and what it is about: REPEAT, a step that bounced; CHARGE, a fee that waits; None, the plan's next step or a thank-you."""

_BESIDE = {
    Verdict.REPEAT: "the mail of this step bounced, so it is sent again another way",
    Verdict.CHARGE: "a late fee of this step waits to be written to its source",
}


def explain(case: Case, policy_of: PolicyOf, now: datetime) -> Explanation:
    """What comes next for every invoice that is open or to be thanked for. Raises Permanent for a case that cannot be decided."""
    case, anew = _planned_anew(case, policy_of, now)
    case = with_questions_reckoned(case, policy_of, now)
    blocked = {invoice.id for invoice in case.invoices.values() if _is_blocked(case, invoice)}
    running = _fates(case, policy_of, now, case.invoices.keys() - blocked)
    # What is held as well as asked about, with others that wait, waits for the same answer once its hold has ended.
    asked = {invoice.id for invoice in case.invoices.values() if invoice.is_open and is_withdrawn(invoice)}
    blocked |= {name for name in asked - blocked if (name, None) not in running}
    released = _fates(_released(case), policy_of, now, blocked)
    told: list[Next] = []
    for invoice in sorted(case.invoices.values(), key=lambda one: (one.due_date or one.stamp.date(), one.number)):
        fates = released if invoice.id in blocked else running
        if invoice.is_open:
            told += _beside(case, invoice, policy_of(invoice), fates, now, blocked=invoice.id in blocked)
        if invoice.is_open or invoice.thanks_at:
            following = _next(case, invoice, policy_of, fates.get((invoice.id, None)), now, blocked=invoice.id in blocked)
            told.append(replace(following, why=f"{following.why}; {_anew(invoice, policy_of)}") if invoice.id in anew else following)
    told = [replace(one, owed=case.invoices[one.invoice].money_due) for one in told]
    return Explanation(case.profile.customer, now, _once(of_the_case(case, now), now), tuple(told))


def _anew(invoice: Invoice, policy_of: PolicyOf) -> str:
    follows = policy_of(invoice).name
    if follows != invoice.policy:
        return f"it follows the policy {follows} instead of {invoice.policy} from the next daily sweep on"
    return "its policy has changed, and the next daily sweep makes the plan anew"


def _planned_anew(case: Case, policy_of: PolicyOf, now: datetime) -> tuple[Case, frozenset[str]]:
    """The case with the plans that were made under another wording of their policy made anew, as the sweep will; and whose these are."""
    outdated = [
        invoice
        for invoice in case.invoices.values()
        if invoice.is_open and invoice.plan_revision != policy_of(invoice).revision and not is_begun(case.profile, invoice.id)
    ]
    for invoice in outdated:
        policy = policy_of(invoice)
        balance = balance_in(case, invoice, policy, policy_of)
        plan = planned(replace(invoice, next_at=None), case.profile.reach, policy, now, "explain", balance)
        case, _ = ended(case.with_invoice(plan.invoice), invoice, plan.invoice, now, "explain")
    return case, frozenset(invoice.id for invoice in outdated)


def _released(case: Case) -> Case:
    """The case without what only somebody can end."""
    disputes = {name: replace(dispute, is_open=False) for name, dispute in case.profile.disputes.items()}
    profile = replace(case.profile, do_not_chase=False, holds=_ending(case.profile.holds), disputes=disputes)
    settings = profile.contact.settings
    if settings is not None:
        profile = replace(profile, contact=replace(profile.contact, settings=replace(settings, do_not_chase=False)))
    return replace(case, profile=profile, invoices={name: _released_alone(one) for name, one in case.invoices.items()})


def _released_alone(invoice: Invoice) -> Invoice:
    asked = invoice.approval if waits_for_approval(invoice) or is_withdrawn(invoice) else None
    approved = replace(asked, state=ApprovalState.APPROVED) if asked else invoice.approval
    return replace(invoice, holds=_ending(invoice.holds), approval=approved)


def _ending(holds: Holds) -> Holds:
    return {kind: hold for kind, hold in holds.items() if hold.until is not None}


def _fates(case: Case, policy_of: PolicyOf, now: datetime, about_these: Collection[str]) -> _Fates:
    waiting: set[tuple[str, _Kind]] = {(invoice.id, Verdict.CHARGE) for invoice, _ in fees_to_charge(case) if invoice.id in about_these}
    for name in about_these:
        invoice = case.invoices[name]
        if (invoice.is_open and invoice.next_at) or invoice.thanks_at:
            waiting.add((invoice.id, None))
        if invoice.is_open and invoice.repeat and invoice.repeat.at:
            waiting.add((invoice.id, Verdict.REPEAT))
    delays: dict[tuple[str, _Kind], list[Work]] = {}
    found: dict[tuple[str, _Kind], _Fate] = {}
    for turn in turns(case, policy_of, now, now + _AHEAD) if waiting else ():
        for work in turn.works:
            about = (work.invoice, _kind(work))
            if about not in waiting or work.verdict is Verdict.REPLAN:
                continue
            if work.verdict in (Verdict.MOVE, Verdict.SUPPRESS):
                delays.setdefault(about, []).append(work)
            else:
                found.setdefault(about, _Fate(turn.at, work, tuple(delays.get(about, ())), turn.before))
        if waiting <= found.keys():
            break
    return found


def _kind(work: Work) -> _Kind:
    if work.again or work.verdict is Verdict.REPEAT:
        return Verdict.REPEAT
    return Verdict.CHARGE if work.verdict in (Verdict.CHARGE, Verdict.LAPSE) else None


def _beside(case: Case, invoice: Invoice, policy: Policy, fates: _Fates, now: datetime, *, blocked: bool) -> Iterator[Next]:
    """What happens to an invoice outside its plan's order: a step sent again, a fee charged."""
    zone = customer_zone(case.profile.contact, policy).key
    for kind, why in _BESIDE.items():
        fate = fates.get((invoice.id, kind))
        if fate is None:
            continue
        work = fate.work
        what = " and ".join(_effect(effect, work) for effect in work.effects) if kind is Verdict.REPEAT else work.reason
        obstacles = (*of_holds(invoice.holds), *_of_the_rehearsal(fate))
        yield Next(
            invoice.id,
            invoice.number,
            zone,
            what or "nothing is sent again",
            why if work.effects else work.reason,
            work.step,
            None if blocked else fate.at,
            fate.at if blocked else None,
            _once(obstacles, now),
        )


def _next(case: Case, invoice: Invoice, policy_of: PolicyOf, fate: _Fate | None, now: datetime, *, blocked: bool) -> Next:
    policy = policy_of(invoice)
    zone = customer_zone(case.profile.contact, policy).key
    at = fate.at if fate else None
    if not invoice.is_open:
        return Next(invoice.id, invoice.number, zone, "mail to say thank you", "it was paid after a reminder", None, at)
    step = policy.step(fate.work.step if fate else invoice.next_step)
    if step is None or invoice.next_at is None:
        what, why, until = _no_step(case, invoice)
        return Next(invoice.id, invoice.number, zone, what, why, at=until)
    asked = waits_for_approval(invoice) or (blocked and is_withdrawn(invoice))
    ends = day_ends(step, invoice, case.profile.reach, policy)
    unanswered = "a person has not approved it yet" + (", and it is skipped if nobody does before its day is over" if ends else "")
    approval = [Obstacle(unanswered, ends)] if asked else []
    named = tuple(of_the_plan(case, invoice, step, policy_of, now, at)) if step.id == invoice.next_step else ()
    return Next(
        invoice.id,
        invoice.number,
        zone,
        _what(invoice, step, policy, case, fate),
        _why(invoice, step, policy, fate),
        step.id,
        None if blocked else at,
        at if blocked else None,
        _once((*approval, *of_holds(invoice.holds), *named, *_of_the_rehearsal(fate, named)), now),
    )


def _once(obstacles: Iterable[Obstacle], now: datetime) -> tuple[Obstacle, ...]:
    """Each once, and none that is over."""
    return tuple({one.words: one for one in obstacles if one.until is None or one.until > now}.values())


def _no_step(case: Case, invoice: Invoice) -> tuple[str, str, datetime | None]:
    if invoice.escalated:
        return "nothing automatic", "it was handed over to our own people", None
    if invoice.suppressed_for:
        return "nothing", SILENT.get(invoice.suppressed_for, invoice.suppressed_for), None
    notice = case.profile.notices.get(task_key(invoice.id))
    if notice is not None:
        return "the team is told", notice.reason, notice.at
    return "nothing", "its plan has ended, and the team was told", None


def _what(invoice: Invoice, step: Step, policy: Policy, case: Case, fate: _Fate | None) -> str:
    if fate is not None and fate.work.verdict is Verdict.SKIP:
        return f"the step {step.id} is skipped"
    if fate is not None and fate.work.verdict is Verdict.ASK:
        return "a person is asked to approve it"
    if fate is not None:
        parts = [_effect(effect, fate.work) for effect in fate.work.effects]
    else:
        parts = [_message(channel, template) for channel, template in templates_of(step, case.profile.reach).items()]
        parts += [_handed_over(step.escalate)] if step.escalate else []
    if step.is_message and not parts:
        parts = ["no message, for the customer has no address for it"]
    charged, refused = _late_fee(invoice, step, policy, case, fate)
    what = " and ".join([*parts, charged] if charged else parts)
    return "; ".join(told for told in (what, refused) if told)


def _late_fee(invoice: Invoice, step: Step, policy: Policy, case: Case, fate: _Fate | None) -> tuple[str, str]:
    """What is said of the fee of a step that comes, or of one that does not; neither for a step that names none."""
    if step.late_fee is None:
        return "", ""
    at = fate.at if fate else invoice.next_at
    if at is None:
        return "", ""
    then, _ = run_out_ended(fate.before if fate else case, at, "explain")
    fee = fee_as_it_stands(then, then.invoices[invoice.id], policy, step.id, step.late_fee, at)
    if isinstance(fee, FeeRefused):
        return "", f"no late fee, because {fee.reason}"
    charged = step.late_fee.mode is FeeMode.APPLY and not (fate and fate.work.unapproved)
    return "a late fee is charged" if charged else "a late fee is proposed to the team", ""


def _effect(effect: Effect, work: Work) -> str:
    """What goes out; one message to a customer bears the highest stage's template (DESIGN §7)."""
    if effect.channel is Channel.TEAM:
        return _handed_over(effect.to)
    joint = f" (of the step {effect.step}, in one message with others)" if effect.step != work.step else ""
    return _message(effect.channel, effect.template) + joint


def _message(channel: str, template: str) -> str:
    return f"{'SMS' if channel == Channel.SMS else 'mail'} {template}"


def _handed_over(team: str) -> str:
    return f"handed over to the team {team}"


def _why(invoice: Invoice, step: Step, policy: Policy, fate: _Fate | None) -> str:
    if fate is not None and fate.work.verdict is Verdict.SKIP:
        return fate.work.reason
    if fate is not None and fate.work.verdict is Verdict.ASK:
        return without_commands(fate.work.reason)
    if fate is not None and fate.work.unapproved:
        return fate.work.reason
    words, day = timing_of(step, invoice, policy), counted_from(invoice, policy)
    if isinstance(step.at, AfterPrevious):
        words += f" ({invoice.last_step})" if invoice.last_step else ""
    elif day:
        words += f" ({day.day} {day:%B} {day.year})"
    return words + (f"; only if {step.condition_text}" if step.condition_text else "")


def _is_blocked(case: Case, invoice: Invoice) -> bool:
    """Whether somebody must end what holds it, or approve it; what is to be thanked for waits for a person or an address only."""
    if not invoice.is_open:
        return False
    endless = [hold for hold in (*case.profile.holds.values(), *invoice.holds.values()) if hold.until is None]
    return bool(endless) or case.profile.is_disputed or case.profile.is_not_chased or waits_for_approval(invoice)


def _of_the_rehearsal(fate: _Fate | None, named: Collection[Obstacle] = ()) -> Iterator[Obstacle]:
    """What put it off; that it was moved for the hour is said already where `named` holds it back to the same instant."""
    for work in fate.delays if fate else ():
        if work.verdict is not Verdict.MOVE or all(one.until != work.move_to for one in named):
            yield Obstacle(work.reason, work.move_to)
