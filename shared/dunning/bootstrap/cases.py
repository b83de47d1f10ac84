"""What people do to single cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dunning.bootstrap import Platform, _Parts

if TYPE_CHECKING:
    from dunning.domain.replying import Inbound
    from dunning.storage.queues import Aside
    from dunning.workflow.dispute_invoice import DisputeInvoice
    from dunning.workflow.handle_reply import HandleReply
    from dunning.workflow.hold_case import HoldCase
    from dunning.workflow.promise_to_pay import PromiseToPay
    from dunning.workflow.record_reply import RecordReply
    from dunning.workflow.release_case import ReleaseCase


@dataclass(frozen=True, slots=True)
class CaseDesk:
    """What a person does to one case."""

    hold: HoldCase
    release: ReleaseCase
    dispute: DisputeInvoice
    promise: PromiseToPay
    handled: HandleReply


def case_desk(platform: Platform) -> CaseDesk:
    """Builds the use cases behind `dunning case`, on any function's environment."""
    from dunning.workflow.dispute_invoice import DisputeInvoice
    from dunning.workflow.handle_reply import HandleReply
    from dunning.workflow.hold_case import HoldCase
    from dunning.workflow.promise_to_pay import PromiseToPay
    from dunning.workflow.release_case import ReleaseCase

    record = _Parts(platform, "person").record()
    return CaseDesk(HoldCase(record), ReleaseCase(record), DisputeInvoice(record), PromiseToPay(record), HandleReply(record))


@dataclass(frozen=True, slots=True)
class InboundReplyServices:
    """What the function inbound_reply needs: how a notification is read, what it does, and where one goes that cannot be read."""

    read: Callable[[str], Inbound | None]
    record: RecordReply
    aside: Aside


def inbound_reply(platform: Platform) -> InboundReplyServices:
    """Builds inbound_reply's container."""
    from dunning.channels.attempts import one_attempt_config
    from dunning.channels.inbound_messages import read_inbound
    from dunning.channels.team import SnsTeamChannel
    from dunning.storage.queues import Aside
    from dunning.workflow.record_reply import RecordReply

    parts = _Parts(platform, "inbound_reply")
    team = SnsTeamChannel(platform.session.client("sns", config=one_attempt_config()), parts.config.team_topics)
    record, store = parts.record(), parts.store()
    aside = Aside(parts.sqs, parts.config.event_dead_letters)
    return InboundReplyServices(read_inbound, RecordReply(store, store, record, team), aside)
