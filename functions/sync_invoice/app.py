"""Messages that name something at a source: fetch it, record it."""

from typing import cast

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from dunning.bootstrap import Handler, Platform, entry_point, logger, sync_invoice
from dunning.domain.errors import NotYet, Permanent, Rejected, Retryable, Unforeseen
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

    def fetch(record: SQSRecord) -> None:
        try:
            batch = read_sync_batch(record.body)
            if batch is not None:
                outcome = sync.many(batch, platform.time_left)
                log.info("fetched", extra={"source": batch.requests[0].source, "things": len(batch.requests), "outcome": outcome})
                return
            request = read_sync_request(record.body)
            if platform.time_left() < ENOUGH_SECONDS:
                # Another message's source was slow: this one shall not wait for that, nor die half done.
                outcome = sync.one.hand_on(request)
            else:
                outcome = attempt(sync.one, request, int(record.attributes.approximate_receive_count or "1"))
        except (Permanent, Rejected) as exc:
            log.exception("put aside", extra={"message_id": record.message_id})
            sync.aside.put(record.body, str(exc))
            return
        except Exception:
            log.exception("not done", extra={"message_id": record.message_id})
            raise
        log.info("fetched", extra={"source": request.source, "kind": request.kind, "id": request.id, "outcome": outcome})

    def handle(event: dict[str, object], context: object) -> object:
        platform.time_left.begins(context)
        return process_partial_response(event, fetch, processor, cast("LambdaContext", context))

    return handle


def attempt(sync: SyncInvoice, request: SyncRequest, receives: int) -> str:
    """What fails again and again, because the source is down, is put off rather than given up: nothing else would bring it back."""
    try:
        return foreseen(lambda: sync(request))
    except NotYet as exc:
        sync.wait_for_turn(request, exc.turn_at)
        return "waits for its turn"
    except Retryable:
        if receives < LAST_RECEIVES or not sync.put_off(request):
            raise
        return "put off"
    except Unforeseen as exc:
        if receives < LAST_RECEIVES:
            raise
        raise Permanent(str(exc)) from exc


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
