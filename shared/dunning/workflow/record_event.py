"""What a source's news do here: record what they carry, ask for what they only point at."""

from dataclasses import dataclass

from dunning.workflow.dispute_notes import write_note
from dunning.workflow.ports import SyncQueue, SyncRequest
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.source_events import (
    ContactSeen,
    CustomerDeleted,
    DisputeSeen,
    FetchKind,
    Ignored,
    InvoiceSeen,
    NeedsFetch,
    SourceEvent,
)


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """The use case behind a webhook whose signature was verified."""

    record: RecordSnapshot
    sync_queue: SyncQueue
    source: str

    def __call__(self, event: SourceEvent) -> str:
        """Answers what was done, for the log. The same news twice, or late, change nothing. Raises Retryable."""
        match event:
            case InvoiceSeen(snapshot):
                return self.record.invoice(snapshot)
            case ContactSeen(customer, contact, stamp):
                return self.record.contact(customer, contact, stamp)
            case CustomerDeleted(customer):
                return self.record.customer_deleted(customer)
            case DisputeSeen():
                return self._ask(SyncRequest(self.source, FetchKind.DISPUTE.value, event.dispute_id, None, event.stamp, write_note(event)))
            case NeedsFetch(kind, bare_id, customer, stamp):
                return self._ask(SyncRequest(self.source, kind.value, bare_id, customer, stamp))
            case Ignored(kind_of_event, reason):
                return f"ignored {kind_of_event}: {reason}"

    def _ask(self, request: SyncRequest) -> str:
        self.sync_queue.send([request])
        return f"queued a fetch of {request.kind}"
