"""Messages that name something at a source: fetch it, record it."""

from typing import cast

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from dunning.bootstrap import Handler, Platform, entry_point, logger, sync_invoice
from dunning.domain.errors import DunningError
from dunning.storage.queues import read_sync_request


def build(platform: Platform) -> Handler:
    """The handler on a platform. One bad message never blocks its neighbours: only it comes again."""
    sync = sync_invoice(platform)
    log = logger(platform, "sync_invoice")
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    def fetch(record: SQSRecord) -> None:
        try:
            request = read_sync_request(record.body)
            outcome = sync(request)
        except DunningError:
            log.exception("not done", extra={"message_id": record.message_id})
            raise
        log.info("fetched", extra={"source": request.source, "kind": request.kind, "id": request.id, "outcome": outcome})

    def handle(event: dict[str, object], context: object) -> object:
        return process_partial_response(event, fetch, processor, cast("LambdaContext", context))

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
