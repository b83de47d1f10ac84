"""When a question about a step over an amount ends, moves, or comes again; and that what is asked about is what would be sent."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.approval import waits_for_approval
from dunning.domain.case import Case
from dunning.domain.fees import Amounts
from dunning.domain.invoice import Approval, ApprovalState, Invoice, Status
from dunning.domain.part_payments import after_part_payment
from dunning.domain.planning import rearmed
from dunning.domain.policy import OnPartialPayment, PartialPaymentRule, Policy
from dunning.domain.rehearsing import Turn, turn, turns
from tests.unit.domain.builders import (
    ACME,
    DUE,
    ESCALATE,
    FIRST,
    FIRST_AT,
    INVOICE,
    PROFILE,
    SEEN,
    before_due,
    case_of,
    policy,
    record,
    utc,
    with_plan,
)

LIMIT = Amounts({"EUR": 100_00})
UPCOMING = replace(before_due("upcoming", 3), approve_above=LIMIT)
EARLY = policy(UPCOMING, FIRST)
LATE = policy(replace(FIRST, approve_above=LIMIT))
ASKED_AT = utc("2026-03-07 09:00")
"""Three days before the due date, at nine."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def lived(case: Case, follows: Policy, until: datetime, credit: Mapping[str, int] = {}) -> tuple[Case, list[Activity]]:
    """What our workers do until then, and what they log."""
    logged: list[Activity] = []
    for one in turns(case, lambda _: follows, ASKED_AT, until, credit):
        case, logged = one.case, [*logged, *one.activities]
    return case, logged


def waiting(follows: Policy, at: datetime, credit: Mapping[str, int] = {}, *more: Invoice) -> Case:
    """The case once a person was asked about the step that is due then, and told."""
    case = case_of(with_plan(INVOICE, utc("2026-03-01 09:00"), follows), *more)
    for _ in range(2):
        case = turn(case, lambda _: follows, at, credit).case
    assert waits_for_approval(case.invoices["in_1"])
    return case


def answered(case: Case, state: ApprovalState = ApprovalState.APPROVED) -> Case:
    known = case.invoices["in_1"]
    assert known.approval is not None
    return case.with_invoice(replace(known, approval=replace(known.approval, state=state)))


def said(logged: list[Activity]) -> list[tuple[str, str | None]]:
    return [(one.type.value, one.step) for one in logged if one.type is not ActivityType.NOTIFIED]


@pytest.mark.parametrize(
    ("zone", "ends"),
    [("UTC", "2026-03-11 00:00"), ("America/New_York", "2026-03-11 04:00"), ("Pacific/Auckland", "2026-03-10 11:00")],
)
def test_a_question_before_the_due_date_ends_with_that_day_and_the_plan_goes_on(zone: str, ends: str) -> None:
    case = waiting(EARLY, ASKED_AT)
    case = rearmed(case.with_profile(replace(PROFILE, contact=replace(ACME, timezone=zone))), ASKED_AT, lambda _: EARLY)
    assert case.profile.due_at == utc(ends)
    case, logged = lived(case, EARLY, utc("2026-04-01 00:00"))
    assert said(logged) == [("skipped", "upcoming"), ("sent", "first"), ("plan_ended", "first")]
    assert logged[0].reason == "its day had passed, and nobody had answered whether it may run"
    assert case.invoices["in_1"].approval is None


@pytest.mark.parametrize("together", [False, True])
def test_it_ends_so_while_others_of_its_message_wait_too(together: bool) -> None:
    asked = Approval("upcoming", ApprovalState.ASKED, 120_00, together=together)
    one = replace(with_plan(INVOICE, utc("2026-03-01 09:00"), EARLY), approval=asked, next_at=ASKED_AT)
    case = rearmed(case_of(one, replace(one, id="in_2", number="2")), ASKED_AT, lambda _: EARLY)
    _, logged = lived(case, EARLY, utc("2026-03-12 00:00"))
    assert said(logged) == [("skipped", "upcoming")]
    assert logged[0].invoices == ("in_1", "in_2")


