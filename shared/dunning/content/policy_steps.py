"""The steps of a policy: each by itself, then their order."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta

from dunning.content.conditions import Expression
from dunning.content.policy_actions import EmailForm, read_email, template_named
from dunning.content.policy_amounts import read_amounts, read_late_fee
from dunning.content.policy_values import calendar_or_business_days, elapsed, time_of_day
from dunning.content.sections import NOT_YET, Section
from dunning.content.suggestions import did_you_mean
from dunning.content.templates import TemplateNames
from dunning.domain.errors import Rejected
from dunning.domain.fees import Amounts
from dunning.domain.policy import ALL_DAY, AfterDue, AfterPrevious, BeforeDue, BusinessDays, Days, Step, Timing, Window

KEYS = frozenset(["id", "at", "if", "email", "sms", "escalate", "late_fee", "attach", "approve_above"])
ACTIONS = frozenset(["email", "sms", "escalate", "late_fee"])
_APPROVED = frozenset(["email", "sms", "late_fee"])
_ATTACHMENTS = {"invoice_pdf": True, "none": False}
_EXAMPLE_AT = '{after_due: 7d, time: "09:00"}'
_ID = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class StepRules:
    """What a step may refer to, and whether its condition is tried."""

    teams: frozenset[str]
    templates: TemplateNames
    windows: Mapping[str, Window]
    validate: bool


@dataclass(frozen=True, slots=True)
class _Usual:
    """What the policy says of all steps, unless one says otherwise."""

    attach: bool
    approve_above: Amounts | None


def read_steps(top: Section, rules: StepRules) -> tuple[Step, ...]:
    """The steps, in order; problems are noted, so a refused file gives fewer."""
    entries = top.values.get("steps")
    if not isinstance(entries, list) or not entries:
        top.refuse("steps", f"a policy needs a list of at least one step, as in - {{id: first, at: {_EXAMPLE_AT}, email: friendly}}")
        return ()
    usual = _Usual(_attach(top, default=False), _approve_above(top, None))
    steps: list[Step] = []
    places: list[Section] = []
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            top.problems.add(f"step {number}", "must be a mapping with id, at and what to do")
            continue
        identity = entry.get("id")
        section = Section(entry, top.problems, f'step "{identity}"' if isinstance(identity, str) else f"step {number}")
        step = _read_step(section, rules, usual)
        if step is not None:
            steps.append(step)
            places.append(section)
    _refuse_repeated_ids(steps, places)
    first = entries[0].get("id") if isinstance(entries[0], dict) else None
    _refuse_unreachable(steps, places, incomplete=not steps or steps[0].id != first)
    return tuple(steps)


def _read_step(section: Section, rules: StepRules, usual: _Usual) -> Step | None:
    section.only(KEYS)
    identity = _identity(section)
    timing = _timing(section)
    condition = _condition(section, rules.validate)
    email = read_email(section, rules.templates.email)
    sms = template_named(section, "sms", rules.templates.sms)
    escalation = _escalation(section, rules)
    late_fee = read_late_fee(section)
    if not section.values.keys() & ACTIONS:
        section.refuse(None, "does nothing: give it email, sms or escalate, or a late_fee, or remove it")
    if "approve_above" in section.values and not section.values.keys() & _APPROVED:
        section.refuse("approve_above", "telling a team needs nobody's approval: remove it, or give the step an email, sms or late_fee")
    if "attach" in section.values and "email" not in section.values:
        section.refuse("attach", "there is no mail to attach it to: remove it, or give the step an email")
    if "late_fee" in section.values and isinstance(timing, BeforeDue):
        section.refuse("late_fee", "is never charged: no invoice is overdue before its due date: move it to a step with after_due")
    _refuse_windows_that_never_meet(section, rules.windows)
    if timing is None:
        return None
    return Step(
        id=identity or "",
        at=timing,
        condition=condition,
        condition_text=condition.text if condition else None,
        email=email.template,
        sms=sms,
        escalate=escalation.team,
        email_to=email.to,
        email_cc=email.cc,
        sender=email.sender,
        attach_invoice_pdf=_attach(section, default=usual.attach) and email != EmailForm(),
        approve_above=_approve_above(section, usual.approve_above),
        escalate_condition=escalation.condition,
        escalate_condition_text=escalation.condition.text if escalation.condition else None,
        late_fee=late_fee,
        email_instead=sms if email.template is None and sms in rules.templates.email else None,
        sms_instead=email.template if sms is None and email.template in rules.templates.sms else None,
    )


def _attach(section: Section, *, default: bool) -> bool:
    return section.choice("attach", _ATTACHMENTS, default) if section.uses("attach", "attach") else default


def _approve_above(section: Section, default: Amounts | None) -> Amounts | None:
    if not section.uses("approve_above", "approve_above"):
        return default
    return read_amounts(section, "approve_above", '{EUR: "5000.00", default: "5000.00"}')


def _identity(section: Section) -> str | None:
    if "id" not in section.values:
        section.refuse("id", "missing: give the step a short name, as id: first")
    identity = section.text("id", "id: first")
    if identity is not None and _ID.fullmatch(identity) is None:
        section.refuse("id", f"{identity!r}: use small letters, digits and _")
    return identity


def _timing(section: Section) -> Timing | None:
    if "at" not in section.values:
        section.refuse("at", f"missing: say when the step runs, as at: {_EXAMPLE_AT}")
    at = section.section("at", _EXAMPLE_AT)
    if at is None:
        return None
    kinds = [key for key in ("before_due", "after_due", "after_previous") if key in at.values]
    at.only(("before_due", "after_due", "after_previous", "time"))
    if len(kinds) != 1:
        at.refuse(None, f"must hold one of before_due, after_due, after_previous, as in {_EXAMPLE_AT}")
        return None
    return _after_previous(at) if kinds == ["after_previous"] else _by_due_date(at, kinds[0])


def _after_previous(at: Section) -> AfterPrevious | None:
    text = at.text("after_previous", "after_previous: 48h")
    if text is None or text.endswith("d"):
        return None if text is None else _days_after_previous(at, text)
    if "time" in at.values:
        at.refuse("time", "after_previous elapses from the step before, whatever the time of day: remove it, or count in days")
    delay = at.read("after_previous", "after_previous: 48h", elapsed)
    if delay is not None and not delay:
        at.refuse("after_previous", f'"{text}": a step cannot follow at once: write at least "1m"')
    return AfterPrevious(delay) if delay else None


def _days_after_previous(at: Section, text: str) -> AfterPrevious | None:
    count = at.read("after_previous", "after_previous: 2d", calendar_or_business_days)
    if count is None:
        return None
    if "after_previous_days" in at.problems.not_yet:
        at.refuse("after_previous", f'"{text}" counts calendar days, and this {NOT_YET}, and write "{count.count * 24}h"')
        return None
    if count.count == 0:
        at.refuse("after_previous", f'"{text}": a step cannot follow on the same day: write at least "1d", or hours')
    moment = _time(at)
    if moment is None or not _understood(at, "after_previous", count):
        return None
    return AfterPrevious(timedelta(days=count.count), count, moment)


def _by_due_date(at: Section, kind: str) -> BeforeDue | AfterDue | None:
    moment = _time(at)
    count = at.read(kind, f"{kind}: 7d", calendar_or_business_days)
    if moment is None or count is None or not _understood(at, kind, count):
        return None
    timing = BeforeDue if kind == "before_due" else AfterDue
    return timing(count.count, moment, isinstance(count, BusinessDays))


def _time(at: Section) -> time | None:
    if "time" not in at.values:
        at.refuse("time", f"missing: say at which local time, as in {_EXAMPLE_AT}")
    return at.read("time", 'time: "09:00"', time_of_day)


def _understood(at: Section, key: str, count: Days | BusinessDays) -> bool:
    return not isinstance(count, BusinessDays) or at.uses("business_days", key)


def _condition(section: Section, validate: bool) -> Expression | None:
    text = section.text("if", 'if: "not replied"')
    if text is None:
        return None
    expression = Expression(text)
    if validate:
        try:
            expression.check()
        except Rejected as error:
            section.refuse("if", str(error))
    return expression


@dataclass(frozen=True, slots=True)
class _Escalation:
    team: str | None = None
    condition: Expression | None = None


def _escalation(section: Section, rules: StepRules) -> _Escalation:
    escalate = section.section("escalate", "{team: collections}")
    if escalate is None:
        return _Escalation()
    escalate.only(("team", "if"))
    if "team" not in escalate.values:
        escalate.refuse("team", "missing: say who takes over, as in {team: collections}")
    team = escalate.text("team", "{team: collections}")
    if team is not None and team not in rules.teams:
        escalate.refuse("team", f'no team "{team}"{did_you_mean(team, rules.teams)}')
    return _Escalation(team, _condition(escalate, rules.validate) if escalate.uses("escalate.if", "if") else None)


def _refuse_windows_that_never_meet(section: Section, windows: Mapping[str, Window]) -> None:
    if "email" in section.values and "sms" in section.values:
        mail, text = windows.get("email", ALL_DAY), windows.get("sms", ALL_DAY)
        if max(mail.start, text.start) >= min(mail.end, text.end):
            section.refuse(None, "can never run: mail and SMS go together, and their send_windows never meet: widen one")


def _refuse_repeated_ids(steps: list[Step], places: list[Section]) -> None:
    seen: set[str] = set()
    for step, place in zip(steps, places, strict=True):
        if step.id and step.id in seen:
            place.refuse("id", f'a second step "{step.id}": give each its own id')
        seen.add(step.id)


def _refuse_unreachable(steps: list[Step], places: list[Section], *, incomplete: bool) -> None:
    """`incomplete`: the first step could not be read, so the one that is first here has a previous one."""
    before: Step | None = None
    following: list[Step] = []
    handed_over: Step | None = None
    for number, (step, place) in enumerate(zip(steps, places, strict=True)):
        if handed_over is not None:
            place.refuse(None, f'is never reached: step "{handed_over.id}" hands the invoice to a team; move it before that, or remove it')
        if step.escalate and step.condition is None and step.escalate_condition is None:
            handed_over = step
        if isinstance(step.at, AfterPrevious):
            if number == 0 and not incomplete:
                place.refuse("at", f"the first step has no previous one: use before_due or after_due, as in {_EXAMPLE_AT}")
            following.append(step)
            continue
        if before is not None and not isinstance(before.at, AfterPrevious):
            if not _surely_later(step.at, before.at):
                _refuse_out_of_order(place, before)
            elif following and not _may_be_later(step.at, before.at, [one.at for one in following if isinstance(one.at, AfterPrevious)]):
                _refuse_out_of_order(place, following[-1])
        before, following = step, []


def _refuse_out_of_order(place: Section, before: Step) -> None:
    place.refuse("at", f'is not later than step "{before.id}" before it: move it down, or give it a later day or time')


def _may_be_later(step: BeforeDue | AfterDue, before: BeforeDue | AfterDue, following: Sequence[AfterPrevious]) -> bool:
    """Whether a step by the due date may come after those that follow one another from `before` on, each run to the minute."""
    earliest = _moment(min(_calendar_days(before)), before.time)
    for timing in following:
        if timing.days is None or timing.time is None:
            earliest += timing.delay
        else:
            count = timing.days.count
            fewest = count + count // 5 * 2 if isinstance(timing.days, BusinessDays) else count
            earliest = _moment(earliest.days + fewest, timing.time)
    return _moment(max(_calendar_days(step)), step.time) > earliest


def _moment(day: int, at: time) -> timedelta:
    """A day counted from the due date, and its time."""
    return timedelta(days=day, hours=at.hour, minutes=at.minute)


def _surely_later(step: BeforeDue | AfterDue, before: BeforeDue | AfterDue) -> bool:
    """Whether the day and time come after the other's; between business and calendar days, on every day of an ordinary week."""
    if step.business == before.business:
        return (_signed(step), step.time) > (_signed(before), before.time)
    return (min(_calendar_days(step)), step.time) > (max(_calendar_days(before)), before.time)


def _signed(at: BeforeDue | AfterDue) -> int:
    return -at.days if isinstance(at, BeforeDue) else at.days


def _calendar_days(at: BeforeDue | AfterDue) -> tuple[int, int]:
    """The fewest and the most calendar days: five business days span one weekend, and one that is cut may add another."""
    if not at.business:
        return _signed(at), _signed(at)
    fewest, most = at.days + at.days // 5 * 2, at.days + (at.days + 4) // 5 * 2
    return (-most, -fewest) if isinstance(at, BeforeDue) else (fewest, most)
