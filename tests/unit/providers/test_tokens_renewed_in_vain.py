"""An API that refuses every token, new ones too: its secret is not written again and again, whoever asks."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from itertools import count

import pytest

from dunning.domain.errors import Disconnected, NotPermitted
from dunning.domain.request_meter import Allowance, Window
from dunning.providers.http_client import HttpAnswer, HttpClient
from dunning.providers.http_client_pace import Pace
from dunning.providers.oauth_api import OAuthApi
from dunning.providers.oauth_grants import Grant
from tests.fakes.tokens import MemoryMeters
from tests.unit.providers.test_oauth_tokens import EXPIRED, NOW, SECRET, World, answer

REGULAR = timedelta(days=1) // timedelta(minutes=25)
"""Renewals a day, five minutes ahead of each half hour's end."""

QUARTER = timedelta(minutes=15)


class Books(HttpClient):
    """An API that takes the tokens it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.takes: Callable[[str], bool] = lambda _token: False
        self.asked: list[str] = []

    def get(self, url: str, params: Mapping[str, str], headers: Mapping[str, str]) -> HttpAnswer:
        token = headers["Authorization"].removeprefix("Bearer ")
        self.asked.append(token)
        return answer(200 if self.takes(token) else 401)


class Process:
    """Whatever a process remembers by itself is its own."""

    def __init__(self, world: World, books: Books) -> None:
        boundless, flights = Allowance((Window(10**6, timedelta(microseconds=1)),)), count(1)
        pace = Pace("xero", boundless, MemoryMeters(), lambda: world.now, lambda _now: f"flight-{next(flights)}")
        self._api = OAuthApi("https://api.example", books, world.worker(), pace, lambda: world.now)

    def asks(self, account: str = "acme", path: str = "/Invoices") -> bool:
        """Whether the API answered. NotPermitted when it did not."""
        return self._api.get(account, path, {}).status == 200


@pytest.fixture
def world() -> World:
    return World(EXPIRED)


@pytest.fixture
def books() -> Books:
    return Books()


def test_a_handful_a_day_however_many_processes_are_refused(world: World, books: Books) -> None:
    while world.now < NOW + timedelta(days=1):
        for process in (Process(world, books), Process(world, books)):
            with pytest.raises(NotPermitted, match="dunning connect xero"):
                process.asks()
        world.now += QUARTER
    assert REGULAR // 2 < world.vault.writes[SECRET] <= REGULAR + 4


def test_companies_that_share_a_consent_share_the_handful(books: Books) -> None:
    companies = tuple(f"company{number}" for number in range(9))
    world = World(Grant(companies, "refresh-0"))
    for company in companies:
        with pytest.raises(Disconnected):
            Process(world, books).asks(company)
    assert world.vault.writes[SECRET] == 2


def test_it_goes_on_by_itself_when_the_api_takes_tokens_again(world: World, books: Books) -> None:
    with pytest.raises(NotPermitted):
        Process(world, books).asks()
    books.takes = lambda _token: True
    assert Process(world, books).asks()


def test_a_token_that_was_ended_in_between_is_another_s_after_half_an_hour(world: World, books: Books) -> None:
    with pytest.raises(NotPermitted):
        Process(world, books).asks()
    books.takes = lambda token: token not in ("access-1", "access-2")
    with pytest.raises(NotPermitted):
        Process(world, books).asks()
    world.now += timedelta(minutes=26)
    assert Process(world, books).asks()


def test_a_new_consent_is_renewed_at_once(world: World, books: Books) -> None:
    with pytest.raises(NotPermitted):
        Process(world, books).asks()
    world.vault.connect(Grant(("acme",), "newer.refresh-0", "newer.access-0", world.now + timedelta(minutes=30)))
    books.takes = lambda token: token == "newer.access-1"
    assert Process(world, books).asks()


def test_what_opened_the_same_before_was_ended_and_is_renewed_at_once(world: World, books: Books) -> None:
    process = Process(world, books)
    with pytest.raises(NotPermitted):
        process.asks(path="/CreditNotes")
    books.takes = lambda token: token == "access-2"
    assert process.asks()
    books.takes = lambda token: token == "access-3"
    assert process.asks()


def test_a_token_that_was_renewed_to_some_purpose_may_be_ended_again(world: World, books: Books) -> None:
    for good in ("access-2", "access-3", "access-4"):
        books.takes = good.__eq__
        assert Process(world, books).asks()
        world.now += timedelta(minutes=1)


def test_what_was_in_vain_once_is_no_reason_for_ever(world: World, books: Books) -> None:
    with pytest.raises(NotPermitted):
        Process(world, books).asks()
    world.now += timedelta(hours=6)
    books.takes = lambda token: token == "access-4"
    assert Process(world, books).asks()
