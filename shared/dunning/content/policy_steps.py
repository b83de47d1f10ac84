"""The steps of a policy: each by itself, then their order."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time

from dunning.content.conditions import Expression
from dunning.content.policy_values import days, elapsed, time_of_day
from dunning.content.sections import NOT_YET, Section
from dunning.content.suggestions import did_you_mean
from dunning.content.templates import TemplateNames
from dunning.domain.errors import Rejected
from dunning.domain.policy import ALL_DAY, AfterDue, AfterPrevious, BeforeDue, Step, Timing, Window

KEYS = frozenset(["id", "at", "if", "email", "sms", "escalate"])
LATER_KEYS = frozenset({"late_fee"})
_EXAMPLE_AT = '{after_due: 7d, time: "09:00"}'
_ID = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class StepRules:
    """What a step may refer to, and whether its condition is tried."""

    teams: frozenset[str]
    templates: TemplateNames
    windows: Mapping[str, Window]
    validate: bool


def read_steps(top: Section, rules: StepRules) -> tuple[Step, ...]:
    """The steps, in order; problems are noted, so a refused file gives fewer."""
    entries = top.values.get("steps")
    if not isinstance(entries, list) or not entries:
        top.refuse("steps", f"a policy needs a list of at least one step, as in - {{id: first, at: {_EXAMPLE_AT}, email: friendly}}")
        return ()
    steps: list[Step] = []
    places: list[Section] = []
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            top.problems.add(f"step {number}", "must be a mapping with id, at and what to do")
            continue
        identity = entry.get("id")
        section = Section(entry, top.problems, f'step "{identity}"' if isinstance(identity, str) else f"step {number}")
        step = _read_step(section, rules)
        if step is not None:
            steps.append(step)
            places.append(section)
    _refuse_repeated_ids(steps, places)
    _refuse_unreachable(steps, places)
    return tuple(steps)


def _read_step(section: Section, rules: StepRules) -> Step | None:
    section.only(KEYS, LATER_KEYS)
    identity = _identity(section)
    timing = _timing(section)
    condition = _condition(section, rules.validate)
    email = _template(section, "email", rules.templates.email)
    sms = _template(section, "sms", rules.templates.sms)
    team = _team(section, rules.teams)
    if not section.values.keys() & {"email", "sms", "escalate"} | section.values.keys() & LATER_KEYS:
        section.refuse(None, "does nothing: give it email, sms or escalate, or remove it")
    _refuse_windows_that_never_meet(section, rules.windows)
    if timing is None:
        return None
    return Step(
        id=identity or "",
        at=timing,
        condition=condition,
        condition_text=condition.text if condition else None,
        email=email,
        sms=sms,
        escalate=team,
    )


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
    if kinds == ["after_previous"]:
        if "time" in at.values:
            at.refuse("time", "after_previous elapses from the step before, whatever the time of day: remove it")
        delay = at.read("after_previous", "after_previous: 48h", elapsed)
        return None if delay is None else AfterPrevious(delay)
    if "time" not in at.values:
        at.refuse("time", f"missing: say at which local time, as in {_EXAMPLE_AT}")
    moment = at.read("time", 'time: "09:00"', time_of_day)
    count = at.read(kinds[0], f"{kinds[0]}: 7d", days)
    if moment is None or count is None:
        return None
    return BeforeDue(count, moment) if kinds == ["before_due"] else AfterDue(count, moment)


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


def _template(section: Section, key: str, known: frozenset[str]) -> str | None:
    if isinstance(section.values.get(key), dict):
        section.refuse(key, f"the form with template, cc and sender {NOT_YET} and write {key}: and the template's name")
        return None
    name = section.text(key, f"{key}: second_notice")
    if name is not None and name not in known:
        section.refuse(key, f'no template "{name}"{did_you_mean(name, known)}')
    return name


def _team(section: Section, teams: frozenset[str]) -> str | None:
    escalate = section.section("escalate", "{team: collections}")
    if escalate is None:
        return None
    escalate.only(("team",))
    if "team" not in escalate.values:
        escalate.refuse("team", "missing: say who takes over, as in {team: collections}")
    team = escalate.text("team", "{team: collections}")
    if team is not None and team not in teams:
        escalate.refuse("team", f'no team "{team}"{did_you_mean(team, teams)}')
    return team


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


def _refuse_unreachable(steps: list[Step], places: list[Section]) -> None:
    latest: tuple[int, time] | None = None
    before = ""
    for number, (step, place) in enumerate(zip(steps, places, strict=True)):
        if isinstance(step.at, AfterPrevious):
            if number == 0:
                place.refuse("at", f"the first step has no previous one: use before_due or after_due, as in {_EXAMPLE_AT}")
            continue
        offset = (-step.at.days if isinstance(step.at, BeforeDue) else step.at.days, step.at.time)
        if latest is not None and offset <= latest:
            place.refuse("at", f'is not later than step "{before}" before it: move it down, or give it a later day or time')
        latest, before = offset, step.id
