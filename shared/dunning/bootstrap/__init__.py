"""The composition root: builds one function's container from a platform. Heavy imports live inside; nothing is kept process-wide."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dunning.bootstrap.time_left import TimeLeft
from dunning.config import Config, OAuthProvider, from_env
from dunning.identifiers import new_ulid

if TYPE_CHECKING:
    import boto3
    from aws_lambda_powertools import Logger
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient

    from dunning.content.policy_book import PolicyBook
    from dunning.domain.request_meter import Allowance
    from dunning.providers.accounting_webhook import AccountingWebhook
    from dunning.providers.oauth_api import OAuthApi
    from dunning.providers.oauth_secrets import ProviderSecrets
    from dunning.providers.quickbooks import QuickBooksSource
    from dunning.providers.secrets import StripeSecrets
    from dunning.providers.stripe_api import StripeApi
    from dunning.providers.stripe_webhook import StripeWebhook
    from dunning.providers.xero import XeroSource
    from dunning.storage.cases import TableCaseStore
    from dunning.storage.queues import Aside
    from dunning.workflow.daily_sweep import DailySweep
    from dunning.workflow.delivery_news import DeliveryNews
    from dunning.workflow.disconnections import Disconnections, Reconnections
    from dunning.workflow.dispatch_due import DispatchDue
    from dunning.workflow.ports import InvoiceSource, SyncBatches
    from dunning.workflow.record_delivery import RecordDelivery
    from dunning.workflow.record_event import RecordEvent
    from dunning.workflow.record_snapshot import RecordSnapshot
    from dunning.workflow.sweep_ports import AccountedSource
    from dunning.workflow.sync_invoice import SyncInvoice
    from dunning.workflow.sync_many import SyncMany

Handler = Callable[[dict[str, object], object], object]


@dataclass(frozen=True, slots=True)
class Platform:
    """What a function runs on: its environment, its AWS session, its clock (aware UTC)."""

    env: Mapping[str, str]
    session: boto3.Session
    clock: Callable[[], datetime]
    time_left: TimeLeft = field(default_factory=TimeLeft)

    @classmethod
    def of_lambda(cls) -> Platform:
        """The real one."""
        import boto3

        return cls(os.environ, boto3.Session(), lambda: datetime.now(UTC))


def entry_point(name: str, build: Callable[[Platform], Handler]) -> Handler:
    """A module's `handler`, built when Lambda's runtime asks for it: in the initialisation phase, which SnapStart snapshots
    and which has a full CPU. Importing the module reads no environment. Raises AttributeError for other names.
    """
    if name != "handler":
        raise AttributeError(name)
    return build(Platform.of_lambda())


def logger(platform: Platform, service: str) -> Logger:
    """A structured logger for one function. Log ids only: never an address, a body or a secret."""
    from aws_lambda_powertools import Logger

    return Logger(service=service, level=platform.env.get("POWERTOOLS_LOG_LEVEL", "INFO"))


class _Parts:
    """The adapters of one container, made when first asked for."""

    def __init__(self, platform: Platform, actor: str) -> None:
        self.platform = platform
        self.clock = platform.clock
        self.actor = actor
        self.config: Config = from_env(platform.env)
        self._dynamodb: DynamoDBClient | None = None
        self._sqs: SQSClient | None = None
        self._secretsmanager: SecretsManagerClient | None = None
        self._secrets: StripeSecrets | None = None
        self._policies: PolicyBook | None = None

    @property
    def dynamodb(self) -> DynamoDBClient:
        if self._dynamodb is None:
            from dunning.storage.translation import client_config

            self._dynamodb = self.platform.session.client("dynamodb", config=client_config())
        return self._dynamodb

    @property
    def sqs(self) -> SQSClient:
        if self._sqs is None:
            from dunning.storage.translation import client_config

            self._sqs = self.platform.session.client("sqs", config=client_config())
        return self._sqs

    @property
    def secretsmanager(self) -> SecretsManagerClient:
        if self._secretsmanager is None:
            from dunning.storage.translation import client_config

            self._secretsmanager = self.platform.session.client("secretsmanager", config=client_config())
        return self._secretsmanager

    @property
    def secrets(self) -> StripeSecrets:
        if self._secrets is None:
            from dunning.providers.secrets import StripeSecrets

            self._secrets = StripeSecrets(self.secretsmanager, self.config.stripe_secret, self.clock)
        return self._secrets

    @property
    def policies(self) -> PolicyBook:
        if self._policies is None:
            from dunning.content.policy_book import PolicyBook

            self._policies = PolicyBook.load(self.config.policies_dir, frozenset(self.config.team_topics))
        return self._policies

    def store(self) -> TableCaseStore:
        from dunning.storage.cases import TableCaseStore

        return TableCaseStore(self.dynamodb, self.config.table, self.config.due_shards)

    def stripe_api(self) -> StripeApi:
        from dunning.providers.http_client import HttpClient
        from dunning.providers.stripe_api import StripeApi

        http = HttpClient(time_left=self.platform.time_left)
        return StripeApi(self.secrets.api_key, self.config.stripe_api_base, http)

    def stripe(self) -> InvoiceSource:
        from dunning.providers.stripe import StripeSource

        return StripeSource(self.stripe_api(), self.clock)

    def sources(self, accounted: Mapping[str, AccountedSource]) -> Mapping[str, InvoiceSource]:
        """All sources, of which the accounted ones are given."""
        from dunning.bootstrap.manual import manual_source

        return {"stripe": self.stripe(), "manual": manual_source(self), **accounted}

    def accounted(self, *, urgent: bool = False) -> Mapping[str, AccountedSource]:
        """Those of which several companies may be connected. `urgent`: may use what is spared of their limits for the last check."""
        return {"quickbooks": self.quickbooks(urgent=urgent), "xero": self.xero(urgent=urgent)}

    def quickbooks(self, *, urgent: bool = False) -> QuickBooksSource:
        from dunning.providers.quickbooks import ALLOWANCE, QuickBooksSource

        return QuickBooksSource(self.oauth_api("quickbooks", self.config.quickbooks, ALLOWANCE, urgent=urgent), self.clock)

    def xero(self, *, urgent: bool = False) -> XeroSource:
        from dunning.providers.xero import ALLOWANCE, XeroSource

        return XeroSource(self.oauth_api("xero", self.config.xero, ALLOWANCE, urgent=urgent), self.clock)

    def provider_secrets(self, provider: OAuthProvider) -> ProviderSecrets:
        from dunning.providers.oauth_secrets import ProviderSecrets

        return ProviderSecrets(self.secretsmanager, provider.secret, provider.tokens, self.clock)

    def oauth_api(self, source: str, provider: OAuthProvider, allowance: Allowance, *, urgent: bool = False) -> OAuthApi:
        """An accounting provider's API, within its allowance."""
        from dunning.providers.http_client import HttpClient
        from dunning.providers.http_client_pace import Pace
        from dunning.providers.oauth_api import OAuthApi
        from dunning.providers.oauth_tokens import TokenKeeper
        from dunning.storage.connections import TableTokenLeases
        from dunning.storage.meters import TableMeters

        http = HttpClient(time_left=self.platform.time_left)
        meters = TableMeters(self.dynamodb, self.config.table)
        tokens = TokenKeeper(
            source=source,
            secrets=self.provider_secrets(provider),
            leases=TableTokenLeases(self.dynamodb, self.config.table),
            http=http,
            token_url=provider.token_url,
            clock=self.clock,
            pause=self._pause,
            new_id=new_ulid,
        )
        pace = Pace(source, allowance, meters, self.clock, new_ulid, urgent=urgent)
        return OAuthApi(provider.api_base, http, tokens, pace, self.clock)

    @staticmethod
    def _pause(seconds: float) -> None:
        time.sleep(seconds)

    def record(self) -> RecordSnapshot:
        from dunning.storage.queues import RunQueue, SyncRequests
        from dunning.workflow.record_snapshot import RecordSnapshot

        return RecordSnapshot(
            store=self.store(),
            policies=self.policies,
            sync_queue=SyncRequests(self.sqs, self.config.sync_queue),
            wakeups=RunQueue(self.sqs, self.config.run_queue),
            clock=self.clock,
            actor=self.actor,
        )

    def disconnections(self) -> Disconnections:
        from dunning.storage.ended_connections import TableConnections
        from dunning.storage.queues import SweepContinuations
        from dunning.workflow.disconnections import Disconnections

        connections = TableConnections(self.dynamodb, self.config.table)
        return Disconnections(connections, SweepContinuations(self.sqs, self.config.sweep_queue), self.clock)

    def reconnections(self, record: RecordSnapshot) -> Reconnections:
        from dunning.channels.attempts import one_attempt_config
        from dunning.channels.team import SnsTeamChannel
        from dunning.storage.ended_connections import TableConnections
        from dunning.workflow.disconnections import Reconnections

        topics = self.config.team_topics
        sns = self.platform.session.client("sns", config=one_attempt_config())
        team = SnsTeamChannel(sns, topics)
        return Reconnections(TableConnections(self.dynamodb, self.config.table), record, team, next(iter(topics), ""))

    def events(self, record: RecordSnapshot) -> RecordEvent:
        from dunning.workflow.record_event import RecordEvent

        return RecordEvent(record, record.sync_queue, "stripe")


