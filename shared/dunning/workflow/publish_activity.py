"""Tell of new activities: everybody who subscribed to the bus, and the source whose bookkeeper should read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dunning.domain.notes import is_noted
from dunning.workflow.activity_feed import EventBus, LoggedActivity, NoteQueue, NoteRequest
from dunning.workflow.sources import source_of


@dataclass(frozen=True, slots=True)
class PublishActivity:
    """The use case behind publish_activity. `notes` has a queue for each source that gets notes.

    What comes twice is told twice: events and notes carry the activity's id. Raises Retryable; then all is to be told again.
    """

    bus: EventBus
    notes: Mapping[str, NoteQueue]

    def __call__(self, activities: Sequence[LoggedActivity]) -> int:
        """Answers how many notes were asked for."""
        self.bus.put(activities)
        asked = 0
        for source, queue in self.notes.items():
            requests = _requests([logged for logged in activities if source_of(logged.customer) == source and is_noted(logged.activity)])
            if requests:
                queue.send(requests)
            asked += len(requests)
        return asked


def _requests(activities: Sequence[LoggedActivity]) -> list[NoteRequest]:
    """One for each invoice: what happened to it at once is noted at once."""
    found: dict[tuple[str, str], list[LoggedActivity]] = {}
    for logged in activities:
        for invoice in logged.activity.invoices:
            found.setdefault((logged.customer, invoice), []).append(logged)
    return [NoteRequest(customer, invoice, tuple(together)) for (customer, invoice), together in found.items()]
