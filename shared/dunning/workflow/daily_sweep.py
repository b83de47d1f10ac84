"""Once a day, heal what webhooks missed: page by page through each source, then through what it no longer shows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from dunning.domain.errors import Permanent, Rejected
from dunning.workflow.ports import InvoiceSource, OpenIndex, SweepNotes, SweepQueue, SweepStage, SyncQueue, SyncRequest
from dunning.workflow.record_snapshot import RecordSnapshot
from dunning.workflow.source_events import FetchKind
from dunning.workflow.sources import source_of

LISTING = "listing"
VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Swept:
    """What one page brought: read, changed, asked for again, and not understood."""

    stage: str
    read: int = 0
    changed: int = 0
    asked: int = 0
    unreadable: int = 0


@dataclass(frozen=True, slots=True)
class DailySweep:
    """The use case behind the function daily_sweep: one page an invocation, each queueing the next. Raises Retryable."""

    sources: Mapping[str, InvoiceSource]
    record: RecordSnapshot
    notes: SweepNotes
    open_index: OpenIndex
    sync_queue: SyncQueue
    sweep_queue: SweepQueue

    def start(self, at: datetime) -> int:
        """Begin a sweep of every source; the same schedule's event twice is the same run. Answers how many were begun."""
        for name in self.sources:
            self.sweep_queue.send(SweepStage(name, f"{name}:{at:%Y-%m-%dT%H:%M}", LISTING, at))
        return len(self.sources)

    def page(self, stage: SweepStage) -> Swept:
        """Work off one page, then queue the next. Raises Rejected for a stage that is not known."""
        source = self.sources.get(stage.source)
        if source is None or stage.stage not in (LISTING, VANISHED):
            raise Rejected(f"no stage {stage.stage!r} of source {stage.source!r}")
        return self._listed(stage, source) if stage.stage == LISTING else self._vanished(stage)

    def _listed(self, stage: SweepStage, source: InvoiceSource) -> Swept:
        """Recording an unchanged invoice writes nothing, unless its plan or its case's timer was lost: then it is armed again."""
        page = source.open_page(stage.cursor)
        changed, unreadable = 0, len(page.unreadable)
        for snapshot in page.snapshots:
            try:
                changed += self.record.invoice(snapshot) == "recorded"
            except (Permanent, Rejected):
                unreadable += 1
        self.notes.add(stage.run, stage.page, [*(snapshot.invoice_id for snapshot in page.snapshots), *page.unreadable])
        following = replace(stage, page=stage.page + 1, cursor=page.cursor)
        self.sweep_queue.send(following if page.cursor else replace(stage, stage=VANISHED, page=0, cursor=None))
        return Swept(LISTING, len(page.snapshots), changed, 0, unreadable)

    def _vanished(self, stage: SweepStage) -> Swept:
        """What is open here and was not listed there is asked for one by one: paid, voided, or newer than the list."""
        seen = self.notes.seen(stage.run)
        page = self.open_index.page(stage.cursor)
        ours = [row for row in page.rows if source_of(row.customer) == stage.source]
        missing = [row for row in ours if row.invoice_id not in seen]
        self.sync_queue.send([SyncRequest(stage.source, FetchKind.INVOICE.value, row.invoice_id, row.customer) for row in missing])
        if page.cursor:
            self.sweep_queue.send(replace(stage, page=stage.page + 1, cursor=page.cursor))
        return Swept(VANISHED, len(ours), 0, len(missing))
