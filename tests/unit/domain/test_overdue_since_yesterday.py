"""What is due since an earlier day runs at its own time of day, where that is still ahead (DESIGN §7, catching up)."""

from dataclasses import replace
from datetime import datetime, timedelta

from dunning.domain.case import Case
from dunning.domain.decision import decide
from dunning.domain.works import Verdict, Work
from tests.unit.domain.builders import BRIEF, FIRST_AT, INVOICE, case_of, utc

DUE_NOW = replace(INVOICE, next_step="first", next_at=FIRST_AT)
SECOND_DUE = replace(INVOICE, level=1, last_step="first", anchor_at=FIRST_AT, next_step="second", next_at=utc("2026-03-19 12:00"))
ALL_HOURS = replace(BRIEF, send_window={})
MIDNIGHT = utc("2026-03-20 00:00")


def decided(case: Case, now: datetime) -> Work:
    (work,) = decide(case, lambda _: ALL_HOURS, now)
    return work


def test_a_message_held_until_midnight_waits_for_its_own_time() -> None:
    work = decided(case_of(DUE_NOW), MIDNIGHT)
    assert (work.verdict, work.move_to) == (Verdict.MOVE, FIRST_AT + timedelta(days=3))


def test_later_that_day_it_runs_at_once() -> None:
    assert decided(case_of(DUE_NOW), FIRST_AT + timedelta(days=3, minutes=1)).verdict is Verdict.RUN


def test_a_step_that_names_no_time_of_day_runs_at_once() -> None:
    assert decided(case_of(SECOND_DUE), MIDNIGHT).verdict is Verdict.RUN
