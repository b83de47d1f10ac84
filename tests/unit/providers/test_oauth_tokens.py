"""One renewal, whoever asks; nothing lost on the way."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from dunning.domain.errors import Disconnected, Retryable
from dunning.providers.http_client import HttpAnswer, HttpClient
from dunning.providers.oauth_grants import Grant
from dunning.providers.oauth_tokens import TokenKeeper
from tests.fakes.tokens import Leases, Vault

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
SECRET = "dunning/1"
EXPIRED = Grant(("acme",), "refresh-0", "access-0", NOW - timedelta(minutes=1))


class Endpoint(HttpClient):
    """A token endpoint: each refresh token once, and the one before again as long as `grace` lasts. Consents are told apart by the stem."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.fails: list[HttpAnswer | Exception] = []
        self.loses_answers = 0
        self.grace = True
        self.lives = 1800
        self.arriving: Callable[[], None] = lambda: None
        self._current: Counter[str] = Counter()
        self._lock = threading.Lock()

    def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> HttpAnswer:
        self.arriving()
        with self._lock:
            self.asked.append(form["refresh_token"])
            if self.fails:
                failure = self.fails.pop(0)
                if isinstance(failure, Exception):
                    raise failure
                return failure
            stem, _, number = form["refresh_token"].rpartition("refresh-")
            if int(number) not in {self._current[stem], self._current[stem] - self.grace}:
                return answer(400, error="invalid_grant")
            self._current[stem] += 1
            if self.loses_answers:
                self.loses_answers -= 1
                raise Retryable("lost on the wire")
            access, refresh = (f"{stem}{kind}-{self._current[stem]}" for kind in ("access", "refresh"))
            return answer(200, access_token=access, refresh_token=refresh, expires_in=self.lives)


class World:
    """One provider's tokens and any number of workers."""

    def __init__(self, *grants: Grant, vault: Vault | None = None) -> None:
        self.now = NOW
        self.endpoint, self.vault = Endpoint(), vault or Vault(*grants)
        self.leases = Leases()
        self._numbers = count(1)

    def worker(self) -> TokenKeeper:
        return TokenKeeper(
            source="xero",
            secrets=self.vault,
            leases=self.leases,
            http=self.endpoint,
            token_url="https://token.example",
            clock=lambda: self.now,
            pause=lambda _seconds: time.sleep(0.001),
            new_id=lambda _now: f"worker-{next(self._numbers)}",
        )


def answer(status: int, **content: object) -> HttpAnswer:
    return HttpAnswer(status, {}, json.dumps(content).encode())


def test_a_token_that_is_good_for_long_is_used_as_it_is() -> None:
    world = World(replace(EXPIRED, expires_at=NOW + timedelta(minutes=6)))
    assert world.worker().access_token("acme") == "access-0"
    assert world.endpoint.asked == []


def test_a_token_is_renewed_ahead_of_its_end() -> None:
    world = World(replace(EXPIRED, expires_at=NOW + timedelta(minutes=4)))
    assert world.worker().access_token("acme") == "access-1"
    assert world.vault.grants == (Grant(("acme",), "refresh-1", "access-1", NOW + timedelta(minutes=30)),)


