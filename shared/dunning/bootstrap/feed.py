"""The containers of publish_activity and write_back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from dunning.bootstrap import Platform, _Parts

if TYPE_CHECKING:
    from dunning.channels.event_bus import EventsClient
    from dunning.storage.queues import Aside
    from dunning.workflow.activity_feed import LoggedActivity, NoteRequest, NoteWriter
    from dunning.workflow.publish_activity import PublishActivity
    from dunning.workflow.write_back import WriteBack


@dataclass(frozen=True, slots=True)
class PublishServices:
    """What publish_activity needs: how a record of the stream is read, what is done with it, and where one goes that cannot be read."""

    read: Callable[[Mapping[str, object]], LoggedActivity]
    publish: PublishActivity
    aside: Aside


def publish_activity(platform: Platform) -> PublishServices:
    """Builds publish_activity's container. Raises Rejected for a bad environment, here and below."""
    from dunning.channels.event_bus import EventBridgeBus
    from dunning.storage.activity_stream import read_stream_record
    from dunning.storage.note_queues import SqsNoteQueue
    from dunning.storage.queues import Aside
    from dunning.storage.translation import client_config
    from dunning.workflow.publish_activity import PublishActivity

    parts = _Parts(platform, "publish_activity")
    config = parts.config
    client = cast("EventsClient", platform.session.client("events", config=client_config()))
    switched_on = {source: url for source, url in config.write_back_queues.items() if source not in config.write_back_off}
    queues = {source: SqsNoteQueue(parts.sqs, url) for source, url in switched_on.items()}
    publish = PublishActivity(EventBridgeBus(client, config.event_bus), queues)
    return PublishServices(read_stream_record, publish, Aside(parts.sqs, config.activity_dead_letters))


@dataclass(frozen=True, slots=True)
class WriteBackServices:
    """What write_back needs: how a message is read, what is done with it, and what is done with one that is not done."""

    read: Callable[[str], NoteRequest]
    write: WriteBack
    hide: Callable[[NoteRequest, str, int], None]
    give_up: Callable[[NoteRequest, str], None]
    aside: Aside


def write_back(platform: Platform) -> WriteBackServices:
    """Builds write_back's container."""
    from dunning.storage.invoice_policies import TablePolicies
    from dunning.storage.note_queues import SqsNoteQueue, read_note_request, written
    from dunning.storage.queues import Aside
    from dunning.workflow.sources import source_of
    from dunning.workflow.write_back import WriteBack

    parts = _Parts(platform, "write_back")
    config = parts.config
    queues = {source: SqsNoteQueue(parts.sqs, url) for source, url in config.write_back_queues.items()}
    writers = {source: writer for source, writer in _writers(parts).items() if source not in config.write_back_off}

    def hide(request: NoteRequest, receipt: str, seconds: int) -> None:
        queues[source_of(request.customer)].hide(receipt, seconds)

    aside = Aside(parts.sqs, config.write_back_dead_letters)

    def give_up(request: NoteRequest, reason: str) -> None:
        # Whoever sends it back gives it all its tries anew.
        aside.put(written(replace(request, tries=0)), reason)

    noted = TablePolicies(parts.dynamodb, config.table)
    write = WriteBack(writers, queues, parts.policies, noted, parts.clock)
    return WriteBackServices(read_note_request, write, hide, give_up, aside)


def _writers(parts: _Parts) -> Mapping[str, NoteWriter]:
    from dunning.providers.quickbooks import ALLOWANCE as QUICKBOOKS_ALLOWANCE
    from dunning.providers.quickbooks_notes import QuickBooksNotes
    from dunning.providers.stripe_notes import StripeNotes
    from dunning.providers.xero import ALLOWANCE as XERO_ALLOWANCE
    from dunning.providers.xero_notes import XeroNotes

    quickbooks = parts.oauth_api("quickbooks", parts.config.quickbooks, QUICKBOOKS_ALLOWANCE)
    xero = parts.oauth_api("xero", parts.config.xero, XERO_ALLOWANCE)
    return {"stripe": StripeNotes(parts.stripe_api()), "quickbooks": QuickBooksNotes(quickbooks), "xero": XeroNotes(xero)}
