"""The lease of a provider's tokens, on the table of template.yaml."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dunning.domain.errors import Retryable
from dunning.domain.request_meter import Meter, Turn
from dunning.storage.connections import TableTokenLeases
from dunning.storage.meters import TableMeters
from tests.integration.handlers.cloud import Aws

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=1)


@pytest.fixture
def leases(aws: Aws) -> TableTokenLeases:
    return TableTokenLeases(aws.session.client("dynamodb"), aws.table)


@pytest.fixture
def meters(aws: Aws) -> TableMeters:
    return TableMeters(aws.session.client("dynamodb"), aws.table)


def test_a_lease_is_one_workers_until_it_gives_it_back(leases: TableTokenLeases) -> None:
    assert leases.take("xero", None, "a", NOW, UNTIL)
    assert not leases.take("xero", None, "b", NOW, UNTIL)
    leases.give_back("xero", None, "a")
    assert leases.take("xero", None, "b", NOW, UNTIL)


def test_providers_have_a_lease_each(leases: TableTokenLeases) -> None:
    assert leases.take("xero", None, "a", NOW, UNTIL)
    assert leases.take("quickbooks", None, "b", NOW, UNTIL)


def test_each_secret_of_a_provider_has_a_lease_of_its_own(leases: TableTokenLeases) -> None:
    assert all(leases.take("xero", secret, "a", NOW, UNTIL) for secret in (None, "dunning/xero/1", "dunning/xero/2"))
    assert not any(leases.take("xero", secret, "b", NOW, UNTIL) for secret in (None, "dunning/xero/1", "dunning/xero/2"))
    leases.give_back("xero", "dunning/xero/1", "a")
    assert [leases.take("xero", secret, "b", NOW, UNTIL) for secret in (None, "dunning/xero/1", "dunning/xero/2")] == [False, True, False]


def test_a_lease_whose_holder_died_is_taken_over_when_it_ends(leases: TableTokenLeases) -> None:
    leases.take("xero", None, "a", NOW, UNTIL)
    assert not leases.take("xero", None, "b", UNTIL - timedelta(microseconds=1), UNTIL)
    assert leases.take("xero", None, "b", UNTIL, UNTIL + timedelta(minutes=1))
    leases.give_back("xero", None, "a")
    assert not leases.take("xero", None, "c", UNTIL, UNTIL + timedelta(minutes=1))


def test_a_lease_whose_confirmation_was_lost_is_ours_all_the_same(aws: Aws, leases: TableTokenLeases) -> None:
    aws.loses_the_answer("UpdateItem")
    assert leases.take("xero", None, "a", NOW, UNTIL)


def test_a_refused_token_is_remembered_account_by_account(leases: TableTokenLeases) -> None:
    leases.note_refused("xero", "acme", "f1", NOW)
    leases.note_refused("xero", "acme", "f2", UNTIL)
    assert leases.refused("xero", "acme") == ("f2", UNTIL)
    assert leases.refused("xero", "beta") is None
    assert leases.refused("quickbooks", "acme") is None


def test_what_was_renewed_in_vain_is_remembered_secret_by_secret_whoever_holds_the_lease(leases: TableTokenLeases) -> None:
    assert leases.renewed_in_vain("xero", "dunning/xero/1") is None
    leases.note_renewed_in_vain("xero", "dunning/xero/1", NOW)
    assert leases.take("xero", "dunning/xero/1", "a", NOW, UNTIL)
    leases.note_renewed_in_vain("xero", "dunning/xero/1", UNTIL)
    leases.give_back("xero", "dunning/xero/1", "a")
    found = [leases.renewed_in_vain("xero", secret) for secret in ("dunning/xero/1", "dunning/xero/2", None)]
    assert found == [UNTIL, None, None]


def test_a_table_that_does_not_answer_is_worth_another_attempt(aws: Aws, leases: TableTokenLeases) -> None:
    aws.fails("UpdateItem", times=4)
    with pytest.raises(Retryable):
        leases.take("xero", None, "a", NOW, UNTIL)


def test_a_meter_is_kept_as_it_was_written(meters: TableMeters) -> None:
    assert meters.read("xero", "acme") == Meter()
    meter = Meter({NOW: 3}, {UNTIL: 2}, {UNTIL: 4}, {"turn-1": Turn(UNTIL, 2)}, NOW, None)
    assert meters.save("xero", "acme", meter) is None
    assert meters.read("xero", "acme") == replace(meter, version=1)
    assert meters.read("xero", "beta") == Meter()


def test_who_writes_a_meter_second_is_told_what_is_there(meters: TableMeters) -> None:
    for first, second in ((Meter(spared_until=NOW), Meter(spared_until=UNTIL)), (Meter(version=1), Meter(closed_until=UNTIL, version=1))):
        assert meters.save("xero", "acme", first) is None
        assert meters.save("xero", "acme", second) == replace(first, version=first.version + 1)
