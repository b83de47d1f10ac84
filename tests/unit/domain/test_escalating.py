"""When an invoice is handed to a team: by amount, age, level, tag, and after three reminders."""

from dataclasses import replace

import pytest

from dunning.content.conditions import Expression
from dunning.domain.case import EffectState
from dunning.domain.decision import decide
from dunning.domain.effects import Channel
from dunning.domain.invoice import Invoice
from dunning.domain.works import Verdict
from tests.unit.domain.builders import ACME, ESCALATE, INVOICE, PROFILE, SECOND, case_of, claim, policy, utc

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
    told = claim(NOW, {"team:escalate:in_1": EffectState.DONE})
    (work,) = decide(case_of(DUE, profile=replace(PROFILE, claim=told)), lambda _: policy(SECOND, step), NOW)
    assert (work.begun, [effect.channel for effect in work.effects]) == (True, [Channel.TEAM])
