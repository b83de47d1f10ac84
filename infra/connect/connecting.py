"""The command `dunning connect`, on a deployed stack with the operator's own credentials."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dunning.bootstrap import Platform
from dunning.config import OAuthProvider, from_env
from dunning.domain.errors import Rejected
from dunning.identifiers import new_ulid
from dunning.providers.http_client import HttpClient
from dunning.providers.oauth_secrets import App, Grant, Grants, ProviderSecrets
from dunning.providers.oauth_tokens import LEASE
from dunning.storage.connections import TableTokenLeases
from dunning.storage.queues import SweepContinuations
from dunning.workflow.disconnections import ACCOUNTS
from dunning.workflow.sweep_ports import SweepStage
from infra.connect.consent import AnswerTo, Consent, Provider

_LEASE_POLLS = 90

FEW_ENOUGH = {"quickbooks": 3, "xero": 1}
"""Consents of one stack whose tokens may be renewed around the clock: 26 times a day at QuickBooks (an hour, less five minutes), 58 at
Xero. Each renewal is a version of the one secret that they share, of which Secrets Manager keeps about 100 and removes none that is
younger than a day; beyond that it takes no more (docs.aws.amazon.com/secretsmanager, quotas).
"""

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
        """Ask, store, begin the import; the accounts that are connected now. Raises Rejected or Retryable, and nothing is stored."""
        consent = Consent(self.provider(), self.app(), redirect_uri, HttpClient(), self.platform.clock)
        return self.keep(consent.ask(answer_to))

    def crowded(self) -> str | None:
        """What a person should know of so many consents in one stack; None where there are few enough. Raises Unauthorised, Retryable."""
        count, few = len(self._secrets().grants().grants), FEW_ENOUGH[self.source]
        if count <= few:
            return None
        return (
            f"This stack holds {count} consents of {self.source}; with more than {few} in use around the clock their tokens can be renewed"
            " more often than Secrets Manager keeps versions of a secret (about 100 a day), and reminders would wait. Deploy another stack"
            " for some of them, or watch that the secret has fewer than 100 versions (README, QuickBooks and Xero)."
        )

    def app(self) -> App:
        """Our registration, from the stack's secret. Raises Unauthorised, Retryable."""
        return self._secrets().app()

    def keep(self, grant: Grant) -> tuple[str, ...]:
        """Store what a consent gave, and begin the import. Raises Rejected or Retryable, and nothing is stored."""
        config = from_env(self.platform.env)
        self._store(self._secrets(), grant, TableTokenLeases(self.platform.session.client("dynamodb"), config.table))
        now = self.platform.clock()
        sweeps = SweepContinuations(self.platform.session.client("sqs"), config.sweep_queue)
        for account in grant.accounts:
            sweeps.send(SweepStage(self.source, f"{self.source}:{now:%Y-%m-%dT%H:%M}", ACCOUNTS, now, account=account))
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

    def _store(self, secrets: ProviderSecrets, grant: Grant, leases: TableTokenLeases) -> None:
        """Under the lease of the tokens: a function that renews at the same moment would else put the old ones back."""
        for _ in range(_LEASE_POLLS):
            now = self.platform.clock()
            worker = new_ulid(now)
            if leases.take(self.source, worker, now, now + LEASE):
                try:
                    secrets.store(_with(secrets.grants(), grant))
                finally:
                    leases.give_back(self.source, worker)
                return
            self.pause(1.0)
        raise Rejected(f"{self.source}'s tokens are being renewed all the time: run the command again in a few minutes")


def _with(known: Grants, new: Grant) -> Grants:
    """An account belongs to the newest consent that opened it; a consent that opens nothing any more is dropped."""
    others = [replace(old, accounts=tuple(account for account in old.accounts if account not in new.accounts)) for old in known.grants]
    return Grants((*(old for old in others if old.accounts), new))


def connect_stack(stack: str, source: str, redirect_uri: str, answer_to: AnswerTo) -> tuple[str, ...]:
    """Connect a deployed stack. Raises Rejected."""
    from infra.deployed_stack import platform_of

    with platform_of(stack) as platform:
        connector = Connector(platform, source, os.environ)
        accounts = connector(redirect_uri, answer_to)
        if note := connector.crowded():
            print(note, file=sys.stderr)
        return accounts
