"""`dunning connect`: consent in a browser, tokens into the stack's secret, and nothing at all when something is wrong."""

import json
from collections.abc import Iterator
from typing import cast

import pytest

from dunning.domain.errors import Rejected
from infra.cli import main
from infra.connect.connecting import Connector
from infra.connect.consent import Query, query_of
from infra.connect.loopback import Loopback, Pasted
from infra.local import moto_cures
from tests.integration.connect.played_consent import PlayedConsent
from tests.integration.handlers.cloud import Aws, Json

OLD = {"accounts": ["t-1", "t-9"], "refresh_token": "old", "access_token": None, "expires_at": None}
APP = {"client_id": "app", "client_secret": "app-secret", "webhook_keys": ["key"]}


@pytest.fixture
def provider() -> Iterator[PlayedConsent]:
    with PlayedConsent().running() as played:
        yield played


class Desk:
    """A person at a terminal, with a stack that is deployed."""

    def __init__(self, aws: Aws, provider: PlayedConsent) -> None:
        self.aws, self.provider = aws, provider
        self._secrets = aws.session.client("secretsmanager")
        for name in ("xero", "quickbooks"):
            self._secrets.create_secret(Name=name, SecretString=json.dumps(APP))
            self._secrets.create_secret(Name=f"{name}-tokens", SecretString=json.dumps({"grants": [OLD]}))

    def connector(self, source: str) -> Connector:
        upper, base = source.upper(), self.provider.base
        names = {f"{upper}_AUTHORIZE_URL": f"{base}/authorize", f"{upper}_TOKEN_URL": f"{base}/token", f"{upper}_API_BASE": base}
        return Connector(self.aws.platform, source, names, pause=lambda _seconds: None)

    def connect(self, source: str, seconds: float = 10.0) -> tuple[str, ...]:
        way = Loopback(0, seconds, self.provider.browser)
        return self.connector(source)(way.redirect_uri, way)

    def grants(self, source: str) -> list[Json]:
        stored = self._secrets.get_secret_value(SecretId=f"{source}-tokens")["SecretString"]
        return cast("list[Json]", json.loads(stored)["grants"])


@pytest.fixture
def desk(aws: Aws, provider: PlayedConsent) -> Desk:
    return Desk(aws, provider)


def test_the_organisations_that_were_ticked_are_connected_and_the_others_keep_their_consent(desk: Desk) -> None:
    assert desk.connect("xero") == ("t-1", "t-2")
    old, new = desk.grants("xero")
    assert (old["accounts"], old["refresh_token"]) == (["t-9"], "old")
    assert (new["accounts"], new["refresh_token"], new["access_token"]) == (["t-1", "t-2"], "refresh-1", "access-1")


def test_what_is_asked_for_is_what_the_product_needs_and_xero_gets_a_challenge(desk: Desk) -> None:
    desk.connect("xero")
    asked = desk.provider.asked
    assert asked["scope"] == "offline_access accounting.invoices accounting.contacts.read accounting.payments.read"
    assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == ("code", "app", "S256")
    assert len(desk.provider.exchanges[0]["code_verifier"]) >= 43
    assert desk.provider.exchanges[0]["redirect_uri"] == asked["redirect_uri"]


def test_the_company_that_quickbooks_names_is_connected(desk: Desk) -> None:
    desk.provider.answers = {"code": "the-code", "realmId": "4620816365"}
    assert desk.connect("quickbooks") == ("4620816365",)
    assert desk.provider.asked["scope"] == "com.intuit.quickbooks.accounting"
    assert [grant["accounts"] for grant in desk.grants("quickbooks")] == [["t-1", "t-9"], ["4620816365"]]


def test_the_import_of_each_account_begins_at_once(desk: Desk) -> None:
    desk.connect("xero")
    begun = [(stage["source"], stage["stage"], stage["account"]) for stage in desk.aws.messages("sweep")]
    assert begun == [("xero", "accounts", "t-1"), ("xero", "accounts", "t-2")]


def test_an_organisation_that_is_listed_twice_or_connected_twice_is_one(desk: Desk) -> None:
    desk.provider.tenants = ["t-2", "t-1", "t-2"]
    assert desk.connect("xero") == ("t-1", "t-2")
    assert desk.connect("xero") == ("t-1", "t-2")
    assert [grant["accounts"] for grant in desk.grants("xero")] == [["t-9"], ["t-1", "t-2"]]
    desk.provider.tenants = ["t-2", "t-3", "t-2"]
    assert desk.connect("xero") == ("t-2", "t-3")
    assert [grant["accounts"] for grant in desk.grants("xero")] == [["t-9"], ["t-1"], ["t-2", "t-3"]]
    assert [stage["account"] for stage in desk.aws.messages("sweep")] == ["t-1", "t-2", "t-1", "t-2", "t-2", "t-3"]