@pytest.mark.parametrize("state", [ApprovalState.ASKED, ApprovalState.APPROVED, ApprovalState.DECLINED])
def test_when_the_due_date_moves_the_question_is_asked_anew_in_its_time_and_no_answer_outlives_it(state: ApprovalState) -> None:
    later = replace(SEEN, due=DUE + timedelta(days=10), stamp=ASKED_AT + HOUR)
    recorded = record(answered(waiting(EARLY, ASKED_AT), state), later, ASKED_AT + HOUR, EARLY, fetched=True)
    assert [one.reason for one in recorded.activities if one.type is ActivityType.RELEASED] == [
        "approval: the due date has changed, and a person is asked anew in time"
    ]
    case, logged = lived(recorded.case, EARLY, utc("2026-03-18 00:00"))
    assert [(one.type.value, one.at) for one in logged] == [
        ("held", ASKED_AT + timedelta(days=10)),
        ("notified", ASKED_AT + timedelta(days=10)),
    ]
    assert waits_for_approval(case.invoices["in_1"])


def test_what_was_asked_about_a_paid_invoice_does_not_wait_when_it_is_reopened() -> None:
    case = waiting(LATE, FIRST_AT)
    for status, hours in ((Status.PAID, 1), (Status.UNCOLLECTIBLE, 2), (Status.OPEN, 3)):
        at = FIRST_AT + hours * HOUR
        owed = 0 if status is Status.PAID else 120_00
        case = record(case, replace(SEEN, status=status, amount_due=owed, stamp=at), at, LATE, fetched=True).case
        if status is Status.PAID:
            case = case.with_invoice(replace(case.invoices["in_1"], status=Status.UNCOLLECTIBLE))
    assert case.invoices["in_1"].approval is None


CREDIT = {"EUR": 15_00}
NET = 105_00


def swept(case: Case, at: datetime) -> Case:
    """The daily reconciliation has nothing new to tell."""
    return rearmed(record(case, replace(SEEN, stamp=at), at, LATE, fetched=True).case, at, lambda _: LATE)


def test_what_is_asked_about_is_less_the_customers_credit_and_a_sweep_that_knows_of_none_leaves_it_so() -> None:
    case = waiting(LATE, FIRST_AT, CREDIT)
    assert case.invoices["in_1"].approval == Approval("first", ApprovalState.ASKED, NET, credit=15_00)
    after = swept(case, FIRST_AT + DAY)
    assert (after.invoices["in_1"].approval, after.profile.due_at) == (case.invoices["in_1"].approval, None)


def sent(done: Turn) -> list[str]:
    return [effect.kind for work in done.works for effect in work.effects]


@pytest.mark.parametrize(
    ("credit", "goes_out"), [({"EUR": 15_00}, True), ({"EUR": 16_00}, True), ({"EUR": 14_99}, False), ({"EUR": 1}, False)]
)
def test_an_approval_counts_for_the_sum_that_was_asked_about_and_no_more(credit: Mapping[str, int], goes_out: bool) -> None:
    case = answered(swept(waiting(LATE, FIRST_AT, CREDIT), FIRST_AT + DAY))
    done = turn(case, lambda _: LATE, FIRST_AT + DAY, credit)
    assert (sent(done) == ["reminder"], waits_for_approval(done.case.invoices["in_1"])) == (goes_out, not goes_out)


def test_credit_that_leaves_less_than_the_limit_ends_the_question_at_the_next_look() -> None:
    done = turn(waiting(LATE, FIRST_AT), lambda _: LATE, FIRST_AT + DAY, {"EUR": 20_00})
    assert sent(done) == ["reminder"]


def test_credit_that_ends_a_question_in_the_night_does_not_strand_the_step() -> None:
    night = turn(waiting(LATE, FIRST_AT), lambda _: LATE, FIRST_AT + 19 * HOUR, {"EUR": 20_00})
    assert sent(night) == []
    _, logged = lived(rearmed(night.case, FIRST_AT + 20 * HOUR, lambda _: LATE), LATE, FIRST_AT + 2 * DAY, {"EUR": 20_00})
    assert said(logged)[:1] == [("sent", "first")]


