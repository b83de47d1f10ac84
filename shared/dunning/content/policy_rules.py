"""What a policy says beside its steps: whom it is for, how often a customer is written to, and what answers and payments change."""

from datetime import timedelta

from dunning.content.conditions import Expression, Purpose
from dunning.content.holiday_calendars import HolidayCalendar
from dunning.content.policy_values import mail_address, some_time, span
from dunning.content.sections import Section
from dunning.content.suggestions import did_you_mean
from dunning.domain.errors import Rejected
from dunning.domain.policy import (
    AppliesTo,
    CatchUp,
    MessageLimit,
    OnPartialPayment,
    OnReply,
    PartialPaymentRule,
    PromiseRules,
    Scope,
    Span,
)
from dunning.domain.work_calendar import EVERY_DAY, WorkCalendar

_ANY_INVOICE = {"if": "true", "priority": 0}
_EXAMPLE_APPLIES_TO = '{if: "true", priority: 0}'
_EXAMPLE_LIMIT = "{count: 3, per: 7d}"
_MOST_COUNTED = 32
"""So many reminders a profile remembers (`domain.settlement.MOST_REMEMBERED`)."""

_EXAMPLE_REPLY = "{hold: until_handled, notify: collections}"
_EXAMPLE_PROMISE = "{max_days: 14, max_count: 2, grace: 2bd}"
_UNTIL_HANDLED = "until_handled"
_LOWEST_PRIORITY = 1_000_000


def applies_to(top: Section, *, validate: bool) -> AppliesTo | None:
    """Whom the policy is for; None when it does not say."""
    if "applies_to" in top.problems.not_yet:
        _refuse_all_but(top, "applies_to", _ANY_INVOICE, _EXAMPLE_APPLIES_TO)
        return None
    section = top.section("applies_to", _EXAMPLE_APPLIES_TO)
    if section is None:
        return None
    section.only(("if", "priority"))
    for key in ("if", "priority"):
        if key not in section.values:
            section.refuse(key, f"missing: write {_EXAMPLE_APPLIES_TO}")
    text = section.text("if", 'if: "true"')
    priority = section.number("priority", "priority: 10", _LOWEST_PRIORITY, least=0)
    if text is None or priority is None:
        return None
    expression = Expression(text, Purpose.ASSIGNMENT)
    if validate:
        try:
            expression.check()
        except Rejected as error:
            section.refuse("if", str(error))
    return AppliesTo(expression, text, priority)


def calendar(top: Section, *, validate: bool) -> WorkCalendar:
    """Weekends and public holidays; every day when the policy names none."""
    if not top.uses("calendar", "calendar"):
        return EVERY_DAY
    found = top.read("calendar", "calendar: GB", HolidayCalendar.of)
    if found is None:
        return EVERY_DAY
    if validate:
        try:
            found.check()
        except Rejected as error:
            top.refuse("calendar", str(error))
    return found


def scope(top: Section) -> Scope:
    """One message per customer or per invoice."""
    if "scope" in top.problems.not_yet:
        _refuse_all_but(top, "scope", "invoice", "invoice")
        return Scope.INVOICE
    return top.choice("scope", {value.value: value for value in Scope}, Scope.INVOICE)


def min_gap(top: Section) -> Span:
    """The least time between two reminders."""
    if "min_gap" in top.problems.not_yet:
        _refuse_all_but(top, "min_gap", "0h", "0h")
        return timedelta()
    return top.read("min_gap", "min_gap: 1d", span) or timedelta()


def catch_up(top: Section) -> CatchUp:
    """What becomes of missed steps."""
    if "catch_up" in top.problems.not_yet:
        _refuse_all_but(top, "catch_up", "next", "next")
        return CatchUp.NEXT
    return top.choice("catch_up", {value.value: value for value in CatchUp}, CatchUp.NEXT)


