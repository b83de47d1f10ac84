from datetime import timedelta

import pytest

from infra.demo.timeline import Line, line, position, ticks
from infra.samples.book import Sample
from tests.unit.demo.invented import DISPUTED, END, PART, START, UNHEARD, VOIDED, entry, ledger


def of(sample: Sample) -> Line:
    return line(ledger(), entry(sample))


@pytest.mark.parametrize(("day", "percent"), [(0, 0), (15, 25), (30, 50), (60, 100), (-3, 0), (90, 100)])
def test_a_place_on_the_axis_is_the_share_of_the_period_that_has_passed(day: int, percent: float) -> None:
    assert position(ledger(), START + timedelta(days=day)) == percent


def test_the_axis_has_a_tick_for_each_week() -> None:
    labels = [tick.label for tick in ticks(ledger())]
    assert labels == ["2 Mar", "9 Mar", "16 Mar", "23 Mar", "30 Mar", "6 Apr", "13 Apr", "20 Apr", "27 Apr"]


def test_messages_payments_and_escalation_stand_at_their_days() -> None:
    marks = {(mark.kind, mark.x) for mark in of(PART).marks}
    assert marks == {
        ("due", position(ledger(), START + timedelta(days=18, hours=4))),
        ("reminder", position(ledger(), START + timedelta(days=25.05))),
        ("warning", position(ledger(), START + timedelta(days=27.05))),
        ("part", position(ledger(), START + timedelta(days=28.3))),
        ("escalated", position(ledger(), START + timedelta(days=30.05))),
    }


def test_marks_come_in_the_order_of_time_for_who_hears_them_read() -> None:
    labels = [mark.label for mark in of(PART).marks]
    assert labels == [
        "due Fri 20 Mar",
        "reminder 1 by mail Fri 27 Mar",
        "reminder 2 by mail and SMS Sun 29 Mar",
        "USD 9,000.00 paid Mon 30 Mar",
        "handed to collections Wed 1 Apr",
    ]


def test_a_hold_spans_from_dispute_to_release() -> None:
    (held,) = [span for span in of(DISPUTED).spans if span.kind == "held"]
    assert held.x == position(ledger(), START + timedelta(days=29.2))
    assert held.x + held.width == pytest.approx(position(ledger(), START + timedelta(days=42.15)), abs=0.01)


def test_an_open_invoice_is_overdue_to_the_end_and_a_voided_one_only_until_then() -> None:
    (overdue,) = [span for span in of(PART).spans if span.kind == "overdue"]
    assert overdue.x + overdue.width == pytest.approx(position(ledger(), END), abs=0.01)
    (closed,) = [span for span in of(VOIDED).spans if span.kind == "overdue"]
    assert closed.x + closed.width == pytest.approx(position(ledger(), START + timedelta(days=18.3)), abs=0.01)


def test_what_was_not_sent_is_marked_too() -> None:
    assert [mark.kind for mark in of(UNHEARD).marks] == ["due", "paid", "suppressed"]
