"""Each consent in a secret of its own: how often each is written, who waits for whom, and what an earlier release left."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dunning.domain.errors import Disconnected, NotConnected, Retryable, Unauthorised
from dunning.providers.json_reading import parse_object
from dunning.providers.oauth_grants import Grant, Index, Reference, grant_text, index_text, read_grant, read_index
from dunning.providers.oauth_tokens import LEASE
from tests.fakes.tokens import Vault
from tests.unit.providers.test_oauth_tokens import EXPIRED, NOW, SECRET, World, answer

VERSIONS_KEPT = 100
"""Of one secret, in Secrets Manager; none younger than a day is removed."""

BETA = Grant(("beta",), "beta.refresh-0", "beta.access-0", NOW - timedelta(minutes=1))


@pytest.mark.parametrize(("consents", "lives"), [(5, timedelta(hours=1)), (3, timedelta(minutes=30))], ids=["quickbooks", "xero"])
def test_consents_that_are_renewed_around_the_clock_stay_below_what_a_secret_keeps(consents: int, lives: timedelta) -> None:
    companies = [f"company{number}" for number in range(consents)]
    world = World(*(Grant((name,), f"{name}.refresh-0") for name in companies))
    world.endpoint.lives = int(lives.total_seconds())
    workers = [world.worker() for _ in range(2)]
    for _ in range(24 * 60):
        for name in companies:
            for worker in workers:
                worker.access_token(name)
        world.now += timedelta(minutes=1)
    each = -(-timedelta(hours=24) // (lives - timedelta(minutes=5)))
    assert sorted(world.vault.writes.values()) == [each] * consents
    assert each < VERSIONS_KEPT < each * consents


def test_a_good_token_costs_no_call_and_a_renewal_few() -> None:
    world = World(EXPIRED)
    keeper = world.worker()
    keeper.access_token("acme")
    assert (world.vault.reads, world.vault.writes) == ([None, SECRET, SECRET], {SECRET: 1})
    keeper.access_token("acme")
    assert len(world.vault.reads) == 3


def test_a_renewal_waits_for_no_other_consent_and_for_nobody_who_connects() -> None:
    world = World(EXPIRED, BETA)
    for secret in (SECRET, None):
        world.leases.take("xero", secret, "another", NOW, NOW + LEASE)
    assert world.worker().access_token("beta") == "beta.access-1"
    with pytest.raises(Retryable):
        world.worker().access_token("acme")


def test_the_tokens_of_an_earlier_release_are_renewed_where_they_are() -> None:
    world = World(vault=Vault.of_an_earlier_release(EXPIRED, BETA))
    elsewhere = world.vault.connect(Grant(("gamma",), "gamma.refresh-0"))
    keeper = world.worker()
    assert keeper.access_token("acme") == keeper.access_token("acme") == "access-1"
    renewed = Grant(("acme",), "refresh-1", "access-1", NOW + timedelta(minutes=30))
    assert world.vault.listed == Index((renewed, BETA, Reference(("gamma",), elsewhere)))
    assert (world.vault.reads, world.vault.writes) == ([None, None], {None: 1})


def test_a_running_worker_finds_tokens_that_were_moved_out_of_the_index() -> None:
    world = World(vault=Vault.of_an_earlier_release(EXPIRED))
    keeper = world.worker()
    keeper.access_token("acme")
    (known,) = world.vault.grants
    secret = world.vault.connect(known)
    world.now += timedelta(hours=1)
    assert keeper.access_token("acme") == "access-2"
    assert world.vault.held[secret].refresh_token == "refresh-2"
    assert world.vault.writes == {None: 1, secret: 1}


class Moving(Vault):
    """A person connects right after the index was read first."""

    def index(self) -> Index:
        found = super().index()
        if len(self.reads) == 1:
            self.connect(EXPIRED)
        return found


def test_tokens_that_are_moved_between_the_look_and_the_lease_are_renewed_where_they_are_now() -> None:
    world = World(vault=Moving.of_an_earlier_release(EXPIRED))
    assert world.worker().access_token("acme") == "access-1"
    assert world.vault.writes == {"dunning/1": 1}
    assert (world.vault.grants[0].refresh_token, world.endpoint.asked) == ("refresh-1", ["refresh-0"])


def test_the_lease_of_the_index_is_none_for_tokens_that_were_moved_out_of_it() -> None:
    world = World(vault=Moving.of_an_earlier_release(EXPIRED))
    world.leases.take("xero", "dunning/1", "another", NOW, NOW + LEASE)
    with pytest.raises(Retryable):
        world.worker().access_token("acme")
    assert world.endpoint.asked == []


def test_a_newer_consent_is_seen_by_a_worker_that_holds_the_old_one() -> None:
    world = World(replace(EXPIRED, accounts=("acme", "beta"), expires_at=NOW + timedelta(hours=1)))
    keeper = world.worker()
    assert keeper.access_token("acme") == "access-0"
    world.vault.connect(Grant(("acme",), "newer.refresh-0", "newer.access-0", NOW + timedelta(hours=1)))
    assert keeper.another_than("acme", "access-0") == "newer.access-0"
    assert keeper.access_token("beta") == "access-0"
    assert world.endpoint.asked == []


def test_a_newer_consent_is_seen_at_the_next_renewal_though_the_old_one_still_renews() -> None:
    world = World(replace(EXPIRED, accounts=("acme", "beta"), expires_at=NOW + timedelta(minutes=10)))
    keeper = world.worker()
    keeper.access_token("acme")
    world.vault.connect(Grant(("acme",), "newer.refresh-0"))
    world.now += timedelta(minutes=6)
    assert keeper.access_token("acme") == "newer.access-1"


def test_a_consent_that_was_replaced_wholly_is_found_again_though_its_secret_is_gone() -> None:
    world = World(EXPIRED)
    keeper = world.worker()
    keeper.access_token("acme")
    world.now += timedelta(hours=1)
    world.vault.connect(Grant(("acme",), "newer.refresh-0"))
    assert keeper.access_token("acme") == "newer.access-1"


def test_an_index_that_points_at_nothing_is_a_connection_to_be_made_again() -> None:
    world = World(EXPIRED)
    del world.vault.held[SECRET]
    with pytest.raises(NotConnected, match="dunning connect xero"):
        world.worker().access_token("acme")


class Slow(Vault):
    """Secrets Manager shows a secret only a moment after it was made."""

    hides = 2

    def grant(self, secret: str) -> Grant | None:
        found = super().grant(secret)
        self.hides -= 1
        return found if self.hides < 0 else None


def test_a_secret_that_is_not_shown_everywhere_yet_is_looked_for_again() -> None:
    world = World(vault=Slow(replace(EXPIRED, expires_at=NOW + timedelta(hours=1))))
    assert world.worker().access_token("acme") == "access-0"


class Replaced(Vault):
    """A person connects while a token is being renewed."""

    def store_grant(self, secret: str, grant: Grant) -> None:
        if secret == SECRET:
            self.connect(Grant(("acme",), "newer.refresh-0"))
        super().store_grant(secret, grant)


def test_a_consent_that_is_replaced_while_it_is_renewed_is_no_connection_that_ended() -> None:
    world = World(vault=Replaced(EXPIRED))
    with pytest.raises(Retryable) as passing:
        world.worker().access_token("acme")
    assert not isinstance(passing.value, Disconnected)
    assert world.worker().access_token("acme") == "newer.access-1"


def test_an_older_consent_that_is_refused_ends_no_account_that_has_moved_to_a_newer_one_meanwhile() -> None:
    world = World(replace(EXPIRED, accounts=("acme", "beta")))
    world.endpoint.fails = [answer(400, error="invalid_grant")] * 2
    newer = Grant(("acme",), "newer.refresh-0", "newer.access-0", NOW + timedelta(hours=1))

    def consents() -> None:
        if newer not in world.vault.grants:
            world.vault.connect(newer)

    world.endpoint.arriving = consents
    keeper = world.worker()
    with pytest.raises(Retryable, match="renewed by another worker") as passing:
        keeper.access_token("acme")
    assert not isinstance(passing.value, Disconnected)
    assert (keeper.access_token("acme"), world.leases.noted) == ("newer.access-0", {})
    with pytest.raises(Disconnected, match="account beta"):
        keeper.access_token("beta")
    assert list(world.leases.noted) == ["beta"]


def test_what_is_kept_is_read_as_it_was_written() -> None:
    given = replace(EXPIRED, accounts=("t-1", "t-ü"))
    assert read_grant(parse_object(grant_text(given).encode(), "a grant")) == given
    index = Index((given, Reference(("t-2",), "dunning/xero/1"), Grant(("t-3",), "r")))
    assert read_index(parse_object(index_text(index).encode(), "an index")) == index


def test_what_opens_nothing_is_left_out_of_an_index() -> None:
    rows = '{"grants": [{"accounts": ["a"]}, {"secret": "s"}, {"accounts": "a", "secret": "s"}, "a", {"accounts": ["b"], "secret": "s"}]}'
    assert read_index(parse_object(rows.encode(), "an index")) == Index((Reference(("b",), "s"),))


class Barred(Vault):
    """Secrets of which one cannot be used: deleted, barred, or no JSON."""

    def __init__(self, *grants: Grant, barred: str | None) -> None:
        super().__init__(*grants)
        self._barred = barred

    def index(self) -> Index:
        if self._barred is None:
            raise Unauthorised("secret index cannot be used")
        return super().index()

    def grant(self, secret: str) -> Grant | None:
        if self._barred == secret:
            raise Unauthorised(f"secret {secret} is not a JSON object")
        return super().grant(secret)


@pytest.mark.parametrize("barred", [None, SECRET], ids=["index", "tokens"])
def test_a_secret_that_cannot_be_used_ends_the_connection_so_that_the_team_is_told(barred: str | None) -> None:
    world = World(vault=Barred(EXPIRED, barred=barred))
    with pytest.raises(Disconnected, match="secret"):
        world.worker().access_token("acme")
