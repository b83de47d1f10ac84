"""The command `dunning connect`, on a deployed stack with the operator's own credentials."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from dunning.bootstrap import Platform
from dunning.config import OAuthProvider, from_env
from dunning.domain.errors import Rejected, Retryable
from dunning.identifiers import new_ulid
from dunning.providers.http_client import HttpClient
from dunning.providers.oauth_grants import Entry, Grant, Index, Reference
from dunning.providers.oauth_secrets import App, ProviderSecrets
from dunning.providers.oauth_tokens import LEASE
from dunning.storage.connections import TableTokenLeases
from dunning.storage.queues import SweepContinuations
from dunning.workflow.disconnections import ACCOUNTS
from dunning.workflow.sweep_ports import SweepStage
from infra.connect.consent import AnswerTo, Consent, Provider
from infra.connect.grant_secrets import GrantSecrets

_LEASE_POLLS = 90
_SHOWN_POLLS = 20

AUTHORIZE = {
    "quickbooks": ("QuickBooks", "QUICKBOOKS_AUTHORIZE_URL", "https://appcenter.intuit.com/connect/oauth2"),
    "xero": ("Xero", "XERO_AUTHORIZE_URL", "https://login.xero.com/identity/connect/authorize"),
}
SCOPES = {
    "quickbooks": "com.intuit.quickbooks.accounting",
    "xero": "offline_access accounting.invoices accounting.contacts.read accounting.payments.read",
}


@dataclass(frozen=True, slots=True)
class Connector:
    """Connects a stack. `platform.env` is that of any of its functions; `pause` waits while a function renews tokens."""

    platform: Platform
    source: str
    environment: Mapping[str, str]
    pause: Callable[[float], None] = time.sleep

    def __call__(self, redirect_uri: str, answer_to: AnswerTo) -> tuple[str, ...]:
        """Ask, store, begin the import; the accounts that are connected. Raises Rejected or Retryable, after which it may be run again."""
        self._prefix()
        consent = Consent(self.provider(), self.app(), redirect_uri, HttpClient(), self.platform.clock)
        return self.keep(consent.ask(answer_to))

    def app(self) -> App:
        """Our registration, from the stack's secret. Raises Unauthorised, Retryable."""
        return self._secrets().app()

    def keep(self, grant: Grant) -> tuple[str, ...]:
        """Store what a consent gave, and begin the import. Raises Rejected or Retryable, which say whether it is stored.

        The secret first, then the index: whoever dies between leaves a secret to which nothing points, and which does no harm.
        """
        config = from_env(self.platform.env)
        made = GrantSecrets(self.platform.session.client("secretsmanager"), self._prefix(), self.platform.clock)
        replaced = self._store(made, grant)
        now = self.platform.clock()
        sweeps = SweepContinuations(self.platform.session.client("sqs"), config.sweep_queue)
        for account in grant.accounts:
            sweeps.send(SweepStage(self.source, f"{self.source}:{now:%Y-%m-%dT%H:%M}", ACCOUNTS, now, account=account))
        self._delete(made, sorted(replaced), grant)
        return grant.accounts

    def _settings(self) -> OAuthProvider:
        config = from_env(self.platform.env)
        return config.quickbooks if self.source == "quickbooks" else config.xero

    def _secrets(self) -> ProviderSecrets:
        settings = self._settings()
        return ProviderSecrets(self.platform.session.client("secretsmanager"), settings.secret, settings.tokens, self.platform.clock)

    def provider(self) -> Provider:
        """Where consent is asked for, and what we ask for."""
        settings = self._settings()
        title, variable, usual = AUTHORIZE[self.source]
        return Provider(
            name=self.source,
            title=title,
            authorize_url=self.environment.get(variable) or usual,
            token_url=self.environment.get(f"{self.source.upper()}_TOKEN_URL") or settings.token_url,
            api_base=self.environment.get(f"{self.source.upper()}_API_BASE") or settings.api_base,
            scopes=SCOPES[self.source],
            with_pkce=self.source == "xero",
        )

    def _prefix(self) -> str:
        """How the names of the stack's own secrets begin. Raises Rejected for a stack that would not look for them."""
        prefix = self._settings().grants_prefix
        if not prefix:
            raise Rejected(
                f"the stack is of an older release, which keeps all tokens of {self.source} in one secret: deploy this release first,"
                f" then run `dunning connect {self.source}` again"
            )
        return prefix

    def _store(self, made: GrantSecrets, grant: Grant) -> frozenset[str]:
        """Into a secret of its own; and out of the index what an earlier release put there. The secrets that open nothing any more.

        Under the index's lease: a function that renews tokens which are still there would else put the old ones back.
        """
        secrets = self._secrets()
        with self._lease(None) as hold:
            known = secrets.index()
            kept = [_moved(entry, made) for entry in known.without(grant.accounts).entries]
            index = Index((*kept, Reference(grant.accounts, made.make(grant))))
            self._wait_until_shown(secrets, index.secrets - known.secrets)
            hold()
            secrets.store_index(index)
        return known.secrets - index.secrets

    def _wait_until_shown(self, secrets: ProviderSecrets, names: frozenset[str]) -> None:
        """Secrets Manager shows what is new everywhere only after a moment."""
        for name in sorted(names):
            for _ in range(_SHOWN_POLLS):
                if secrets.grant(name) is not None:
                    break
                self.pause(1.0)
            else:
                raise Retryable(f"secret {name} was made and cannot be read yet")

    def _delete(self, made: GrantSecrets, secrets: Sequence[str], grant: Grant) -> None:
        """Each under its lease: whoever renews it at this moment may finish. One that cannot be deleted keeps none of the others."""
        left: dict[str, Exception] = {}
        for secret in secrets:
            try:
                with self._lease(secret):
                    made.delete(secret)
            except (Rejected, Retryable) as exc:
                left[secret] = exc
        if left:
            failure = next(iter(left.values()))
            raise Rejected(
                f"{', '.join(grant.accounts)} of {self.source} are connected, but what consents before left, and opens nothing any more,"
                f" could not be deleted: {', '.join(left)} ({failure}). Delete it yourself, with `aws secretsmanager delete-secret`"
            ) from failure

    @contextmanager
    def _lease(self, secret: str | None) -> Iterator[Callable[[], None]]:
        """What only one may write is ours; call what is given to prolong it. Raises Rejected where it never is, or is lost."""
        leases = TableTokenLeases(self.platform.session.client("dynamodb"), from_env(self.platform.env).table)
        worker = new_ulid(self.platform.clock())

        def is_ours() -> bool:
            now = self.platform.clock()
            return leases.take(self.source, secret, worker, now, now + LEASE)

        def hold() -> None:
            if not is_ours():
                raise Rejected(f"{self.source}'s tokens took too long to store: run the command again")

        for _ in range(_LEASE_POLLS):
            if is_ours():
                break
            self.pause(1.0)
        else:
            raise Rejected(f"{self.source}'s tokens are being renewed all the time: run the command again in a few minutes")
        try:
            yield hold
        finally:
            leases.give_back(self.source, secret, worker)


def _moved(entry: Entry, made: GrantSecrets) -> Reference:
    """A consent in a secret of its own."""
    return entry if isinstance(entry, Reference) else Reference(entry.accounts, made.make(entry))


def connect_stack(stack: str, source: str, redirect_uri: str, answer_to: AnswerTo) -> tuple[str, ...]:
    """Connect a deployed stack. Raises Rejected."""
    from infra.deployed_stack import platform_of

    with platform_of(stack) as platform:
        return Connector(platform, source, os.environ)(redirect_uri, answer_to)
