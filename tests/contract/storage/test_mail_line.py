"""One line of mails for the account: nobody gets a place that another has."""

from datetime import timedelta

from tests.contract.storage.cases import NOW
from tests.contract.storage.stores import Storage

HALF, SECOND = timedelta(milliseconds=500), timedelta(seconds=1)


def test_who_comes_first_goes_at_once_and_the_others_stand_behind(storage: Storage) -> None:
    assert [storage.mail_places.take(NOW, HALF) - NOW for _ in range(4)] == [n * HALF for n in range(4)]


def test_a_mail_that_takes_more_room_moves_the_others_back_by_so_much(storage: Storage) -> None:
    storage.mail_places.take(NOW, 5 * SECOND)
    assert storage.mail_places.take(NOW + SECOND, HALF) == NOW + 5 * SECOND


def test_a_place_in_the_past_is_given_to_nobody(storage: Storage) -> None:
    for _ in range(3):
        storage.mail_places.take(NOW, HALF)
    assert storage.mail_places.take(NOW + SECOND, HALF) == NOW + 3 * HALF
    assert storage.mail_places.take(NOW + 60 * SECOND, HALF) == NOW + 60 * SECOND


def test_a_clock_that_was_days_ahead_stops_nobody(storage: Storage) -> None:
    storage.mail_places.take(NOW + timedelta(days=3), HALF)
    assert storage.mail_places.take(NOW, HALF) == NOW
    assert storage.mail_places.take(NOW, HALF) == NOW + HALF
