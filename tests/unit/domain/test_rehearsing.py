"""Working a case off in memory goes as run_step goes, and ends."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from dunning.domain.activity import ActivityType
from dunning.domain.case import Case
from dunning.domain.errors import Permanent
from dunning.domain.holds import Hold, HoldKind
from dunning.domain.policy import Facts, Policy
from dunning.domain.rehearsing import Turn, turns
from tests.unit.domain.builders import BRIEF, FIRST_AT, INVOICE, ISSUED, PROFILE, case_of, utc, with_plan

FAR = utc("2027-01-01 00:00")


def rehearse(case: Case, follows: Policy = BRIEF, until: datetime = FAR) -> list[Turn]:
    return list(turns(case, lambda _: follows, ISSUED, until))


def test_the_brief_comes_at_its_instants() -> None:
    done = rehearse(case_of(with_plan(INVOICE, ISSUED)))
    assert [(turn.at, turn.works[0].step) for turn in done] == [
        (FIRST_AT, "first"),
        (utc("2026-03-19 09:00"), "second"),
        (utc("2026-03-22 09:00"), "escalate"),
    ]
    assert done[-1].case.invoices["in_1"].escalated


def test_it_stops_before_the_end_of_the_span() -> None:
    assert rehearse(case_of(with_plan(INVOICE, ISSUED)), until=FIRST_AT) == []


def test_a_held_case_waits() -> None:
    held = replace(PROFILE, holds={HoldKind.OPERATOR: Hold(ISSUED)})
    assert rehearse(case_of(with_plan(INVOICE, ISSUED), profile=held)) == []


def test_a_hold_that_runs_out_lets_the_step_it_held_run_then() -> None:
    until = utc("2026-03-20 10:00")
    held = replace(PROFILE, holds={HoldKind.REPLY: Hold(ISSUED, until)})
    first = rehearse(case_of(with_plan(INVOICE, ISSUED), profile=held))[0]
    assert (first.at, [activity.type for activity in first.activities]) == (until, [ActivityType.RELEASED, ActivityType.SENT])


def test_more_invoices_than_one_claim_takes_are_all_worked_off() -> None:
    many = [with_plan(replace(INVOICE, id=f"in_{number}"), ISSUED) for number in range(45)]
    done = rehearse(case_of(*many), until=utc("2026-03-18 00:00"))
    assert sum(len(turn.works) for turn in done) == 45
    assert {turn.at for turn in done} == {FIRST_AT}


def test_a_condition_that_cannot_be_evaluated_parks_the_case_as_it_does_in_production() -> None:
    def broken(_: Facts) -> bool:
        raise Permanent("condition 'x' cannot be evaluated")

    follows = replace(BRIEF, steps=(replace(BRIEF.steps[0], condition=broken, condition_text="x"),))
    (parked,) = rehearse(case_of(with_plan(INVOICE, ISSUED, follows)), follows)
    assert [activity.type for activity in parked.activities] == [ActivityType.HELD]
    assert HoldKind.PARKED in parked.case.profile.holds


class _Contradictory:
    """A calendar that says no, then yes, to the same question."""

    def __init__(self) -> None:
        self.asked = 0

    def is_workday(self, _: date) -> bool:
        self.asked += 1
        return self.asked % 2 == 0


def test_a_case_that_nothing_moves_on_is_an_error_and_no_endless_loop() -> None:
    case = case_of(with_plan(INVOICE, ISSUED))
    with pytest.raises(Permanent, match="nothing moves it on"):
        rehearse(case, replace(BRIEF, calendar=_Contradictory()))
