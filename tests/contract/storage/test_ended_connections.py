"""What is remembered of connections that ended, until they are made again."""

from datetime import UTC, datetime, timedelta

import pytest

from dunning.workflow.connection_ports import Connections
from tests.contract.storage.stores import Storage

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=10)


@pytest.fixture
def connections(storage: Storage) -> Connections:
    return storage.connections


WITHIN = timedelta(minutes=15)


def test_an_end_is_news_once_until_it_is_mended(connections: Connections) -> None:
    assert not connections.has_ended("xero", "acme")
    assert [connections.note_ended("xero", "acme", NOW, WITHIN) for _ in range(2)] == [True, False]
    assert connections.has_ended("xero", "acme")
    assert not connections.has_ended("xero", "acm")
    connections.note_mended("xero", "acme", NOW)
    assert not connections.has_ended("xero", "acme")
    assert connections.note_ended("xero", "acme", NOW, WITHIN)


def test_a_sweep_that_told_nobody_is_begun_again_after_a_while(connections: Connections) -> None:
    assert connections.note_ended("xero", "acme", NOW, WITHIN)
    assert not connections.note_ended("xero", "acme", NOW + timedelta(minutes=14), WITHIN)
    assert [connections.note_ended("xero", "acme", NOW + timedelta(minutes=15), WITHIN) for _ in range(2)] == [True, False]
    connections.note_told("xero", "acme")
    assert not connections.note_ended("xero", "acme", NOW + timedelta(days=1), WITHIN)


def test_the_team_is_told_by_one_and_by_the_next_only_when_that_one_died(connections: Connections) -> None:
    assert not connections.take_telling("xero", "acme", NOW, UNTIL)
    connections.note_ended("xero", "acme", NOW, WITHIN)
    assert [connections.take_telling("xero", "acme", NOW, UNTIL) for _ in range(2)] == [True, False]
    assert connections.take_telling("xero", "acme", UNTIL, UNTIL + timedelta(minutes=10))
    connections.note_told("xero", "acme")
    assert not connections.take_telling("xero", "acme", UNTIL + timedelta(hours=1), UNTIL + timedelta(hours=2))


def test_an_end_after_a_mended_one_is_told_of_again(connections: Connections) -> None:
    for _ in range(2):
        connections.note_ended("xero", "acme", NOW, WITHIN)
        assert connections.take_telling("xero", "acme", NOW, UNTIL)
        connections.note_told("xero", "acme")
        connections.note_mended("xero", "acme", NOW)


def test_the_cases_that_wait_are_one_account_s_and_each_is_there_once(connections: Connections) -> None:
    for customer in ("xero:acme:c1", "xero:acme:c2", "xero:acme:c1"):
        connections.hold("xero", "acme", customer)
    connections.hold("xero", "acme2", "xero:acme2:c9")
    assert connections.held("xero", "acme", 25) == ("xero:acme:c1", "xero:acme:c2")
    assert connections.held("xero", "acme", 1) == ("xero:acme:c1",)
    assert connections.held("xero", "acme", 25, "xero:acme:c1") == ("xero:acme:c2",)
    assert connections.held("xero", "acme", 25, "xero:acme:c2") == ()
    connections.forget("xero", "acme", "xero:acme:c1")
    connections.forget("xero", "acme", "xero:acme:c1")
    assert connections.held("xero", "acme", 25) == connections.held("xero", "acme", 25, "xero:acme:c1") == ("xero:acme:c2",)


def test_a_refused_call_is_noted_while_the_connection_is_known_to_be_good(connections: Connections) -> None:
    hour, since = timedelta(hours=1), timedelta(hours=2)
    assert not connections.note_refused("xero", "acme", NOW, NOW - since)
    connections.note_ended("xero", "acme", NOW, WITHIN)
    connections.note_mended("xero", "acme", NOW)
    assert [connections.note_refused("xero", "acme", NOW + hour * n, NOW + hour * n - since) for n in range(5)] == [True] * 5
    assert not connections.note_refused("xero", "acme", NOW + hour * 7, NOW + hour * 5)
    connections.note_ended("xero", "acme", NOW + hour * 4, WITHIN)
    assert not connections.note_refused("xero", "acme", NOW + hour * 4, NOW + hour * 2)


def test_a_refusal_is_told_by_one_and_again_after_a_week(connections: Connections) -> None:
    week = timedelta(days=7)
    assert [connections.take_telling_of_refusal("xero", "acme", NOW, UNTIL, NOW - week) for _ in range(2)] == [True, False]
    assert connections.take_telling_of_refusal("xero", "acme", UNTIL, UNTIL + WITHIN, UNTIL - week)
    connections.note_told_of_refusal("xero", "acme", NOW)
    assert not connections.take_telling_of_refusal("xero", "acme", NOW + week, NOW + week + WITHIN, NOW)
    later = NOW + week + WITHIN
    assert connections.take_telling_of_refusal("xero", "acme", later, later + WITHIN, later - week)
    assert not connections.has_ended("xero", "acme")


def test_what_the_team_was_told_is_remembered_for_each_account_and_the_newest_word_stays(connections: Connections) -> None:
    assert connections.told_of_unreadable("xero", "acme") is None
    connections.note_told_of_unreadable("xero", "acme", UNTIL, "run 2")
    assert connections.told_of_unreadable("xero", "acme") == (UNTIL, "run 2")
    assert connections.told_of_unreadable("xero", "acm") is None
    connections.note_told_of_unreadable("xero", "acme", NOW, "run 1")
    assert connections.told_of_unreadable("xero", "acme") == (UNTIL, "run 2")
    assert not connections.has_ended("xero", "acme")
    connections.note_told_of_unreadable("stripe", "", NOW, "run 1")
    assert connections.told_of_unreadable("stripe", "") == (NOW, "run 1")