def max_messages(top: Section) -> MessageLimit | None:
    """The most reminders in a span of time."""
    section = top.section("max_messages", _EXAMPLE_LIMIT) if top.uses("max_messages", "max_messages") else None
    if section is None:
        return None
    section.only(("count", "per"))
    for key in ("count", "per"):
        if key not in section.values:
            section.refuse(key, f"missing: write {_EXAMPLE_LIMIT}")
    count = section.number("count", "count: 3", _MOST_COUNTED)
    per = section.read("per", "per: 7d", some_time)
    return None if count is None or per is None else MessageLimit(count, per)


def first_contacts_per_day(top: Section) -> int | None:
    """How many customers may hear from us for the first time on one day."""
    if not top.uses("first_contacts_per_day", "first_contacts_per_day"):
        return None
    return top.number("first_contacts_per_day", "first_contacts_per_day: 200", 1_000_000)


def on_reply(top: Section, teams: frozenset[str]) -> OnReply | None:
    """What an answer does; None when the policy does not say."""
    if not top.uses("on_reply", "on_reply"):
        return None
    written = top.values["on_reply"]
    if isinstance(written, str):  # the hold alone: `on_reply: 2d`
        return OnReply(None if written == _UNTIL_HANDLED else top.read("on_reply", _EXAMPLE_REPLY, _reply_span))
    section = top.section("on_reply", _EXAMPLE_REPLY)
    if section is None:
        return None
    section.only(("hold", "notify"))
    if not section.values:
        section.refuse(None, f"does nothing: write {_EXAMPLE_REPLY}, or remove it")
    team = section.text("notify", "notify: collections")
    if team is not None and team not in teams:
        section.refuse("notify", f'no team "{team}"{did_you_mean(team, teams)}')
    until_handled = section.values.get("hold", _UNTIL_HANDLED) == _UNTIL_HANDLED
    return OnReply(None if until_handled else section.read("hold", "hold: until_handled", some_time), team)


def _reply_span(text: str) -> Span:
    try:
        return some_time(text)
    except Rejected as error:
        raise Rejected(f"{error}; or {_UNTIL_HANDLED}, or {_EXAMPLE_REPLY}") from error


def on_partial_payment(top: Section) -> OnPartialPayment:
    """What a partial payment does."""
    if not top.uses("on_partial_payment", "on_partial_payment"):
        return OnPartialPayment()
    if not isinstance(top.values["on_partial_payment"], dict):
        simple = {rule.value: rule for rule in (PartialPaymentRule.CONTINUE, PartialPaymentRule.RESTART)}
        if top.values["on_partial_payment"] not in simple:
            top.refuse("on_partial_payment", "must be continue, restart or {hold: 2d}")
        return OnPartialPayment(simple.get(str(top.values["on_partial_payment"]), PartialPaymentRule.CONTINUE))
    section = Section(top.values["on_partial_payment"], top.problems, top.place, "on_partial_payment.")
    section.only(("hold",))
    if "hold" not in section.values:
        section.refuse(None, "must be continue, restart or {hold: 2d}")
    return OnPartialPayment(PartialPaymentRule.HOLD, section.read("hold", "{hold: 2d}", some_time))


def promise(top: Section) -> PromiseRules | None:
    """What a customer may promise; None when the policy does not say."""
    section = top.section("promise", _EXAMPLE_PROMISE) if top.uses("promise", "promise") else None
    if section is None:
        return None
    section.only(("max_days", "max_count", "grace"))
    usual = PromiseRules()
    return PromiseRules(
        max_days=section.number("max_days", "max_days: 14", 365) or usual.max_days,
        max_count=section.number("max_count", "max_count: 2", 100) or usual.max_count,
        grace=section.read("grace", "grace: 2bd", span) or usual.grace,
    )


def digest_to(top: Section) -> tuple[str, ...]:
    """Who gets the daily digest."""
    return top.texts("digest_to", "digest_to: finance@example.com", mail_address) if top.uses("digest_to", "digest_to") else ()


def _refuse_all_but(top: Section, key: str, accepted: object, written: str) -> None:
    """A field that for now takes one value only."""
    if key in top.values and top.values[key] != accepted:
        top.refuse(key, f"this version understands only {written}")
