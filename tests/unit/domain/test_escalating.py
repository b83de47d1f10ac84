"""When an invoice is handed to a team: by amount, age, level, tag, and after three reminders."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dunning.content.conditions import Expression
from dunning.domain.case import EffectState, Mark
from dunning.domain.decision import decide
from dunning.domain.effects import Channel
from dunning.domain.fee_records import FeeState
from dunning.domain.fees import Amounts, Basis, FeeMode, LateFee
from dunning.domain.invoice import Approval, ApprovalState, Invoice
from dunning.domain.planning import rearmed
from dunning.domain.policy import AfterDue, Scope, Step
from dunning.domain.settlement import Done
from dunning.domain.works import Verdict
from tests.unit.domain.builders import ACME, ESCALATE, INVOICE, NINE, PROFILE, SECOND, case_of, claim, policy, settlement, utc, work_off

NOW = utc("2026-03-22 09:00")
DUE = replace(INVOICE, level=2, last_step="second", next_step="escalate", next_at=NOW, reminders_sent=2)


def works(condition: str, invoice: Invoice = DUE, *, message: bool = False) -> list[tuple[Verdict, list[Channel]]]:
    step = replace(ESCALATE, escalate_condition=Expression(condition), escalate_condition_text=condition)
    if message:
        step = replace(step, email="second_notice")
    case = case_of(invoice, profile=replace(PROFILE, contact=replace(ACME, tags=("vip",))))
    return [(work.verdict, [effect.channel for effect in work.effects]) for work in decide(case, lambda _: policy(SECOND, step), NOW)]


@pytest.mark.parametrize(
    ("condition", "handed_over"),
    [
        ("amount_due >= 100", True),
        ("amount_due >= 1000", False),
        ("days_overdue > 10", True),
        ("days_overdue > 30", False),
        ("level >= 2", True),
        ("'vip' not in tags", False),
        ("reminders_sent >= 3", False),
        ("reminders_sent >= 2 and not replied", True),
    ],
)
def test_a_condition_decides_whether_the_team_takes_over(condition: str, handed_over: bool) -> None:
    assert works(condition) == ([(Verdict.RUN, [Channel.TEAM])] if handed_over else [(Verdict.SKIP, [])])
    mail = [Channel.EMAIL, Channel.TEAM] if handed_over else [Channel.EMAIL]
    assert works(condition, message=True) == [(Verdict.RUN, mail)]


def test_a_team_that_was_told_under_an_abandoned_claim_counts_as_told_whatever_holds_now() -> None:
    step = replace(ESCALATE, escalate_condition=Expression("amount_due > 9999"), escalate_condition_text="amount_due > 9999")
    told = claim(NOW, {"team:escalate:in_1": Mark(EffectState.DONE)})
    (work,) = decide(case_of(DUE, profile=replace(PROFILE, claim=told)), lambda _: policy(SECOND, step), NOW)
    assert (work.begun, [effect.channel for effect in work.effects]) == (True, [Channel.TEAM])


FEE = LateFee(Basis.CONTRACT, FeeMode.APPLY, percent=Decimal(5))
LAST = replace(ESCALATE, email="second_notice", approve_above=Amounts({"EUR": 100_00}))


def done(step: Step, invoice: Invoice = DUE) -> tuple[list[str], Invoice, list[str]]:
    """What goes out, the invoice afterwards, and what is logged."""
    case = case_of(invoice)
    sent = [f"{effect.channel}: {effect.reason}" for work in decide(case, lambda _: policy(SECOND, step), NOW) for effect in work.effects]
    settled = work_off(case, NOW, policy(SECOND, step))
    return sent, settled.case.invoices["in_1"], [one.type.value for one in settled.activities]


UNSENT = "nothing was sent to the customer with this step: 120.00 EUR needs a person's approval"


def test_a_hand_over_waits_for_nobodys_approval_and_what_the_customer_would_get_is_left_away() -> None:
    sent, invoice, logged = done(LAST)
    assert sent == [f"team: {UNSENT}"]
    assert (invoice.escalated, invoice.approval, invoice.reminders_sent, logged) == (True, None, 2, ["escalated"])


@pytest.mark.parametrize("mode", FeeMode)
def test_the_fee_of_a_hand_over_that_nobody_approved_is_proposed_which_is_a_question_itself(mode: FeeMode) -> None:
    sent, invoice, logged = done(replace(LAST, email=None, late_fee=replace(FEE, mode=mode)))
    assert sent == [f"team: {UNSENT if mode is FeeMode.APPLY else None}"]
    assert [(fee.state, fee.amount) for fee in invoice.fees] == [(FeeState.PROPOSED, 6_00)]
    assert logged == ["escalated", "fee_proposed"]


def test_a_fee_that_is_only_proposed_is_not_asked_about_twice() -> None:
    fee_alone = Step("fee", AfterDue(14, NINE), late_fee=replace(FEE, mode=FeeMode.PROPOSE), approve_above=LAST.approve_above)
    _, invoice, logged = done(fee_alone, replace(DUE, next_step="fee"))
    assert (invoice.approval, logged[0]) == (None, "fee_proposed")


def test_a_declined_step_that_hands_over_still_does_without_mail_or_fee() -> None:
    declined = Approval("escalate", ApprovalState.DECLINED, 120_00, "they dispute it")
    sent, invoice, _ = done(replace(LAST, late_fee=FEE), replace(DUE, approval=declined))
    assert sent == ["team: nothing was sent to the customer with this step: declined by a person: they dispute it"]
    assert (invoice.escalated, invoice.fees) == (True, ())


def test_what_was_approved_goes_to_the_customer_and_the_team() -> None:
    sent, _, _ = done(LAST, replace(DUE, approval=Approval("escalate", ApprovalState.APPROVED, 120_00)))
    assert sent == ["email: None", "team: None"]


def test_a_question_about_a_hand_over_that_was_asked_before_this_rule_stands_no_more() -> None:
    asked = case_of(replace(DUE, approval=Approval("escalate", ApprovalState.ASKED, 120_00)))
    assert rearmed(asked, NOW, lambda _: policy(SECOND, LAST)).profile.due_at == NOW


def test_a_hand_over_without_its_message_that_was_abandoned_is_not_given_one_by_the_next_claim() -> None:
    told = claim(NOW, {"team:escalate:in_1": Mark(EffectState.DONE)})
    case = case_of(DUE, profile=replace(PROFILE, claim=told))
    (work,) = decide(case, lambda _: policy(SECOND, replace(LAST, late_fee=FEE)), NOW)
    assert [effect.channel for effect in work.effects] == [Channel.TEAM]
    settled = settlement(NOW, policy(SECOND, replace(LAST, late_fee=FEE))).apply(case, [Done(work, {})])
    assert [fee.state for fee in settled.case.invoices["in_1"].fees] == [FeeState.PROPOSED]


def test_in_one_message_over_the_limit_what_hands_over_does_and_the_rest_is_asked_about_or_goes_without_it() -> None:
    limit = Amounts({"EUR": 200_00})
    first, last = replace(SECOND, at=AfterDue(7, NINE), condition=None, sms=None, approve_above=limit), replace(LAST, approve_above=limit)
    follows = replace(policy(first, last), scope=Scope.CUSTOMER)
    other = replace(DUE, id="in_2", next_step="second", level=0, last_step=None)

    def channels(*invoices: Invoice) -> list[tuple[Verdict, list[Channel]]]:
        return [(work.verdict, [one.channel for one in work.effects]) for work in decide(case_of(*invoices), lambda _: follows, NOW)]

    assert channels(DUE, other) == [(Verdict.RUN, [Channel.TEAM]), (Verdict.RUN, [Channel.EMAIL])]
    assert channels(DUE, replace(other, amount_due=210_00)) == [(Verdict.RUN, [Channel.TEAM]), (Verdict.ASK, [])]
