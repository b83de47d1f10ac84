"""The smallest sum worth a reminder, where it is measured against all that a customer owes."""

from dataclasses import replace
from datetime import timedelta

from dunning.domain.decision import decide
from dunning.domain.planning import planned
from dunning.domain.policy import Scope
from dunning.domain.works import Verdict
from tests.unit.domain.builders import ACME, BRIEF, INVOICE, case_of, utc

FOLLOWS = replace(BRIEF, scope=Scope.CUSTOMER, minimum_balance={"EUR": 50_00})
AT = utc("2026-03-22 09:00")
HANDED_OVER = replace(INVOICE, id="in_1", amount_due=30_00, escalated=True, level=3, last_step="escalate")
SMALL = replace(INVOICE, id="in_2", amount_due=25_00, level=2, last_step="second", anchor_at=AT - timedelta(hours=72))


def test_the_team_is_told_of_an_invoice_however_little_is_left() -> None:
    waiting = replace(SMALL, next_step="escalate", next_at=AT)
    (work,) = decide(case_of(waiting), lambda _: FOLLOWS, AT)
    assert (work.verdict, work.effects[0].to) == (Verdict.RUN, "collections")


def test_the_customer_is_not_written_to_about_a_small_sum() -> None:
    waiting = replace(SMALL, level=1, last_step="first", next_step="second", next_at=AT)
    (work,) = decide(case_of(waiting), lambda _: FOLLOWS, AT)
    assert (work.verdict, work.reason) == (Verdict.REPLAN, "all together has become too small")


def test_an_invoice_that_was_handed_over_is_not_called_too_small() -> None:
    plan = planned(HANDED_OVER, ACME, FOLLOWS, AT, "run_step", balance=30_00)
    assert (plan.invoice.suppressed_for, plan.activities) == (None, ())
