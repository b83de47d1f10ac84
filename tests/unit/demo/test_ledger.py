import pytest

from infra.demo.ledger import Outcome
from tests.unit.demo import invented
from tests.unit.demo.invented import DISPUTED, EARLY, PART, UNHEARD, VOIDED, entry, ledger


def test_each_invoice_ends_as_its_case_says() -> None:
    endings = {each.sample.number: each.outcome for each in ledger().entries}
    assert endings == {
        EARLY.number: Outcome.PAID,
        VOIDED.number: Outcome.WITHDRAWN,
        PART.number: Outcome.ESCALATED,
        DISPUTED.number: Outcome.COLLECTED,
        UNHEARD.number: Outcome.PAID,
    }


def test_only_what_was_paid_after_a_reminder_counts_as_collected() -> None:
    assert entry(DISPUTED).collected.minor == 394_000 - 150_000
    assert entry(DISPUTED).paid_unasked.minor == 150_000
    assert entry(EARLY).collected.minor == 0
    assert entry(UNHEARD).collected.minor == 0


def test_a_part_paid_after_a_reminder_counts_though_the_rest_is_open() -> None:
    assert entry(PART).collected.minor == 900_000
    assert entry(PART).still_due.minor == 990_000


def test_a_voided_invoice_is_owed_no_more() -> None:
    assert entry(VOIDED).still_due.minor == 0
    assert entry(VOIDED).withdrawn.minor == 732_000


def test_an_open_invoice_with_a_hold_is_on_hold() -> None:
    held = invented.case(UNHEARD, "open", UNHEARD.total, "2026-03-24", [], holds=["dispute"])
    (only,) = ledger((), {UNHEARD.number: (UNHEARD, held)}).entries
    assert only.outcome is Outcome.HELD


def test_the_parts_of_each_currency_add_up_to_what_was_owed() -> None:
    figures = ledger().figures()
    assert [each.currency for each in figures] == ["EUR", "GBP", "USD"]
    for each in figures:
        parts = (each.paid_unasked, each.collected, each.on_plan, each.escalated, each.withdrawn)
        assert sum(part.minor for part in parts) == each.owed.minor > 0


def test_mail_and_sms_of_one_step_are_one_reminder() -> None:
    assert [len(messages) for messages in entry(PART).reminders] == [1, 2]


def test_an_invoice_that_the_cloud_lost_is_missed() -> None:
    empty = {**invented.case(EARLY, "paid", 0, None, []), "invoices": []}
    with pytest.raises(LookupError, match=EARLY.number):
        ledger((), {EARLY.number: (EARLY, empty)})