@dataclass(frozen=True, slots=True)
class StripeWebhookServices:
    """What the function stripe_webhook needs."""

    webhook: StripeWebhook
    record: RecordEvent


def stripe_webhook(platform: Platform) -> StripeWebhookServices:
    """Builds stripe_webhook's container. Raises Rejected for a bad environment or policy, here and below."""
    from dunning.providers.stripe_webhook import StripeWebhook

    parts = _Parts(platform, "stripe_webhook")
    return StripeWebhookServices(StripeWebhook(parts.secrets, parts.clock), parts.events(parts.record()))


@dataclass(frozen=True, slots=True)
class AccountingWebhookServices:
    """What the function accounting_webhook needs: a reader for each source, and the queue for what changed."""

    webhooks: Mapping[str, AccountingWebhook]
    queue: SyncBatches
    forged: type[Exception]


def accounting_webhook(platform: Platform) -> AccountingWebhookServices:
    """Builds accounting_webhook's container."""
    from dunning.providers import quickbooks_webhook, xero_webhook
    from dunning.providers.accounting_webhook import AccountingWebhook
    from dunning.providers.webhook_signature import BadSignature
    from dunning.storage.queues import SyncBatches

    parts = _Parts(platform, "accounting_webhook")
    config = parts.config
    quickbooks, xero = parts.provider_secrets(config.quickbooks), parts.provider_secrets(config.xero)
    webhooks = {
        "quickbooks": AccountingWebhook(quickbooks, quickbooks_webhook.SIGNATURE_HEADER, quickbooks_webhook.read_events, parts.clock),
        "xero": AccountingWebhook(xero, xero_webhook.SIGNATURE_HEADER, xero_webhook.read_events, parts.clock),
    }
    return AccountingWebhookServices(webhooks, SyncBatches(parts.sqs, config.sync_queue), BadSignature)


