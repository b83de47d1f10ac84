"""Holds of cases and of single invoices: they overlap, end by themselves or by somebody, and never lose a step."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dunning.domain.case import Case
from dunning.domain.decision import decide, due_invoices
from dunning.domain.holding import hold_case, hold_invoice, release_case, release_invoice
from dunning.domain.holds import Hold, HoldKind, run_out
from dunning.domain.invoice import Invoice, Status
from dunning.domain.planning import next_instant, rearmed
from dunning.domain.policy import Policy, Scope
from dunning.domain.run_out import MOST_ENDED_AT_ONCE, run_out_ended
from tests.unit.domain.builders import BRIEF, FIRST_AT, INVOICE, ISSUED, SEEN, case_of, record, utc, with_plan, work_off

HOUR = timedelta(hours=1)
PLANNED = with_plan(INVOICE, ISSUED)
SIBLING = replace(PLANNED, id="in_2", number="ACME-0008")
TWO = case_of(PLANNED, SIBLING)
UNTIL_NOON = Hold(ISSUED, utc("2026-03-18 12:00"), "waits for a delivery note")
UNTIL_TOLD = Hold(ISSUED)
CONSOLIDATED = replace(BRIEF, scope=Scope.CUSTOMER)


def one_invoice_held(hold: Hold = UNTIL_TOLD, kind: HoldKind = HoldKind.DISPUTE, case: Case = TWO) -> Case:
    return hold_invoice(case, case.invoices["in_1"], kind, hold, "test")[0]


def written_about(case: Case, now: datetime, follows: Policy = BRIEF) -> set[str]:
    works = decide(case, lambda _: follows, now)
    return {invoice for work in works for effect in work.effects for invoice in effect.invoices}


def test_of_two_invoices_the_one_that_is_held_stays_out_of_messages_and_its_sibling_goes_on() -> None:
    for follows in (BRIEF, CONSOLIDATED):
        assert written_about(TWO, FIRST_AT, follows) == {"in_1", "in_2"}
        assert written_about(one_invoice_held(), FIRST_AT, follows) == {"in_2"}


def test_a_held_invoice_does_not_ride_along_with_a_message_that_goes_out_earlier_the_same_day() -> None:
    later = replace(PLANNED, next_at=FIRST_AT + HOUR)
    case = one_invoice_held(case=case_of(later, SIBLING))
    assert written_about(case_of(later, SIBLING), FIRST_AT, CONSOLIDATED) == {"in_1", "in_2"}
    assert written_about(case, FIRST_AT, CONSOLIDATED) == {"in_2"}


def test_the_timer_of_a_held_invoice_is_its_siblings_only() -> None:
    assert next_instant(one_invoice_held(case=case_of(PLANNED))) is None
    assert next_instant(one_invoice_held(case=case_of(PLANNED, replace(SIBLING, next_at=FIRST_AT + HOUR)))) == FIRST_AT + HOUR


def test_a_hold_that_ends_by_date_sets_the_timer() -> None:
    case = one_invoice_held(UNTIL_NOON, HoldKind.OPERATOR, case_of(PLANNED))
    assert rearmed(case, ISSUED).profile.due_at == UNTIL_NOON.until
    held, _ = hold_case(case_of(PLANNED), HoldKind.OPERATOR, UNTIL_NOON, "test")
    assert rearmed(held, ISSUED).profile.due_at == UNTIL_NOON.until


def test_when_its_time_is_over_a_hold_ends_with_its_reason_and_the_step_runs() -> None:
    noon = utc("2026-03-18 12:00")
    held, _ = hold_case(case_of(PLANNED), HoldKind.OPERATOR, UNTIL_NOON, "test")
    assert run_out_ended(held, noon - timedelta(seconds=1), "run_step") == (held, ())
    freed, logged = run_out_ended(held, noon, "run_step")
    assert [(activity.type.value, activity.reason) for activity in logged] == [("released", "operator: its time is over")]
    assert written_about(freed, noon) == {"in_1"}
    assert run_out_ended(freed, noon, "run_step") == (freed, ())


def test_the_same_hold_twice_changes_nothing_and_another_end_is_told() -> None:
    held, logged = hold_case(TWO, HoldKind.OPERATOR, UNTIL_NOON, "cli")
    assert [activity.reason for activity in logged] == ["operator: waits for a delivery note, until 2026-03-18 12:00 UTC"]
    assert hold_case(held, HoldKind.OPERATOR, replace(UNTIL_NOON, since=ISSUED + HOUR), "cli") == (held, ())
    longer, told = hold_case(held, HoldKind.OPERATOR, Hold(ISSUED + HOUR, None, "no date yet"), "cli")
    assert [(activity.type.value, activity.reason) for activity in told] == [("updated", "operator: no date yet")]
    assert longer.profile.holds == {HoldKind.OPERATOR: Hold(ISSUED, None, "no date yet")}


def test_releasing_what_is_not_held_changes_nothing() -> None:
    assert release_case(TWO, HoldKind.REPLY, "handled", ISSUED, "cli") == (TWO, ())
    assert release_invoice(TWO, PLANNED, HoldKind.DISPUTE, "settled", ISSUED, "cli") == (TWO, ())


def test_a_promise_does_not_end_before_its_source_was_asked_whether_the_money_came() -> None:
    case = one_invoice_held(UNTIL_NOON, HoldKind.PROMISE, case_of(PLANNED))
    noon = utc("2026-03-18 12:00")
    assert run_out_ended(case, noon, "run_step", asked=()) == (case, ())
    assert run_out_ended(case, noon, "run_step", asked=("in_1",))[0].invoices["in_1"].holds == {}


def test_holds_that_end_together_end_a_few_at_a_time_and_the_timer_stays_due() -> None:
    many = [replace(PLANNED, id=f"in_{n}", holds={HoldKind.OPERATOR: UNTIL_NOON}) for n in range(3 * MOST_ENDED_AT_ONCE)]
    case, noon, rounds = case_of(*many), utc("2026-03-18 12:00"), 0
    while any(invoice.is_held for invoice in case.invoices.values()):
        assert min(hold.until for invoice in case.invoices.values() for hold in invoice.holds.values() if hold.until) == noon
        assert (next_instant(case) or noon + HOUR) <= noon
        case, logged = run_out_ended(case, noon, "run_step")
        assert len(logged) == MOST_ENDED_AT_ONCE
        rounds += 1
    assert rounds == 3


def test_an_invoice_that_is_paid_or_gone_waits_for_nothing_any_more() -> None:
    held = one_invoice_held()
    paid = record(held, replace(SEEN, status=Status.PAID, amount_due=0, stamp=ISSUED + HOUR), ISSUED + HOUR)
    assert paid.case.invoices["in_1"].holds == {}
    assert [activity.type.value for activity in paid.activities] == ["paid", "released"]


KINDS = st.sampled_from(HoldKind)
ENDS = st.none() | st.integers(0, 60).map(lambda days: FIRST_AT + timedelta(days=days, hours=3))
MOVES = st.lists(st.tuples(st.sampled_from(("hold case", "hold invoice", "release case", "release invoice")), KINDS, ENDS), max_size=8)


def moved(case: Case, move: str, kind: HoldKind, until: datetime | None, now: datetime) -> Case:
    invoice: Invoice = case.invoices["in_1"]
    match move:
        case "hold case":
            return hold_case(case, kind, Hold(now, until), "test")[0]
        case "hold invoice":
            return hold_invoice(case, invoice, kind, Hold(now, until), "test")[0]
        case "release case":
            return release_case(case, kind, "over", now, "test")[0]
        case _:
            return release_invoice(case, invoice, kind, "over", now, "test")[0]


@given(MOVES)
def test_nothing_is_due_before_all_holds_have_ended_and_then_the_step_that_waited_is(
    moves: list[tuple[str, HoldKind, datetime | None]],
) -> None:
    case = case_of(PLANNED)
    for move, kind, until in moves:
        case = moved(case, move, kind, until, ISSUED)
    for now in (FIRST_AT + timedelta(days=days, hours=4) for days in range(62)):
        case, _ = run_out_ended(case, now, "test")
        holds = [*case.profile.holds.values(), *case.invoices["in_1"].holds.values()]
        assert run_out(case.profile.holds, now) == run_out(case.invoices["in_1"].holds, now) == ()
        assert [invoice.id for invoice in due_invoices(case, now)] == ([] if holds else ["in_1"])
        assert case.invoices["in_1"].next_step == "first"


@settings(max_examples=25)
@given(MOVES, st.integers(0, 40))
def test_however_often_and_long_it_is_held_each_step_runs_once_in_order_and_the_plan_ends(
    moves: list[tuple[str, HoldKind, datetime | None]], released_after: int
) -> None:
    case, ran = case_of(PLANNED), list[str]()
    pending = list(moves)
    for now in (FIRST_AT + timedelta(hours=6 * turn) for turn in range(4 * 90)):
        if pending and not (now - FIRST_AT) % timedelta(days=2):
            case = moved(case, *pending.pop(), now)
        if now >= FIRST_AT + timedelta(days=released_after) and not pending:
            for kind in HoldKind:
                case = moved(moved(case, "release case", kind, None, now), "release invoice", kind, None, now)
        case, _ = run_out_ended(case, now, "test")
        assert run_out_ended(case, now, "test") == (case, ())
        before = case
        case = work_off(case, now).case
        if case.invoices["in_1"].last_step != before.invoices["in_1"].last_step:
            assert not before.profile.is_held
            assert not before.invoices["in_1"].is_held
            ran.append(str(case.invoices["in_1"].last_step))
    assert ran == ["first", "second", "escalate"]
