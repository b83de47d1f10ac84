"""The container of the daily digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dunning.bootstrap import Platform, _Parts
from dunning.identifiers import new_ulid

if TYPE_CHECKING:
    from dunning.workflow.send_digest import SendDigest


def daily_digest(platform: Platform) -> SendDigest:
    """Builds the digest that daily_sweep sends."""
    from dunning.channels.attempts import one_attempt_config
    from dunning.channels.email import SesEmailChannel
    from dunning.content.rendering import TemplateRenderer
    from dunning.storage.digests import TableDigests
    from dunning.storage.queues import SweepContinuations
    from dunning.workflow.send_digest import SendDigest

    parts = _Parts(platform, "daily_sweep")
    config, ses = parts.config, platform.session.client("sesv2", config=one_attempt_config())
    return SendDigest(
        digests=TableDigests(parts.dynamodb, config.table, config.due_shards),
        cases=parts.store(),
        policies=parts.policies,
        email=SesEmailChannel(ses, config.email_from, config.company_name, config.email_reply_to, config.configuration_set),
        renderer=TemplateRenderer(config.company_name, config.email_reply_to, team_locale=config.team_locale),
        new_id=new_ulid,
        queue=SweepContinuations(parts.sqs, config.sweep_queue),
        clock=parts.clock,
    )