@dataclass(frozen=True, slots=True)
class SyncServices:
    """What the function sync_invoice needs: for messages that name one thing, for those that name many, for what no retry helps."""

    one: SyncInvoice
    many: SyncMany
    aside: Aside


def sync_invoice(platform: Platform) -> SyncServices:
    """Builds sync_invoice's use cases."""
    from dunning.storage.queues import Aside, SyncBatches, SyncLetters
    from dunning.workflow.sweep_ports import TellsChanges
    from dunning.workflow.sync_invoice import SyncInvoice
    from dunning.workflow.sync_many import SyncMany

    parts = _Parts(platform, "sync_invoice")
    record = parts.record()
    accounted = parts.accounted()
    sources, events = parts.sources(accounted), parts.events(record)
    changes = {name: source for name, source in accounted.items() if isinstance(source, TellsChanges)}
    aside = Aside(parts.sqs, parts.config.sync_dead_letters)
    letters = SyncLetters(aside)
    one = SyncInvoice(sources, record, events, record.store, parts.clock, parts.disconnections(), letters, changes)
    many = SyncMany(one, SyncBatches(parts.sqs, parts.config.sync_queue), record.sync_queue, parts.clock, letters.of_many)
    return SyncServices(one, many, aside)


def dispatch_due(platform: Platform) -> DispatchDue:
    """Builds dispatch_due's use case."""
    from dunning.channels.attempts import one_attempt_config
    from dunning.channels.quota import SesQuota
    from dunning.storage.mail_order import TableWaitingMails
    from dunning.storage.queues import RunQueue
    from dunning.storage.timers import TableTimerIndex
    from dunning.workflow.dispatch_due import DispatchDue

    parts = _Parts(platform, "dispatch_due")
    config = parts.config
    return DispatchDue(
        timers=TableTimerIndex(parts.dynamodb, config.table, config.due_shards),
        wakeups=RunQueue(parts.sqs, config.run_queue),
        quota=SesQuota(platform.session.client("sesv2", config=one_attempt_config())),
        clock=parts.clock,
        waiting=TableWaitingMails(parts.dynamodb, config.table),
    )


