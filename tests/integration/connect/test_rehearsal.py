"""`dunning connect --url`: the whole consent against a running local cloud, over HTTP, with nothing but this machine."""

import html
import json
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from dunning.domain.errors import Rejected
from infra.connect.consent import Attempt
from infra.connect.loopback import Loopback
from infra.connect.rehearsing import connect_local_cloud
from infra.local.http.wire import Request, Server
from infra.local.running import RunningCloud, running_cloud
from infra.local.sandbox.consent_page import ConsentPage
from infra.local.sandbox.provider import TokenEndpoint
from infra.local.sandbox.quickbooks import COMPANY, QuickBooksSandbox
from infra.local.sandbox.xero import TENANT, XeroSandbox
from infra.reaching import ask_local_cloud
from tests.integration.accounting.books import Books, quickbooks_invoice, xero_invoice

LIAM = f"xero:{TENANT}:430fa14a-f945-44d3-9f97-5df5e28441b8"
DUKES = f"quickbooks:{COMPANY}:5"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningCloud]:
    with running_cloud(datetime(2026, 3, 2, 8, tzinfo=UTC), outer_env={}) as cloud:
        yield cloud


@pytest.fixture
def url(running: RunningCloud) -> Iterator[str]:
    server = Server(0)
    server.start(running.api.answer)
    yield server.url
    server.stop()


def got(address: str) -> str:
    place = urlsplit(address)
    connection = HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.request("GET", f"{place.path}?{place.query}")
    return connection.getresponse().read().decode()


def presses(link: str) -> Callable[[str], object]:
    """A person in a browser who reads the page and follows one of its links."""

    def browse(address: str) -> None:
        page = got(address)
        found = re.search(f'id="{link}" href="([^"]+)"', page)
        assert found
        threading.Thread(target=got, args=(html.unescape(found[1]),)).start()

    return browse


def connect(url: str, source: str, link: str = "allow") -> tuple[str, ...]:
    way = Loopback(0, 10.0, presses(link))
    return connect_local_cloud(url, source, way.redirect_uri, way)


def tokens(running: RunningCloud, source: str) -> TokenEndpoint:
    sandbox = running.sandbox.provider(source)
    assert isinstance(sandbox, QuickBooksSandbox | XeroSandbox)
    return sandbox.tokens


@pytest.mark.parametrize(
    ("source", "account", "customer", "invoice"),
    [("xero", TENANT, LIAM, xero_invoice()), ("quickbooks", COMPANY, DUKES, quickbooks_invoice())],
)
def test_who_allows_it_is_connected_and_the_book_is_read_at_once(
    running: RunningCloud, url: str, source: str, account: str, customer: str, invoice: dict[str, object]
) -> None:
    books = Books(running)
    books.holds(source, invoice)
    tokens(running, source).revoke()
    assert connect(url, source) == (account,)
    assert books.statuses(customer) == ["open"]


def test_who_denies_it_is_not(url: str) -> None:
    with pytest.raises(Rejected, match="the consent was refused"):
        connect(url, "xero", "deny")


def test_a_code_is_good_once(running: RunningCloud, url: str) -> None:
    told = ask_local_cloud(url, "/_local/connect/quickbooks", b"{}")
    assert isinstance(told, dict)
    back = "http://localhost:1/callback"
    asked = {"response_type": "code", "client_id": "local-client", "redirect_uri": back, "state": "s", "scope": "x"}
    page = got(f"{told['provider']['authorize_url']}?{urlencode(asked)}")
    (allowed,) = re.findall('id="allow" href="([^"]+)"', page)
    answered = parse_qs(urlsplit(html.unescape(allowed)).query)
    assert (answered["state"], answered["realmId"]) == (["s"], [COMPANY])
    consents = tokens(running, "quickbooks")._consents
    form = {"code": answered["code"][0], "redirect_uri": back}
    assert [consents.takes(form), consents.takes(form)] == [True, False]


@pytest.mark.parametrize(
    ("verifier", "back", "taken"), [("right", "http://a/", True), ("wrong", "http://a/", False), ("right", "http://b/", False)]
)
def test_a_code_is_good_for_its_own_address_and_verifier_only(verifier: str, back: str, taken: bool) -> None:
    page, attempt = ConsentPage("xero", TENANT, "app", {}), Attempt("s", "right")
    asked = {"response_type": "code", "client_id": "app", "redirect_uri": "http://a/", "state": "s", "scope": "x"}
    challenged = {**asked, "code_challenge": attempt.challenge, "code_challenge_method": "S256"}
    assert page.answer(Request("GET", "/", urlencode(challenged), {}, b"")).status == 200
    assert page.takes({"code": "xero-code-1", "redirect_uri": back, "code_verifier": verifier}) is taken


@pytest.mark.parametrize(
    ("source", "body", "told"),
    [
        ("stripe", {}, "'stripe' is not connected by consent: quickbooks and xero are"),
        ("xero", {"grant": {"accounts": []}}, "give {"),
        ("xero", {"token": "x"}, "unknown field 'token'"),
    ],
)
def test_what_is_no_consent_is_refused_and_nothing_changes(url: str, source: str, body: dict[str, object], told: str) -> None:
    with pytest.raises(Rejected) as refused:
        ask_local_cloud(url, f"/_local/connect/{source}", json.dumps(body).encode())
    assert told in str(refused.value)
