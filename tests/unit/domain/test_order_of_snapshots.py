"""Webhooks come twice, late and in any order: whatever Stripe sends, the case ends with what is true."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dunning.domain.case import Case
from dunning.domain.invoice import Invoice, Snapshot, Status
from dunning.domain.recording import Recorded
from tests.unit.domain.builders import ISSUED, SEEN, STRIPE_TERMINAL, case_of, record

NOW = ISSUED + timedelta(days=2)

ANY_SNAPSHOT = st.builds(
    lambda status, owed, due, automatic, minutes: replace(
        SEEN, status=status, amount_due=owed, due=due, collects_automatically=automatic, stamp=ISSUED + timedelta(minutes=minutes)
    ),
    st.sampled_from(Status),
    st.sampled_from([0, 70_00, 120_00]),
    st.sampled_from([None, date(2026, 3, 10), date(2026, 4, 10)]),
    st.booleans(),
    st.integers(0, 30),
)


@st.composite
def lives(draw: st.DrawFn) -> list[Snapshot]:
    """What Stripe showed of one invoice, oldest first: no two alike, more than a minute apart, final only at its end."""
    owed = draw(st.lists(st.integers(1, 120_00), min_size=1, max_size=5, unique=True))
    gaps = draw(st.lists(st.integers(61, 5_000), min_size=len(owed), max_size=len(owed)))
    statuses = st.sampled_from([Status.OPEN, Status.OPEN, Status.UNCOLLECTIBLE])
    shown: list[Snapshot] = []
    stamp: datetime = ISSUED
    for amount, gap in zip(owed, gaps, strict=True):
        stamp += timedelta(seconds=gap)
        shown.append(replace(SEEN, status=draw(statuses), amount_due=amount, stamp=stamp))
    end = draw(st.sampled_from([None, Status.PAID, Status.VOID]))
    if end:
        shown.append(replace(SEEN, status=end, amount_due=0, stamp=stamp + timedelta(seconds=61)))
    return shown


def told(case: Case, snapshots: list[Snapshot], truth: Snapshot | None = None) -> Case:
    """The case after these webhooks; what is doubtful is asked of the source, which knows the truth."""
    for seen in snapshots:
        recorded = record(case, seen, NOW)
        case = record(case, replace(truth, stamp=NOW), NOW, fetched=True).case if truth and recorded.doubtful else recorded.case
    return case


def facts(invoice: Invoice) -> tuple[object, ...]:
    return invoice.status, invoice.amount_due, invoice.due_date, invoice.is_open and invoice.next_at


@given(st.data(), lives())
def test_any_order_ends_with_the_newest_word(data: st.DataObject, shown: list[Snapshot]) -> None:
    shuffled = data.draw(st.permutations(shown))
    newest = shown[-1]
    invoice = told(case_of(), shuffled, newest).invoices["in_1"]
    assert (invoice.status, invoice.amount_due) == (newest.status, newest.amount_due)
    assert facts(invoice) == facts(told(case_of(), shown, newest).invoices["in_1"])


def test_a_late_word_that_was_taken_back_since_is_not_believed() -> None:
    """Known: A. Then A again, which leaves no trace, and late the B that lay between them."""
    known = told(case_of(), [replace(SEEN, stamp=NOW - timedelta(minutes=50))])
    again = told(known, [replace(SEEN, stamp=NOW - timedelta(minutes=20))])
    late = record(again, replace(SEEN, amount_due=5_00, stamp=NOW - timedelta(minutes=35)), NOW)
    assert (late.case, late.doubtful) == (known, True)


def test_a_word_that_comes_promptly_is_believed() -> None:
    known = told(case_of(), [replace(SEEN, stamp=NOW - timedelta(minutes=50))])
    prompt = record(known, replace(SEEN, amount_due=5_00, stamp=NOW - timedelta(seconds=20)), NOW)
    assert (prompt.case.invoices["in_1"].amount_due, prompt.doubtful) == (5_00, False)


@given(st.data(), lives())
def test_words_that_come_again_add_nothing(data: st.DataObject, shown: list[Snapshot]) -> None:
    shuffled = data.draw(st.permutations(shown))
    again = data.draw(st.lists(st.sampled_from(shown), max_size=6))
    case = told(case_of(), shuffled)
    assert told(case, again) == case


@given(st.lists(ANY_SNAPSHOT, max_size=5), ANY_SNAPSHOT, st.booleans())
def test_recording_the_same_snapshot_twice_changes_nothing(before: list[Snapshot], seen: Snapshot, fetched: bool) -> None:
    once = record(told(case_of(), before), seen, NOW, fetched=fetched)
    twice = record(once.case, seen, NOW, fetched=fetched)
    assert twice == Recorded(once.case, doubtful=once.doubtful)


@given(st.lists(ANY_SNAPSHOT, max_size=5), ANY_SNAPSHOT)
def test_what_was_paid_or_voided_stays_so(before: list[Snapshot], seen: Snapshot) -> None:
    case = told(case_of(), before)
    known = case.invoices.get("in_1")
    after = record(case, seen, NOW, fetched=True).case.invoices.get("in_1")
    if known and known.status in STRIPE_TERMINAL:
        assert after == known


@given(st.lists(ANY_SNAPSHOT, max_size=6))
def test_only_what_is_open_has_a_next_step_and_never_in_the_past(shown: list[Snapshot]) -> None:
    invoice = told(case_of(), shown).invoices.get("in_1")
    if invoice and invoice.next_at:
        assert invoice.is_open
        assert invoice.next_at >= NOW


@given(st.lists(ANY_SNAPSHOT, max_size=6), st.sampled_from([70_00, 90_00, 120_00]))
def test_whatever_came_before_asking_the_source_ends_with_what_it_says(shown: list[Snapshot], owed: int) -> None:
    """The last check before sending, and the daily sweep, heal what an order of webhooks cannot tell."""
    asked = replace(SEEN, amount_due=owed, stamp=NOW)
    invoice = record(told(case_of(), shown), asked, NOW, fetched=True).case.invoices["in_1"]
    assert invoice.amount_due == owed or invoice.status in STRIPE_TERMINAL


@given(st.lists(ANY_SNAPSHOT, max_size=6))
def test_every_change_is_logged_and_nothing_else_is(shown: list[Snapshot]) -> None:
    case = case_of()
    for seen in shown:
        recorded = record(case, seen, NOW)
        assert bool(recorded.activities) == (recorded.case != case)
        case = recorded.case
