"""One sender a day for the digest."""

from tests.contract.storage.cases import NOW
from tests.contract.storage.stores import Storage


def test_one_of_two_sends_a_days_digest_and_knows_itself_again(storage: Storage) -> None:
    notes = storage.digest_notes
    assert [notes.begin("2026-03-02", owner, NOW) for owner in ("a", "b", "a")] == [True, False, True]
    assert notes.begin("2026-03-03", "b", NOW)


def test_what_was_taken_back_another_may_send(storage: Storage) -> None:
    notes = storage.digest_notes
    notes.begin("2026-03-02", "a", NOW)
    notes.take_back("2026-03-02", "a")
    assert notes.begin("2026-03-02", "b", NOW)


def test_nobody_takes_back_what_another_noted(storage: Storage) -> None:
    notes = storage.digest_notes
    notes.take_back("2026-03-02", "b")  # nobody's: nothing to do
    notes.begin("2026-03-02", "a", NOW)
    notes.take_back("2026-03-02", "b")
    assert not notes.begin("2026-03-02", "c", NOW)
