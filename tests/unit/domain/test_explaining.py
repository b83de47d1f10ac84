"""What happens next, when, and why; and why not sooner."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from dunning.content.holiday_calendars import HolidayCalendar
from dunning.domain.case import Case, Dispute, Profile
from dunning.domain.explaining import Explanation, Next, explain
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.invoice import Approval, ApprovalState, Contact, Status
from dunning.domain.planning import planned
from dunning.domain.policy import Days, MessageLimit, Policy, Window
from tests.unit.domain.builders import BRIEF, FIRST_AT, INVOICE, ISSUED, PROFILE, case_of, claim, never, utc, with_plan, work_off

NOW = utc("2026-03-12 12:00")
ENGLISH = replace(BRIEF, timezone="Europe/London", calendar=HolidayCalendar("GB"), send_window={"email": Window(540, 1020)})


def told(case: Case, follows: Policy = BRIEF) -> Explanation:
    return explain(case, lambda _: follows, NOW)


def only(case: Case, follows: Policy = BRIEF) -> Next:
    (one,) = told(case, follows).next
    return one


def reasons(one: Next) -> list[str]:
    return [obstacle.words for obstacle in one.not_sooner]


def test_the_next_step_is_told_with_its_instant_and_its_reason() -> None:
    one = only(case_of(with_plan(INVOICE, ISSUED)))
    assert (one.what, one.step, one.at) == ("mail friendly", "first", FIRST_AT)
    assert (one.why, one.not_sooner) == ("7 days after the due date (10 March 2026)", ())


def test_a_step_that_follows_another_names_it_and_its_condition() -> None:
    after = work_off(case_of(with_plan(INVOICE, ISSUED)), FIRST_AT).case
    (one,) = explain(after, lambda _: BRIEF, FIRST_AT).next
    assert one.what == "mail second_notice and SMS second_notice"
    assert one.why == "48 h after the step before (first); only if not replied"


def test_a_day_of_rest_is_named() -> None:
    easter = replace(INVOICE, due_date=date(2026, 3, 27))
    one = only(case_of(with_plan(easter, ISSUED, ENGLISH)), ENGLISH)
    assert one.at == utc("2026-04-07 08:00")
    assert reasons(one) == ["Friday 3 April 2026 is no working day there (Good Friday)"]
    saturday = replace(INVOICE, due_date=date(2026, 3, 14))
    assert reasons(only(case_of(with_plan(saturday, ISSUED, ENGLISH)), ENGLISH)) == [
        "Saturday 21 March 2026 is no working day there (weekend)"
    ]


def test_the_hours_are_named() -> None:
    early = replace(ENGLISH, send_window={"email": Window(600, 1020)})
    one = only(case_of(with_plan(INVOICE, ISSUED, early)), early)
    assert (one.at, reasons(one)) == (utc("2026-03-17 10:00"), ["09:00 lies outside the hours 10:00-17:00"])


def test_a_gap_that_will_come_is_foreseen() -> None:
    follows = replace(BRIEF, steps=BRIEF.steps[:1], min_gap=Days(2))
    other = replace(INVOICE, id="in_2", number="ACME-0008", due_date=date(2026, 3, 11))
    first, second = told(case_of(with_plan(INVOICE, ISSUED), with_plan(other, ISSUED)), follows).next
    assert (first.at, first.not_sooner) == (FIRST_AT, ())
    assert (second.at, reasons(second)) == (utc("2026-03-19 09:00"), ["too soon after the message before"])


def test_a_limit_that_is_reached_is_told() -> None:
    follows = replace(BRIEF, max_messages=MessageLimit(1, Days(7)))
    reminded = replace(PROFILE, reminded_at=(utc("2026-03-13 09:00"),))
    one = only(case_of(with_plan(INVOICE, ISSUED), profile=reminded), follows)
    assert (one.at, reasons(one)) == (utc("2026-03-20 09:00"), ["the policy's limit of 1 reminders in a span is reached"])


def test_a_hold_without_an_end_leaves_no_instant_but_says_what_a_release_would_do() -> None:
    held = replace(PROFILE, holds={HoldKind.OPERATOR: Hold(NOW, reason="by Anna")})
    explanation = told(case_of(with_plan(INVOICE, ISSUED), profile=held))
    assert [one.words for one in explanation.obstacles] == ["on hold since 12 March 2026, until a person releases it: by Anna"]
    assert (explanation.next[0].at, explanation.next[0].if_released) == (None, FIRST_AT)


def test_a_hold_with_an_end_puts_the_instant_there() -> None:
    until = utc("2026-03-20 15:00")
    one = only(case_of(with_plan(replace(INVOICE, holds={HoldKind.PROMISE: Hold(NOW, until)}), ISSUED)))
    assert one.at == until
    assert [(obstacle.words, obstacle.until) for obstacle in one.not_sooner] == [
        ("on hold since 12 March 2026, for a promise to pay", until)
    ]


def test_an_open_dispute_is_told() -> None:
    disputed = replace(PROFILE, disputes={"dp_1": Dispute("dp_1", is_open=True, stamp=NOW)})
    explanation = told(case_of(with_plan(INVOICE, ISSUED), profile=disputed))
    assert [one.words for one in explanation.obstacles] == ["a payment is disputed since 12 March 2026"]
    assert (explanation.next[0].at, explanation.next[0].if_released) == (None, FIRST_AT)


def test_refusals_and_claims_are_told() -> None:
    refused = replace(PROFILE, retries=3, due_at=NOW + timedelta(minutes=8))
    (obstacle,) = told(case_of(with_plan(INVOICE, ISSUED), profile=refused)).obstacles
    assert (obstacle.words, obstacle.until) == (
        "sending was refused, or the source could not be asked, 3 times; it is tried again",
        NOW + timedelta(minutes=8),
    )
    claimed = replace(PROFILE, claim=claim(NOW))
    assert told(case_of(with_plan(INVOICE, ISSUED), profile=claimed)).obstacles[0].until == NOW + timedelta(minutes=20)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"amount_due": 99}, "it is below the smallest sum that the policy reminds about"),
        ({"collects_automatically": True}, "its source charges it by itself"),
        ({"due_date": None}, "it has no due date"),
        ({"amount_due": 0}, "nothing is owed"),
    ],
)
def test_why_nothing_comes_at_all_is_told(changes: dict[str, object], why: str) -> None:
    follows = replace(BRIEF, minimum_balance={"EUR": 100})
    invoice = {name: getattr(INVOICE, name) for name in INVOICE.__slots__} | changes
    silent = planned(type(INVOICE)(**invoice), PROFILE.contact, follows, ISSUED, "test").invoice
    one = only(case_of(silent), follows)
    assert (one.what, one.why, one.at) == ("nothing", why, None)


def test_what_is_with_the_team_or_at_its_end_says_so() -> None:
    handed_over = only(case_of(replace(INVOICE, escalated=True)))
    assert (handed_over.what, handed_over.why) == ("nothing automatic", "it was handed over to our own people")
    short = replace(BRIEF, steps=BRIEF.steps[:1])
    ended = work_off(case_of(with_plan(INVOICE, ISSUED, short)), FIRST_AT, short).case
    task = only(ended, short)
    assert (task.what, task.at) == ("the team is told", FIRST_AT + timedelta(hours=72))
    assert only(case_of(replace(INVOICE, level=1, last_step="first")), short).why == "its plan has ended, and the team was told"


def test_what_credit_covers_says_so() -> None:
    covered = replace(with_plan(INVOICE, ISSUED), suppressed_for="covered_by_credit", next_at=utc("2026-03-18 09:00"))
    one = only(case_of(covered))
    assert (one.at, reasons(one)) == (utc("2026-03-18 09:00"), ["the customer's credit covers it; it is looked at again"])


def test_what_waits_for_a_persons_approval_says_so() -> None:
    waiting = replace(with_plan(INVOICE, ISSUED), approval=Approval("first", ApprovalState.ASKED, INVOICE.amount_due))
    one = only(case_of(waiting))
    assert (one.at, reasons(one)) == (None, ["a person has not approved it yet"])


def test_a_customer_who_is_not_to_be_chased_is_told_of() -> None:
    explanation = told(case_of(with_plan(INVOICE, ISSUED), profile=replace(PROFILE, do_not_chase=True)))
    assert [one.words for one in explanation.obstacles] == ["the customer is marked do_not_chase"]
    assert (explanation.next[0].at, explanation.next[0].if_released) == (None, FIRST_AT)


def test_a_step_whose_condition_will_fail_is_told_to_be_skipped() -> None:
    follows = replace(BRIEF, steps=(replace(BRIEF.steps[0], condition=never, condition_text="amount_due > 500"), *BRIEF.steps[1:]))
    one = only(case_of(with_plan(INVOICE, ISSUED, follows)), follows)
    assert (one.what, one.why) == ("the step first is skipped", "condition not met: amount_due > 500")


def test_a_customer_who_cannot_be_reached_is_told_of() -> None:
    nobody = Profile(PROFILE.customer, Contact("Acme"))
    one = only(case_of(with_plan(INVOICE, ISSUED, contact=nobody.contact), profile=nobody))
    assert one.what == "nothing, for the customer has no address for it"


def test_a_thank_you_is_told_and_what_is_settled_is_not() -> None:
    paid = replace(INVOICE, status=Status.PAID, amount_due=0, reminders_sent=1, thanks_at=utc("2026-03-13 08:00"))
    one = only(case_of(paid), replace(BRIEF, on_paid_email="thank_you"))
    assert (one.what, one.at) == ("mail to say thank you", utc("2026-03-13 08:00"))
    assert told(case_of(replace(paid, thanks_at=None))).next == ()
