"""The container of the function that decides and sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dunning.bootstrap import Platform, _Parts
from dunning.identifiers import new_ulid

if TYPE_CHECKING:
    from dunning.storage.queues import Aside
    from dunning.workflow.run_step import RunStep


@dataclass(frozen=True, slots=True)
class RunServices:
    """What the function run_step needs: what is done, and where a message goes that no retry helps."""

    run: RunStep
    aside: Aside


def run_step(platform: Platform) -> RunServices:
    """Builds run_step's container. SES and SNS make one attempt a call: the SDK's own retries would send again."""
    from dunning.bootstrap.operating import fee_books
    from dunning.channels.attempts import one_attempt_config
    from dunning.channels.email import SesEmailChannel
    from dunning.channels.quota import SesQuota
    from dunning.channels.sms import SnsNumberCheck, SnsSmsChannel
    from dunning.channels.team import SnsTeamChannel
    from dunning.channels.unsubscribe_links import LinkKey, SignedUnsubscribeLinks
    from dunning.content.rendering import TemplateRenderer
    from dunning.storage.day_places import TableDayPlaces
    from dunning.storage.mail_line import TableMailPlaces
    from dunning.storage.mail_order import TableWaitingMails
    from dunning.storage.queues import Aside, DeadLetters, RunQueue, SyncRequests
    from dunning.workflow.attaching import Attacher
    from dunning.workflow.charge_fee import ChargeFee
    from dunning.workflow.first_contacts import FirstContacts
    from dunning.workflow.last_check import LastCheck
    from dunning.workflow.mail_line import MailLine
    from dunning.workflow.mail_order import MailOrder
    from dunning.workflow.mail_ports import DocumentSource
    from dunning.workflow.run_step import RunStep
    from dunning.workflow.sending import Sender

    parts = _Parts(platform, "run_step")
    config, store = parts.config, parts.store()
    once = one_attempt_config()
    ses = platform.session.client("sesv2", config=once)
    sns = platform.session.client("sns", config=once)
    accounted = parts.accounted(urgent=True)
    sources = parts.sources(accounted)
    documents = {name: source for name, source in sources.items() if isinstance(source, DocumentSource)}
    sender = Sender(
        store=store,
        email=SesEmailChannel(
            ses, config.email_from, config.company_name, config.email_reply_to, config.configuration_set, config.replies_domain
        ),
        sms=SnsSmsChannel(sns, config.sms_sender_id),
        team=SnsTeamChannel(sns, config.team_topics),
        renderer=TemplateRenderer(
            config.company_name, config.email_reply_to, team_locale=config.team_locale, default_locale=config.default_locale
        ),
        policies=parts.policies,
        clock=parts.clock,
        charge=ChargeFee(fee_books(parts), parts.policies),
        line=MailLine(TableMailPlaces(parts.dynamodb, config.table), SesQuota(ses), parts.clock),
        order=MailOrder(TableWaitingMails(parts.dynamodb, config.table), parts.clock),
        attach=Attacher(documents),
        unsubscribe=SignedUnsubscribeLinks(LinkKey(parts.secretsmanager, config.link_secret, parts.clock), config.portal_url),
    )
    run = RunStep(
        store=store,
        check=LastCheck(sources, parts.policies, SyncRequests(parts.sqs, config.sync_queue), SnsNumberCheck(sns, parts.clock), accounted),
        policies=parts.policies,
        sender=sender,
        wakeups=RunQueue(parts.sqs, config.run_queue),
        dead_letters=DeadLetters(parts.sqs, config.run_dead_letters),
        clock=parts.clock,
        new_id=new_ulid,
        disconnections=parts.disconnections(),
        first_contacts=FirstContacts(TableDayPlaces(parts.dynamodb, config.table), parts.policies),
    )
    return RunServices(run, Aside(parts.sqs, config.run_dead_letters))
