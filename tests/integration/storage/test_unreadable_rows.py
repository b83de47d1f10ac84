"""Rows that this release cannot read, as after going back to an older one: they are named, parked as they lie, and healed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import Case, Claim, Profile
from dunning.domain.errors import AlreadyClaimed, Unreadable
from dunning.domain.holds import Hold, HoldKind
from dunning.storage.cases import TableCaseStore
from dunning.storage.timers import TableTimerIndex
from tests.contract.storage.cases import ACME, NOW, TWENTY_MINUTES, due_case
from tests.integration.handlers.cloud import SHARDS, Aws

CLAIM = Claim("claim-1", NOW + TWENTY_MINUTES, "claim-1")
INSOLVENCY = {"M": {"insolvency": {"M": {"since": {"S": "2026-03-02T08:00:00.000000Z"}}}}}
PARK = Hold(NOW, reason="why")
LOGGED = Activity(NOW, ActivityType.HELD, "parked: why")


def key(sk: str) -> dict[str, Any]:
    return {"pk": {"S": f"CUST#{ACME}"}, "sk": {"S": sk}}


def lies(aws: Aws, sk: str) -> dict[str, Any]:
    """A row as it lies in the table."""
    return dict(aws_client(aws).get_item(TableName=aws.table, Key=key(sk))["Item"])


def aws_client(aws: Aws) -> Any:
    return aws.session.client("dynamodb")


def written_by_another_release(aws: Aws, sk: str, attributes: Mapping[str, Any]) -> None:
    """Some attributes of a row hold what nobody here knows."""
    aws_client(aws).put_item(TableName=aws.table, Item={**lies(aws, sk), **attributes})


def claimed_and_loaded(store: TableCaseStore) -> Case:
    """As a worker begins."""
    store.claim(ACME, CLAIM, NOW)
    return store.load(ACME)


@pytest.fixture
def store(aws: Aws) -> TableCaseStore:
    """A store with one due case in it."""
    aws.store.save(Case(Profile(ACME)), due_case())
    return aws.store


@pytest.mark.parametrize(
    ("sk", "attributes"),
    [
        ("INV#in_1", {"status": {"S": "in_arbitration"}}),
        ("INV#in_1", {"due_date": {"S": "jane@acme.example"}}),
        ("INV#in_1", {"promise": {"L": []}, "holds": {"S": "x"}}),
        ("PROFILE", {"holds": INSOLVENCY}),
        ("PROFILE", {"notices": {"M": {"n": {"M": {}}}}}),
    ],
)
def test_a_case_with_a_row_that_cannot_be_read_names_the_row_and_none_of_its_values(
    aws: Aws, store: TableCaseStore, sk: str, attributes: Mapping[str, Any]
) -> None:
    written_by_another_release(aws, sk, attributes)
    with pytest.raises(Unreadable) as told:
        store.load(ACME)
    assert str(told.value).startswith(f"row CUST#{ACME}, {sk} of the table cannot be read (")
    assert "jane" not in str(told.value)
    assert store.claim(ACME, CLAIM, NOW) == CLAIM  # whose claim it is can be read all the same


def test_what_is_there_stays_as_it_lies_and_is_parked_once(aws: Aws, store: TableCaseStore) -> None:
    written_by_another_release(aws, "PROFILE", {"holds": INSOLVENCY, "colour": {"S": "red"}})
    store.claim(ACME, CLAIM, NOW)
    store.park_as_it_lies(ACME, CLAIM.id, PARK, LOGGED)
    row = lies(aws, "PROFILE")
    assert (set(row["holds"]["M"]), row["colour"]) == ({"insolvency", "parked"}, {"S": "red"})
    assert not {"due_at", "due_shard"} & set(row)
    with pytest.raises(AlreadyClaimed):
        store.claim(ACME, replace(CLAIM, id="claim-2"), NOW + TWENTY_MINUTES)
    written_by_another_release(aws, "PROFILE", {"holds": {"M": {"parked": row["holds"]["M"]["parked"]}}})
    assert store.load(ACME).profile.holds == {HoldKind.PARKED: PARK}
    assert store.activities(ACME) == [LOGGED]


def test_an_activity_of_a_type_that_only_another_release_knows_is_left_out_of_the_log_and_named(
    aws: Aws, store: TableCaseStore, caplog: pytest.LogCaptureFixture
) -> None:
    case = store.load(ACME)
    store.save(case, case, [replace(LOGGED, reason="first"), LOGGED, replace(LOGGED, reason="last")])
    second = aws_client(aws).scan(
        TableName=aws.table, FilterExpression="reason = :why", ExpressionAttributeValues={":why": {"S": "parked: why"}}
    )
    (row,) = second["Items"]
    aws_client(aws).put_item(TableName=aws.table, Item={**row, "type": {"S": "arbitrated"}})
    assert [one.reason for one in store.activities(ACME)] == ["first", "last"]
    assert [one.reason for one in store.latest_activities(ACME, 2)] == ["last"]
    assert f"{row['sk']['S']} of the table cannot be read (ValueError)" in caplog.text


def test_a_claim_that_cannot_be_read_is_parked_by_who_holds_it_and_none_of_another_s_business(aws: Aws, store: TableCaseStore) -> None:
    written_by_another_release(aws, "PROFILE", {"claim_effects": {"M": {"email:first:in_1": {"S": "pondering"}}}})
    with pytest.raises(Unreadable):
        store.claim(ACME, CLAIM, NOW)
    with pytest.raises(AlreadyClaimed) as held:
        store.claim(ACME, replace(CLAIM, id="claim-2"), NOW)
    assert held.value.due_at == CLAIM.until
    store.park_as_it_lies(ACME, CLAIM.id, PARK, LOGGED)
    assert lies(aws, "PROFILE")["claim_effects"] == {"M": {"email:first:in_1": {"S": "pondering"}}}


@pytest.mark.parametrize(
    ("odd", "mended"),
    [
        ({"version": {"S": "seven"}, "claim_attempt": {"S": "first"}}, {"version": {"N": "7"}}),
        ({"version": {"N": "1.5"}}, {"version": {"N": "7"}}),
        ({"holds": {"S": "paused"}}, {"holds": {"M": {}}}),
        ({"due_at": {"S": "soon"}}, {}),
        ({"claim_until": {"S": "soon"}}, {}),
        ({"due_at": {"S": "2026-03-02T08:00:00.000000"}, "claim_until": {"S": "2026-03-02T09:00:00.000000"}}, {}),
    ],
)
def test_a_profile_that_nobody_can_claim_or_hold_is_parked_once_wakes_nobody_and_is_mended(
    aws: Aws, store: TableCaseStore, odd: Mapping[str, Any], mended: Mapping[str, Any]
) -> None:
    written_by_another_release(aws, "PROFILE", odd)
    with pytest.raises(Unreadable):
        claimed_and_loaded(store)
    store.park_as_it_lies(ACME, CLAIM.id, PARK, LOGGED)
    row = lies(aws, "PROFILE")
    assert not {"due_at", "due_shard"} & set(row)
    assert set(mended) <= set(row)
    with pytest.raises(AlreadyClaimed):
        store.park_as_it_lies(ACME, "claim-2", PARK, LOGGED)
    written_by_another_release(aws, "PROFILE", mended)
    assert store.load(ACME).profile.holds == ({} if "holds" in odd else {HoldKind.PARKED: PARK})
    assert store.activities(ACME) == [LOGGED]


@pytest.mark.parametrize(
    "odd",
    [
        {"due_at": {"S": "2026-03"}, "due_since": {"S": "early"}},
        {"due_since": {"S": "2026-03-02T08:00:00.000000"}},
        {"due_since": {"N": "20260302"}},
    ],
)
def test_a_timer_that_is_no_instant_keeps_no_other_from_being_found_and_is_due_at_once(
    aws: Aws, store: TableCaseStore, odd: Mapping[str, Any]
) -> None:
    written_by_another_release(aws, "PROFILE", odd)
    store.save(Case(Profile("stripe:cus_other")), Case(Profile("stripe:cus_other", due_at=NOW, due_since=NOW)))
    timers = {one.customer: one for one in TableTimerIndex(aws_client(aws), aws.table, SHARDS).due(NOW + TWENTY_MINUTES)}
    assert set(timers) == {ACME, "stripe:cus_other"}
    assert max(timers[ACME].due_at, timers[ACME].due_since) <= NOW
