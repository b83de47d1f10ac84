"""The places of a day: asked for once, ordered by balance, never more than there are."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dunning.workflow.ports import DayPlaces
from tests.contract.storage.stores import Storage

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = "standard#2026-03-02"


@pytest.fixture
def places(storage: Storage) -> DayPlaces:
    return storage.day_places


def test_who_asks_again_asked_when_he_first_did(places: DayPlaces) -> None:
    assert places.ask(DAY, "a", Decimal("10.50"), NOW) == NOW
    assert places.ask(DAY, "a", Decimal(99), NOW + timedelta(hours=1)) == NOW
    assert places.ask("other#2026-03-02", "a", Decimal(99), NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)


def test_the_largest_balances_come_first(places: DayPlaces) -> None:
    for name, balance in (("small", "9.99"), ("largest", "1000"), ("large", "999.999"), ("fils", "1.234"), ("nothing", "0")):
        places.ask(DAY, name, Decimal(balance), NOW)
    found = [[name for name in ("largest", "large", "small", "fils", "nothing") if places.is_among(DAY, name, most)] for most in (1, 3, 9)]
    assert found == [["largest"], ["largest", "large", "small"], ["largest", "large", "small", "fils", "nothing"]]
    assert not places.is_among(DAY, "unknown", 9)


def test_a_place_is_taken_once_and_no_more_than_there_are(places: DayPlaces) -> None:
    for name in ("a", "b", "c"):
        places.ask(DAY, name, Decimal(1), NOW)
    assert [places.take(DAY, name, 2) for name in ("a", "a", "b", "c", "a", "b")] == [True, True, True, False, True, True]