@pytest.mark.parametrize(
    ("source", "answers", "said"),
    [
        ("xero", {"error": "access_denied"}, "refused"),
        ("xero", {"error": "server_error"}, "server_error"),
        ("xero", {"code": "the-code", "state": "somebody else's"}, "state"),
        ("xero", {"code": "the-code", "state": "ü"}, "state"),
        ("xero", {}, "no code"),
        ("xero", {"code": "another"}, "invalid_grant"),
        ("quickbooks", {"code": "the-code"}, "realmId"),
        ("quickbooks", {"code": "the-code", "realmId": "1/../2"}, "realmId"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_stored(desk: Desk, source: str, answers: dict[str, str], said: str) -> None:
    desk.provider.answers = answers
    with pytest.raises(Rejected, match=said):
        desk.connect(source)
    assert desk.grants(source) == [OLD]
    assert desk.aws.messages("sweep") == []


def test_who_ticks_no_organisation_connects_nothing(desk: Desk) -> None:
    desk.provider.tenants = []
    with pytest.raises(Rejected, match="no Xero organisation"):
        desk.connect("xero")
    assert desk.grants("xero") == [OLD]


def test_a_consent_without_offline_access_is_of_no_use(desk: Desk) -> None:
    desk.provider.gives_refresh_token = False
    with pytest.raises(Rejected, match="offline"):
        desk.connect("xero")
    assert desk.grants("xero") == [OLD]


def test_who_never_answers_is_not_waited_for_for_ever(desk: Desk) -> None:
    way = Loopback(0, 0.05, lambda _address: None)
    with pytest.raises(Rejected, match="nobody consented"):
        desk.connector("xero")(way.redirect_uri, way)
    assert desk.grants("xero") == [OLD]


def test_a_port_that_is_taken_is_named(desk: Desk) -> None:
    taken = int(desk.provider.base.rpartition(":")[2])
    with pytest.raises(Rejected, match=f"port {taken} is taken"):
        Loopback(taken, 1.0)


def test_where_no_localhost_may_be_registered_the_address_is_pasted(desk: Desk) -> None:
    registered = "https://billing.example/oauth"

    shown: list[str] = []

    def typed(_prompt: str) -> str:
        return f"{registered}?code=the-code&state={query_of(shown[0])['state']}&realmId=77 "

    def answer_to(address: str) -> Query:
        shown.append(address)
        desk.provider.asked = dict(query_of(address))
        return Pasted(registered, typed)(address)

    assert desk.connector("quickbooks")(registered, answer_to) == ("77",)


def test_an_address_from_elsewhere_is_not_taken(desk: Desk) -> None:
    way = Pasted("https://billing.example/oauth", lambda _prompt: "https://evil.example/?code=the-code")
    with pytest.raises(Rejected, match=r"billing\.example"):
        desk.connector("quickbooks")(way.redirect_uri, way)


def test_where_nothing_can_be_pasted_the_command_says_so() -> None:
    def ended(_prompt: str) -> str:
        raise EOFError

    with pytest.raises(Rejected, match="no address was pasted"):
        Pasted("https://billing.example/oauth", ended)("https://provider.example/")


def test_tokens_that_a_function_renews_meanwhile_are_not_lost(desk: Desk) -> None:
    table = desk.aws.session.client("dynamodb")
    item = {"pk": {"S": "CONN#xero"}, "sk": {"S": "LEASE"}, "lease_holder": {"S": "w"}, "lease_until": {"S": "2099-01-01T00:00:00.000000Z"}}
    table.put_item(TableName=desk.aws.table, Item=item)
    with pytest.raises(Rejected, match="renewed"):
        desk.connect("xero")
    assert desk.grants("xero") == [OLD]


@pytest.mark.parametrize(("source", "few"), [("quickbooks", 3), ("xero", 1)])
def test_more_consents_than_one_secret_can_renew_around_the_clock_are_told(desk: Desk, source: str, few: int) -> None:
    others = [{"accounts": [str(number)], "refresh_token": f"r-{number}"} for number in range(few)]
    for number, is_told in ((few, False), (few + 1, True)):
        content = json.dumps({"grants": [OLD, *others][:number]})
        desk.aws.session.client("secretsmanager").put_secret_value(SecretId=f"{source}-tokens", SecretString=content)
        assert (desk.connector(source).crowded() is not None) is is_told


def test_no_message_quotes_a_secret(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.connect("xero")
    printed = "".join(capsys.readouterr())
    assert not any(secret in printed for secret in ("app-secret", "refresh-1", "access-1", "the-code"))


def test_the_command_wants_a_source_and_a_stack(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["connect", "sage", "--stack", "x"], ["connect", "xero"]):
        with pytest.raises(SystemExit):
            main(arguments)
    assert "--stack" in capsys.readouterr().err


def test_a_stack_that_is_not_there_is_said_plainly(aws: Aws, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    moto_cures.without_rest_apis()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert main(["connect", "xero", "--stack", "nowhere", "--port", "0"]) == 2
    assert "'nowhere' cannot be reached" in capsys.readouterr().err
