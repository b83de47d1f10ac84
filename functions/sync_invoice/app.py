"""Messages that name something at a source: fetch it, record it."""

from typing import cast

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from dunning.bootstrap import Handler, Platform, entry_point, logger, sync_invoice
from dunning.domain.errors import DunningError, NotYet, Permanent, Rejected, Retryable
from dunning.storage.queues import read_sync_batch, read_sync_request
from dunning.workflow.ports import SyncRequest
from dunning.workflow.sync_invoice import SyncInvoice
from dunning.workflow.sync_many import ENOUGH_SECONDS
from dunning.workflow.unforeseen import foreseen

LAST_RECEIVES = 4


def build(platform: Platform) -> Handler:
    """The handler on a platform. What no retry helps is put aside at once, with its reason; what failed comes again, alone."""
    sync = sync_invoice(platform)
    log = logger(platform, "sync_invoice")
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    def work_off(body: str, receives: int) -> dict[str, object]:
        batch = read_sync_batch(body)
        if batch is not None:
            outcome = sync.many(batch, platform.time_left)
            return {"source": batch.requests[0].source, "things": len(batch.requests), "outcome": outcome}
        request = read_sync_request(body)
        # Where another message's source was slow, this one shall not wait for that, nor die half done.
        is_late = platform.time_left() < ENOUGH_SECONDS
        outcome = sync.one.hand_on(request) if is_late else attempt(sync.one, request, receives)
        return {"source": request.source, "kind": request.kind, "id": request.id, "outcome": outcome}

    def fetch(record: SQSRecord) -> None:
        receives = int(record.attributes.approximate_receive_count or "1")
        try:
            told = foreseen(lambda: work_off(record.body, receives))
        except (Permanent, Rejected) as exc:
            log.exception("put aside", extra={"message_id": record.message_id})
            sync.aside.put(record.body, str(exc))
            return
        except DunningError as exc:
            log.exception("not done", extra={"message_id": record.message_id})
            if receives < LAST_RECEIVES:
                raise
            sync.aside.put(record.body, str(exc))
            return
        log.info("fetched", extra=told)

    def handle(event: dict[str, object], context: object) -> object:
        platform.time_left.begins(context)
        return process_partial_response(event, fetch, processor, cast("LambdaContext", context))

    return handle


def attempt(sync: SyncInvoice, request: SyncRequest, receives: int) -> str:
    """What fails again and again, because the source is down, is put off rather than given up: nothing else would bring it back."""
    try:
        return sync(request)
    except NotYet as exc:
        sync.wait_for_turn(request, exc.turn_at)
        return "waits for its turn"
    except Retryable as exc:
        # What was put off before has failed often enough to wait at once: so its tries are quarters of an hour.
        if receives < LAST_RECEIVES and not request.tries:
            raise
        return sync.put_off(request, exc)


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