FEE = replace(INVOICE, id="fee", number="LF", amount_due=40_00, fee_id="LF-1", fee_for="in_1")


@pytest.mark.parametrize("state", [ApprovalState.APPROVED, ApprovalState.ASKED])
def test_a_late_fee_that_came_since_is_asked_about_too(state: ApprovalState) -> None:
    case = answered(waiting(LATE, FIRST_AT), state).with_invoice(FEE)
    case = rearmed(case, FIRST_AT + DAY, lambda _: LATE)
    assert case.profile.due_at == FIRST_AT
    done = turn(case, lambda _: LATE, FIRST_AT + DAY)
    (work,) = done.works
    assert "160.00 EUR is owed, 40.00 EUR of it late fees" in work.reason
    assert done.case.invoices["in_1"].approval == Approval("first", ApprovalState.ASKED, 160_00)
    assert lived(done.case, LATE, FIRST_AT + 30 * DAY)[1][1:] == []


def test_a_fee_and_credit_beside_it_come_to_rest() -> None:
    """The fee ends the question where no credit is known, and the credit lets it stand: it is asked anew, once."""
    case = rearmed(waiting(LATE, FIRST_AT, CREDIT).with_invoice(FEE), FIRST_AT + DAY, lambda _: LATE)
    done = turn(case, lambda _: LATE, FIRST_AT + DAY, {"EUR": 55_00})
    assert done.case.invoices["in_1"].approval == Approval("first", ApprovalState.ASKED, 105_00, credit=55_00)
    assert done.case.profile.notices.keys() == {"approval:in_1"}


RESTART = replace(LATE, on_partial_payment=OnPartialPayment(PartialPaymentRule.RESTART))


def test_a_step_that_runs_again_needs_a_fresh_answer() -> None:
    ran = turn(answered(waiting(RESTART, FIRST_AT)), lambda _: RESTART, FIRST_AT).case.invoices["in_1"]
    assert (ran.last_step, ran.approval) == ("first", None)


def test_an_answer_does_not_outlive_the_plan_that_it_was_about() -> None:
    approved = answered(waiting(RESTART, FIRST_AT)).invoices["in_1"]
    assert after_part_payment(approved, ACME, RESTART, FIRST_AT, "test").invoice.approval is None


def test_a_question_of_a_day_that_passed_while_nobody_looked_is_skipped_at_once() -> None:
    late = utc("2026-03-15 10:00")
    case = rearmed(waiting(EARLY, ASKED_AT), late, lambda _: EARLY)
    done = turn(case, lambda _: EARLY, late)
    assert said(list(done.activities)) == [("skipped", "upcoming")]
    assert done.case.invoices["in_1"].next_step == "first"
    assert date(2026, 3, 17) == (done.case.invoices["in_1"].next_at or late).date()


@pytest.mark.parametrize("owed", [60_00, 500_00])
def test_a_step_that_was_declined_is_not_sent_whatever_is_owed_by_then(owed: int) -> None:
    declined = answered(waiting(LATE, FIRST_AT), ApprovalState.DECLINED)
    case = record(declined, replace(SEEN, amount_due=owed, stamp=FIRST_AT + HOUR), FIRST_AT + HOUR, LATE, fetched=True).case
    assert said(list(turn(case, lambda _: LATE, FIRST_AT + DAY).activities))[0] == ("skipped", "first")


def test_a_question_ends_when_there_is_nobody_left_to_write_to_and_the_plan_goes_on() -> None:
    follows = policy(replace(FIRST, approve_above=LIMIT), ESCALATE)
    case = waiting(follows, FIRST_AT)
    opted_out = replace(case.profile, opted_out={"email": FIRST_AT, "sms": FIRST_AT})
    case = rearmed(case.with_profile(opted_out), FIRST_AT + HOUR, lambda _: follows)
    done = turn(case, lambda _: follows, case.profile.due_at or FIRST_AT + DAY)
    assert said(list(done.activities)) == [("suppressed", "first")]
    assert (done.activities[0].reason or "").startswith("no_channel")
    assert done.case.invoices["in_1"].next_step == "escalate"
