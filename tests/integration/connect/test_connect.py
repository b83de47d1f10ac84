"""`dunning connect`: consent in a browser, tokens into a secret of their own, and nothing at all when something is wrong."""

import json
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from dunning.domain.errors import Rejected, Retryable, Unauthorised
from dunning.identifiers import new_ulid
from dunning.providers.http_client import HttpClient
from dunning.providers.oauth_grants import Grant
from dunning.providers.oauth_secrets import ProviderSecrets
from dunning.providers.oauth_tokens import TokenKeeper
from dunning.storage.connections import TableTokenLeases
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

    def index(self, source: str) -> list[Json]:
        """What the index holds."""
        return cast("list[Json]", self._content(f"{source}-tokens")["grants"])

    def grants(self, source: str) -> list[Json]:
        """The consents with their tokens, wherever these are."""
        return [self._content(str(row["secret"])) | {"accounts": row["accounts"]} if "secret" in row else row for row in self.index(source)]

    def made(self, source: str) -> set[str]:
        """The secrets of consents that are there."""
        listed = self._secrets.list_secrets(Filters=[{"Key": "name", "Values": [f"dunning/{source}/"]}])["SecretList"]
        return {row["Name"] for row in listed}

    def _content(self, secret: str) -> Json:
        return cast("Json", json.loads(self._secrets.get_secret_value(SecretId=secret)["SecretString"]))


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


def leased_to_another(desk: Desk, secret: str | None = None) -> None:
    sort_key = f"LEASE#{secret}" if secret else "LEASE"
    lease = {"lease_holder": {"S": "w"}, "lease_until": {"S": "2099-01-01T00:00:00.000000Z"}}
    desk.aws.session.client("dynamodb").put_item(TableName=desk.aws.table, Item={"pk": {"S": "CONN#xero"}, "sk": {"S": sort_key}, **lease})


def keeper_of(desk: Desk) -> TokenKeeper:
    """A function's."""
    clients = desk.aws.session.client
    secrets = ProviderSecrets(clients("secretsmanager"), "xero", "xero-tokens", desk.aws.clock)
    leases = TableTokenLeases(clients("dynamodb"), desk.aws.table)
    address = f"{desk.provider.base}/token"
    return TokenKeeper("xero", secrets, leases, HttpClient(), address, desk.aws.clock, lambda _seconds: None, new_ulid)


def test_tokens_that_a_function_renews_meanwhile_are_not_lost(desk: Desk) -> None:
    leased_to_another(desk)
    with pytest.raises(Rejected, match="renewed"):
        desk.connect("xero")
    assert desk.index("xero") == [OLD]
    assert desk.made("xero") == set()


def test_what_an_earlier_release_kept_in_the_index_moves_out_of_it(desk: Desk) -> None:
    desk.connect("xero")
    rows = desk.index("xero")
    assert [sorted(row) for row in rows] == [["accounts", "secret"]] * 2
    assert {row["secret"] for row in rows} == desk.made("xero")
    assert desk.grants("xero")[0] == {**OLD, "accounts": ["t-9"]}
    assert keeper_of(desk).access_token("t-1") == "access-1"


def test_a_consent_is_first_kept_and_then_listed(desk: Desk) -> None:
    desk.aws.forget_calls()
    desk.connect("xero")
    written = [name for name, _ in desk.aws.requests if name in ("CreateSecret", "PutSecretValue", "DeleteSecret")]
    assert written == ["CreateSecret", "CreateSecret", "PutSecretValue"]


def test_who_dies_before_the_index_is_written_has_changed_nothing_and_connects_again(desk: Desk) -> None:
    desk.aws.fails("PutSecretValue", code="AccessDeniedException", status=400)
    with pytest.raises(Retryable, match="xero-tokens"):
        desk.connect("xero")
    assert desk.index("xero") == [OLD]
    assert desk.aws.messages("sweep") == []
    assert len(desk.made("xero")) == 2
    assert desk.connect("xero") == ("t-1", "t-2")
    assert [grant["accounts"] for grant in desk.grants("xero")] == [["t-9"], ["t-1", "t-2"]]


def when_a_secret_is_made(desk: Desk, then: Callable[[], object]) -> None:
    def happens(**_: object) -> None:
        then()

    desk.aws.session.events.register("before-call.secretsmanager.CreateSecret", happens)