class Crowd(Leases):
    """Workers who all come as far as the token endpoint, or to waiting for another, before any goes on; then these wait for that one."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._all, self._given_back, self._thread = threading.Barrier(size, timeout=10.0), threading.Event(), threading.local()

    def meet(self) -> None:
        if not hasattr(self._thread, "has_met"):
            self._thread.has_met = True
            self._all.wait()

    def wait(self, _seconds: float) -> None:
        self.meet()
        self._given_back.wait(10.0)

    def give_back(self, provider: str, secret: str | None, worker: str) -> None:
        super().give_back(provider, secret, worker)
        self._given_back.set()


def test_fifty_workers_on_an_expired_token_make_one_renewal() -> None:
    world = World(EXPIRED)
    world.leases = crowd = Crowd(50)
    world.endpoint.arriving = crowd.meet
    keepers = [replace(world.worker(), pause=crowd.wait) for _ in range(50)]
    with ThreadPoolExecutor(50) as pool:
        tokens = list(pool.map(lambda keeper: keeper.access_token("acme"), keepers))
    assert (set(tokens), world.endpoint.asked, world.vault.writes) == ({"access-1"}, ["refresh-0"], {SECRET: 1})


def test_while_one_renews_the_others_go_on_with_what_is_still_good() -> None:
    world = World(replace(EXPIRED, expires_at=NOW + timedelta(minutes=4)))
    world.leases.take("xero", SECRET, "another", NOW, NOW + timedelta(minutes=1))
    assert world.worker().access_token("acme") == "access-0"


def test_a_worker_that_died_with_the_lease_is_not_waited_for_longer_than_that() -> None:
    world = World(EXPIRED)
    world.leases.take("xero", SECRET, "died", NOW, NOW + timedelta(minutes=1))
    with pytest.raises(Retryable) as stuck:
        world.worker().access_token("acme")
    assert stuck.value.retry_at is not None
    world.now = stuck.value.retry_at
    assert world.worker().access_token("acme") == "access-1"


def test_the_rotated_token_is_stored_before_the_new_access_token_is_used() -> None:
    world = World(EXPIRED)
    world.vault.fails = 1
    with pytest.raises(Retryable):
        world.worker().access_token("acme")
    assert world.worker().access_token("acme") == "access-2"


def test_a_worker_that_could_not_store_what_it_got_does_not_lose_it() -> None:
    world = World(EXPIRED)
    world.endpoint.grace = False
    world.vault.fails = 1
    keeper = world.worker()
    with pytest.raises(Retryable):
        keeper.access_token("acme")
    assert keeper.access_token("acme") == "access-1"
    assert world.vault.grants[0].refresh_token == "refresh-1"


def test_a_lost_answer_is_survived_by_the_grace_for_the_old_token() -> None:
    world = World(EXPIRED)
    world.endpoint.loses_answers = 1
    keeper = world.worker()
    with pytest.raises(Retryable):
        keeper.access_token("acme")
    assert keeper.access_token("acme") == "access-2"


def test_all_tenants_of_one_consent_share_its_tokens() -> None:
    world = World(replace(EXPIRED, accounts=("acme", "beta")))
    keeper = world.worker()
    assert {keeper.access_token("acme"), keeper.access_token("beta")} == {"access-1"}
    assert len(world.endpoint.asked) == 1


def test_a_token_refused_before_its_time_is_renewed_and_not_used_again() -> None:
    world = World(replace(EXPIRED, expires_at=NOW + timedelta(hours=1)))
    keeper = world.worker()
    assert keeper.another_than("acme", keeper.access_token("acme")) == "access-1"
    assert world.worker().another_than("acme", "access-0") == "access-1"
    assert len(world.endpoint.asked) == 1


def test_a_revoked_connection_is_told_apart_and_asked_about_at_most_once_an_hour() -> None:
    world = World(EXPIRED)
    world.endpoint.fails = [answer(400, error="invalid_grant")]
    for _ in range(2):
        with pytest.raises(Disconnected):
            world.worker().access_token("acme")
    with pytest.raises(Disconnected) as gone:
        world.worker().access_token("acme")
    assert (gone.value.source, gone.value.account, len(world.endpoint.asked)) == ("xero", "acme", 1)
    world.now += timedelta(hours=1)
    assert world.worker().access_token("acme") == "access-1"


def test_a_connection_made_anew_is_used_at_once() -> None:
    world = World(EXPIRED)
    world.endpoint.fails = [answer(400, error="invalid_grant")]
    with pytest.raises(Disconnected):
        world.worker().access_token("acme")
    world.vault.connect(Grant(("acme",), "fresh", "access-new", NOW + timedelta(minutes=30)))
    assert world.worker().access_token("acme") == "access-new"


def test_an_account_that_was_never_connected_is_disconnected() -> None:
    with pytest.raises(Disconnected, match="dunning connect xero"):
        World().worker().access_token("acme")


def test_an_app_that_the_provider_does_not_know_needs_a_person_and_until_then_nobody_can_look() -> None:
    world = World(EXPIRED)
    world.endpoint.fails = [answer(401, error="invalid_client")]
    with pytest.raises(Disconnected, match="client_secret") as refused:
        world.worker().access_token("acme")
    assert (refused.value.source, refused.value.account) == ("xero", "acme")
    assert world.worker().access_token("acme") == "access-1"


def test_while_the_token_endpoint_is_down_a_token_that_is_still_good_is_used() -> None:
    world = World(replace(EXPIRED, expires_at=NOW + timedelta(minutes=4)))
    world.endpoint.fails = [Retryable("down")]
    assert world.worker().access_token("acme") == "access-0"
    world.endpoint.fails = [Retryable("down")]
    with pytest.raises(Retryable):
        world.worker().another_than("acme", "access-0")


def test_errors_never_quote_a_token() -> None:
    world = World(EXPIRED)
    world.endpoint.fails = [answer(400, error="invalid_grant")]
    with pytest.raises(Disconnected) as gone:
        world.worker().access_token("acme")
    assert "refresh-0" not in str(gone.value) + repr(EXPIRED) + repr(world.vault.app())
