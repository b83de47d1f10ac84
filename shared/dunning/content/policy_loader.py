"""Policies from YAML: either a policy that can run, or all of its problems at once.

The whole language is read; what the engine does not yet act on (`policy_features.NOT_YET`) is refused.
"""

import hashlib
import re
from dataclasses import dataclass

from dunning.content import policy_rules as rules
from dunning.content.policy_features import NOT_YET
from dunning.content.policy_steps import StepRules, read_steps
from dunning.content.policy_values import currency_code, days, decimal_text, minor_amount, timezone, window
from dunning.content.sections import Problems, Section
from dunning.content.strict_yaml import read_mapping
from dunning.content.suggestions import did_you_mean
from dunning.content.templates import TemplateNames, template_names
from dunning.domain.errors import Rejected
from dunning.domain.policy import Policy, Window

KEYS = frozenset(
    """
    name applies_to timezone calendar send_window minimum_balance scope min_gap max_messages catch_up first_contacts_per_day
    on_reply on_partial_payment promise on_paid digest_to approve_above attach charge_automatically no_due_date steps
    """.split()
)
RECORD_ONLY = "record_only"

_NAME = re.compile(r"[a-z0-9_-]{1,64}")


def load_policy(
    text: str,
    file_name: str,
    teams: frozenset[str],
    *,
    validate: bool = True,
    templates: TemplateNames | None = None,
    not_yet: frozenset[str] = NOT_YET,
    named_like_file: bool = True,
) -> Policy:
    """The policy of one file, whose name must be `<policy>.yaml` where it is to be deployed (`named_like_file`).

    With `validate` the conditions are compiled and tried too, and calendars looked up; without, they are when first used.
    `not_yet` are the features to refuse. Raises Rejected with one line for each problem: file, step, field, what is wrong and
    the remedy.
    """
    problems = Problems(file_name, not_yet=not_yet)
    top = Section(read_mapping(text, file_name), problems)
    top.only(KEYS)
    known = templates or template_names()
    windows = _send_window(top)
    minimum = _minimum_balance(top)
    policy = Policy(
        name=_name(top, like_file=named_like_file),
        timezone=_timezone(top),
        steps=read_steps(top, StepRules(teams=teams, templates=known, windows=windows, validate=validate)),
        send_window=windows,
        minimum_balance=minimum.by_currency,
        default_minimum=minimum.default,
        on_paid_email=_on_paid(top, known),
        remind_charge_automatically=_reminds_automatic_charges(top),
        no_due_date_after=_no_due_date(top),
        applies_to=rules.applies_to(top, validate=validate),
        calendar=rules.calendar(top, validate=validate),
        scope=rules.scope(top),
        min_gap=rules.min_gap(top),
        max_messages=rules.max_messages(top),
        catch_up=rules.catch_up(top),
        first_contacts_per_day=rules.first_contacts_per_day(top),
        on_reply=rules.on_reply(top, teams),
        on_partial_payment=rules.on_partial_payment(top),
        promise=rules.promise(top),
        digest_to=rules.digest_to(top),
        revision=hashlib.sha256(text.encode()).hexdigest()[:12],
    )
    problems.raise_if_any()
    return policy


def _name(top: Section, *, like_file: bool) -> str:
    stem = top.problems.file_name.rpartition("/")[2].removesuffix(".yaml")
    if "name" not in top.values:
        top.refuse("name", f"missing: write name: {stem}")
    name = top.text("name", f"name: {stem}") or stem
    if _NAME.fullmatch(name) is None:
        top.refuse("name", f"{name!r}: use small letters, digits, _ and -")
    elif like_file and name != stem:
        top.refuse("name", f'"{name}" is not the name of its file: write name: {stem}, or rename the file to {name}.yaml')
    return name


def _timezone(top: Section) -> str:
    return top.read("timezone", "timezone: Europe/London", timezone) or "UTC"


def _send_window(top: Section) -> dict[str, Window]:
    section = top.section("send_window", '{email: "08:00-18:00", sms: "08:00-20:00"}')
    if section is None:
        return {}
    section.only(("email", "sms"))
    spans = {key: section.read(key, '"08:00-18:00"', window) for key in ("email", "sms")}
    return {key: span for key, span in spans.items() if span is not None}


@dataclass(frozen=True, slots=True)
class _Minimum:
    by_currency: dict[str, int]
    default: str = "0"


def _minimum_balance(top: Section) -> _Minimum:
    section = top.section("minimum_balance", '{USD: "5.00", default: "5.00"}')
    if section is None:
        return _Minimum({})
    by_currency: dict[str, int] = {}
    default = "0"
    for key, value in section.values.items():
        try:
            if key == "default":
                default = decimal_text(value)
            else:
                by_currency[key] = minor_amount(value, currency_code(key))
        except Rejected as error:
            section.refuse(key, str(error))
    return _Minimum(by_currency, default)


def _on_paid(top: Section, templates: TemplateNames) -> str | None:
    section = top.section("on_paid", "{email: thank_you}")
    if section is None:
        return None
    section.only(("email",))
    name = section.text("email", "{email: thank_you}")
    if "email" not in section.values:
        section.refuse(None, "names no mail: write {email: thank_you}, or remove it")
    if name is not None and name not in templates.email:
        section.refuse("email", f'no template "{name}"{did_you_mean(name, templates.email)}')
    return name


def _reminds_automatic_charges(top: Section) -> bool:
    value = top.values.get("charge_automatically", RECORD_ONLY)
    if value not in (RECORD_ONLY, "remind"):
        top.refuse("charge_automatically", f"must be remind or {RECORD_ONLY}")
    return value == "remind"


def _no_due_date(top: Section) -> int | None:
    if top.values.get("no_due_date", RECORD_ONLY) == RECORD_ONLY:
        return None
    section = top.section("no_due_date", f"{{due_after_issue: 30d}}, or {RECORD_ONLY}")
    if section is None:
        return None
    section.only(("due_after_issue",))
    if "due_after_issue" not in section.values:
        section.refuse(None, f"must be {{due_after_issue: 30d}} or {RECORD_ONLY}")
    return section.read("due_after_issue", "{due_after_issue: 30d}", days)