@dataclass(frozen=True, slots=True)
class DeliveryFeedbackServices:
    """What the function delivery_feedback needs: how a report is read, what it does, and where one goes that cannot be read."""

    read: Callable[[str], DeliveryNews | None]
    record: RecordDelivery
    aside: Aside


def delivery_feedback(platform: Platform) -> DeliveryFeedbackServices:
    """Builds delivery_feedback's container."""
    from dunning.channels.ses_events import read_ses_event
    from dunning.storage.queues import Aside
    from dunning.workflow.record_delivery import RecordDelivery

    parts = _Parts(platform, "delivery_feedback")
    record, aside = parts.record(), Aside(parts.sqs, parts.config.event_dead_letters)
    return DeliveryFeedbackServices(read_ses_event, RecordDelivery(record.store, record), aside)


@dataclass(frozen=True, slots=True)
class SweepServices:
    """What the function daily_sweep needs: what is done, and where a message goes that no retry helps."""

    sweep: DailySweep
    aside: Aside


def daily_sweep(platform: Platform) -> SweepServices:
    """Builds daily_sweep's container."""
    from dunning.storage.queues import Aside, SweepContinuations, SyncBatches
    from dunning.storage.sweeps import TableSweepNotes
    from dunning.storage.timers import TableOpenIndex
    from dunning.workflow.daily_sweep import DailySweep

    parts = _Parts(platform, "daily_sweep")
    config, record = parts.config, parts.record()
    accounted = parts.accounted()
    sweep = DailySweep(
        sources=parts.sources(accounted),
        accounted=accounted,
        record=record,
        notes=TableSweepNotes(parts.dynamodb, config.table, parts.clock),
        open_index=TableOpenIndex(parts.dynamodb, config.table, config.due_shards),
        sync_queue=record.sync_queue,
        sync_batches=SyncBatches(parts.sqs, config.sync_queue),
        reconnections=parts.reconnections(record),
        sweep_queue=SweepContinuations(parts.sqs, config.sweep_queue),
    )
    return SweepServices(sweep, Aside(parts.sqs, config.sweep_dead_letters))