def test_who_lost_the_lease_meanwhile_leaves_the_index_alone(desk: Desk) -> None:
    when_a_secret_is_made(desk, lambda: leased_to_another(desk))
    with pytest.raises(Rejected, match="run the command again"):
        desk.connect("xero")
    assert desk.index("xero") == [OLD]


@pytest.mark.parametrize(("hidden", "connected"), [(3, True), (30, False)])
def test_a_secret_is_listed_when_it_can_be_read(desk: Desk, hidden: int, connected: bool) -> None:
    desk.provider.tenants = ["t-1", "t-9"]
    when_a_secret_is_made(desk, lambda: desk.aws.fails("GetSecretValue", code="ResourceNotFoundException", status=400, times=hidden))
    if connected:
        assert desk.connect("xero") == ("t-1", "t-9")
        return
    with pytest.raises(Retryable, match="cannot be read yet"):
        desk.connect("xero")
    assert desk.aws.sent("PutSecretValue") == []


def test_the_secret_of_a_consent_that_opens_nothing_any_more_is_deleted_and_can_be_restored(desk: Desk) -> None:
    desk.connect("xero")
    before = desk.made("xero")
    desk.connect("xero")
    (gone,) = before - desk.made("xero")
    assert gone not in [row["secret"] for row in desk.index("xero")]
    (deleted,) = desk.aws.sent("DeleteSecret")
    assert deleted == {"SecretId": gone, "RecoveryWindowInDays": 7}


def test_a_function_that_holds_a_consent_which_was_replaced_is_not_told_that_it_ended(desk: Desk) -> None:
    desk.connect("xero")
    before = str(desk.index("xero")[1]["secret"])
    desk.connect("xero")
    secrets = keeper_of(desk).secrets
    assert secrets.grant(before) is None
    desk.aws.fails("PutSecretValue", code="InvalidRequestException", status=400)  # as AWS does; moto would take it
    with pytest.raises(Retryable) as passing:
        secrets.store_grant(before, Grant(("t-1",), "rotated"))
    assert not isinstance(passing.value, Unauthorised)


@pytest.mark.parametrize("trouble", ["it is being renewed", "the person may not"])
def test_a_secret_that_cannot_be_deleted_is_named_and_the_connection_is_made(desk: Desk, trouble: str) -> None:
    desk.connect("xero")
    replaced = str(desk.index("xero")[1]["secret"])
    if trouble == "the person may not":
        desk.aws.fails("DeleteSecret", code="AccessDeniedException", status=400)
    else:
        leased_to_another(desk, replaced)
    with pytest.raises(Rejected, match=rf"t-1, t-2 of xero are connected, but .* could not be deleted: {replaced} "):
        desk.connect("xero")
    assert [grant["accounts"] for grant in desk.grants("xero")] == [["t-9"], ["t-1", "t-2"]]
    assert replaced not in [row["secret"] for row in desk.index("xero")]
    assert len(desk.aws.messages("sweep")) == 4


def test_a_secret_that_cannot_be_deleted_keeps_none_of_the_others_and_all_that_are_left_are_named(desk: Desk) -> None:
    for tenant in ("t-1", "t-2", "t-3"):
        desk.provider.tenants = [tenant]
        desk.connect("xero")
    replaced = sorted(str(row["secret"]) for row in desk.index("xero")[1:])
    desk.aws.fails("DeleteSecret", code="AccessDeniedException", status=400, times=2)
    desk.provider.tenants = ["t-1", "t-2", "t-3"]
    with pytest.raises(Rejected, match=f"could not be deleted: {replaced[0]}, {replaced[1]} "):
        desk.connect("xero")
    assert replaced[2] not in desk.made("xero")


@pytest.mark.parametrize("source", ["quickbooks", "xero"])
def test_a_stack_of_an_older_release_is_refused_before_anybody_consents(desk: Desk, source: str) -> None:
    del desk.aws.env[f"{source.upper()}_GRANTS_PREFIX"]
    with pytest.raises(Rejected, match="deploy this release first"):
        desk.connect(source)
    assert (desk.provider.asked, desk.index(source)) == ({}, [OLD])


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
