"""The one note of who waits for SES's quota: the word of the latest turn."""

from dataclasses import replace
from datetime import timedelta

from dunning.domain.mail_order import Waiting
from tests.contract.storage.cases import NOW
from tests.contract.storage.stores import Storage

TURN = timedelta(minutes=10)
KNOWN = Waiting((NOW - timedelta(days=2, microseconds=1), "xero:tenant:Ünal"), NOW, NOW + timedelta(minutes=75))


def test_nobody_waits_before_a_turn_has_said_so(storage: Storage) -> None:
    assert storage.waiting_mails.read() is None


def test_what_a_turn_noted_is_read_as_it_was_however_often_it_is_written(storage: Storage) -> None:
    for _ in range(2):
        storage.waiting_mails.put(KNOWN)
    assert storage.waiting_mails.read() == KNOWN


def test_a_later_turn_renews_or_ends_it_and_an_earlier_one_that_comes_late_changes_nothing(storage: Storage) -> None:
    later = replace(KNOWN, first=(NOW, "stripe:cus_1"), as_of=NOW + TURN, until=NOW + TURN)
    for waiting in (KNOWN, later, KNOWN):
        storage.waiting_mails.put(waiting)
    assert storage.waiting_mails.read() == later
