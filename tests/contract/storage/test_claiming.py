"""Exactly one worker takes a customer whose timer is due."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.domain.activity import Activity, ActivityType
from dunning.domain.case import CLOCKS_APART, Case, Claim, EffectState, Mark, Profile
from dunning.domain.effects import Channel, joint_key, marks_by_row, row_key
from dunning.domain.errors import AlreadyClaimed
from dunning.domain.holds import Hold, HoldKind
from tests.contract.storage.cases import ACME, NOW, TWENTY_MINUTES, claim, due_case
from tests.contract.storage.stores import Storage

SECOND = timedelta(seconds=1)
MAIL, TEXT = "email:first:in_1", "sms:first:in_1"


def test_a_due_customer_is_claimed_and_its_timer_stands_at_the_claim_s_end(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    assert storage.store.claim(ACME, claim(1), NOW) == Claim("claim-1", NOW + TWENTY_MINUTES, "claim-1")
    profile = storage.store.load(ACME).profile
    assert profile.claim == Claim("claim-1", NOW + TWENTY_MINUTES, "claim-1")
    assert (profile.due_at, profile.due_since, profile.version) == (NOW + TWENTY_MINUTES, NOW, 2)


def test_a_customer_that_is_not_due_is_not_claimed_and_says_when_it_will_be(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case(NOW + SECOND))
    with pytest.raises(AlreadyClaimed) as refused:
        storage.store.claim(ACME, claim(1), NOW)
    assert refused.value.due_at == NOW + SECOND


@pytest.mark.parametrize("customer", [ACME, "stripe:cus_nobody"])
def test_a_customer_without_a_timer_is_not_claimed(storage: Storage, customer: str) -> None:
    storage.store.save(Case(Profile(ACME)), Case(Profile(ACME, retries=1)))
    with pytest.raises(AlreadyClaimed) as refused:
        storage.store.claim(customer, claim(1), NOW)
    assert refused.value.due_at is None


def test_a_customer_nobody_knows_is_not_made_by_claiming_it(storage: Storage) -> None:
    with pytest.raises(AlreadyClaimed):
        storage.store.claim(ACME, claim(1), NOW)
    assert storage.store.load(ACME).profile.version == 0


def test_a_held_customer_is_not_claimed_a_second_time(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, claim(1), NOW)
    almost = NOW + TWENTY_MINUTES - timedelta(microseconds=1)
    with pytest.raises(AlreadyClaimed) as refused:
        storage.store.claim(ACME, claim(2, almost), almost)
    assert refused.value.due_at == NOW + TWENTY_MINUTES
    assert storage.store.load(ACME).profile.version == 2


def test_a_live_claim_bars_others_even_when_the_timer_says_due(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, claim(1), NOW)
    before = storage.store.load(ACME)
    storage.store.save(before, before.with_profile(replace(before.profile, due_at=NOW)))
    with pytest.raises(AlreadyClaimed):
        storage.store.claim(ACME, claim(2), NOW)


def test_our_own_claim_found_in_place_is_success(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    first = storage.store.claim(ACME, claim(1), NOW)
    assert storage.store.claim(ACME, claim(1), NOW) == first
    assert storage.store.load(ACME).profile.version == 2


def test_an_abandoned_claim_is_taken_over_with_its_origin_its_effects_and_its_count(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, claim(1), NOW)
    storage.store.mark_effect(ACME, "claim-1", MAIL, EffectState.DONE)
    end = NOW + TWENTY_MINUTES
    taken = storage.store.claim(ACME, claim(2, end), end)
    assert taken == Claim("claim-2", end + TWENTY_MINUTES, "claim-1", 2, {MAIL: Mark(EffectState.DONE)})
    assert storage.store.load(ACME).profile.claim == taken
    assert storage.store.load(ACME).profile.due_since == NOW


def test_a_customer_is_claimed_anew_after_a_settled_claim(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, claim(1), NOW)
    storage.store.mark_effect(ACME, "claim-1", MAIL, EffectState.DONE)
    before = storage.store.load(ACME)
    storage.store.save(before, before.with_profile(replace(before.profile, claim=None, due_at=NOW)), claim_id="claim-1")
    assert storage.store.claim(ACME, claim(2), NOW) == claim(2)


def test_marks_of_one_claim_add_up(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, claim(1), NOW)
    assert storage.store.mark_effect(ACME, "claim-1", TEXT, EffectState.STARTED)
    assert storage.store.mark_effect(ACME, "claim-1", MAIL, EffectState.DONE, NOW)
    held = storage.store.load(ACME).profile.claim
    assert held is not None
    assert held.effects == {TEXT: Mark(EffectState.STARTED), MAIL: Mark(EffectState.DONE, NOW)}


def test_a_mark_finds_the_claim_that_took_over_by_its_origin(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, claim(1), NOW)
    end = NOW + TWENTY_MINUTES
    storage.store.claim(ACME, claim(2, end), end)
    assert storage.store.mark_effect(ACME, "claim-1", MAIL, EffectState.DONE)
    held = storage.store.load(ACME).profile.claim
    assert held == Claim("claim-2", end + TWENTY_MINUTES, "claim-1", 2, {MAIL: Mark(EffectState.DONE)})


@pytest.mark.parametrize("customer", [ACME, "stripe:cus_nobody"])
def test_a_mark_for_a_claim_that_is_gone_changes_nothing(storage: Storage, customer: str) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    assert not storage.store.mark_effect(customer, "claim-1", MAIL, EffectState.DONE)
    assert storage.store.load(ACME) == replace(
        due_case().with_profile(replace(due_case().profile, version=1)),
        invoices={"in_1": replace(due_case().invoices["in_1"], version=1)},
    )
    assert storage.store.load("stripe:cus_nobody").profile.version == 0


@pytest.mark.parametrize("state", [EffectState.STARTED, EffectState.REFUSED])
def test_what_is_done_stays_done(storage: Storage, state: EffectState) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, claim(1), NOW)
    storage.store.mark_effect(ACME, "claim-1", TEXT, EffectState.DONE, NOW)
    assert not storage.store.mark_effect(ACME, "claim-1", TEXT, state, NOW)
    held = storage.store.load(ACME).profile.claim
    assert held is not None
    assert held.effects == {TEXT: Mark(EffectState.DONE, NOW)}


def test_what_was_begun_and_refused_may_be_begun_again(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, claim(1), NOW)
    for state in (EffectState.STARTED, EffectState.REFUSED, EffectState.STARTED):
        assert storage.store.mark_effect(ACME, "claim-1", TEXT, state)
        held = storage.store.load(ACME).profile.claim
        assert held is not None
        assert held.effects == {TEXT: Mark(state)}


def test_a_case_that_cannot_be_read_is_parked_under_its_claim_and_keeps_what_that_has_marked(storage: Storage) -> None:
    reply = Hold(NOW - SECOND)
    storage.store.save(Case(Profile(ACME)), due_case().with_profile(replace(due_case().profile, holds={HoldKind.REPLY: reply}, retries=3)))
    storage.store.claim(ACME, claim(1), NOW)
    storage.store.mark_effect(ACME, "claim-1", MAIL, EffectState.DONE)
    park = Hold(NOW + SECOND, reason="row INV#in_1 cannot be read")
    storage.store.park_as_it_lies(ACME, "claim-1", park, Activity(NOW + SECOND, ActivityType.HELD, "parked"))
    profile = storage.store.load(ACME).profile
    assert profile.holds == {HoldKind.REPLY: reply, HoldKind.PARKED: park}
    assert profile.claim == Claim("claim-1", NOW + SECOND - CLOCKS_APART, "claim-1", 0, {MAIL: Mark(EffectState.DONE)})
    assert (profile.due_at, profile.due_since, profile.retries, profile.version) == (None, None, 0, 4)
    assert [activity.reason for activity in storage.store.activities(ACME)] == ["parked"]
    assert list(storage.timers.due(NOW + TWENTY_MINUTES * 2)) == []


def test_a_case_that_another_worker_claimed_is_not_parked(storage: Storage) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, claim(1), NOW)
    before = storage.store.load(ACME)
    with pytest.raises(AlreadyClaimed):
        storage.store.park_as_it_lies(ACME, "claim-2", Hold(NOW), Activity(NOW, ActivityType.HELD, "parked"))
    assert storage.store.load(ACME) == before


@pytest.mark.parametrize("step", ["first", "second"])
def test_a_text_begun_again_after_a_refusal_may_have_gone_out_for_maps_have_no_order(storage: Storage, step: str) -> None:
    storage.store.save(Case(Profile(ACME)), due_case())
    storage.store.claim(ACME, claim(1), NOW)
    claimed = storage.store.load(ACME)
    rows = [(step, "in_1"), (step, "in_2")]
    refused = {row_key(Channel.SMS, *row): Mark(EffectState.REFUSED) for row in rows}
    given_back = replace(claimed.profile, claim=replace(claim(1), until=NOW, effects=refused), due_at=NOW)
    storage.store.save(claimed, claimed.with_profile(given_back), claim_id="claim-1")
    storage.store.claim(ACME, claim(2), NOW)
    assert storage.store.mark_effect(ACME, "claim-1", joint_key(Channel.SMS, rows), EffectState.STARTED, NOW)
    later = NOW + TWENTY_MINUTES
    taken_over = storage.store.claim(ACME, claim(3, later), later)
    held = storage.store.load(ACME).profile.claim
    assert held is not None
    for effects in (taken_over.effects, held.effects):
        assert [marks_by_row(effects)[row].state for row in refused] == [EffectState.STARTED] * 2
