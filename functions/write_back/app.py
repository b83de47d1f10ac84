"""Messages that ask for a note at an invoice's source."""

from typing import cast

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from dunning.bootstrap import Handler, Platform, entry_point, logger
from dunning.bootstrap.feed import write_back
from dunning.domain.errors import DunningError, Permanent, Rejected, Retryable
from dunning.workflow.activity_feed import NoteRequest
from dunning.workflow.unforeseen import foreseen
from dunning.workflow.write_back import is_given_up, wait_after


def build(platform: Platform) -> Handler:
    """The handler on a platform. What a source refuses is put aside at once; what it does not answer comes again, later each time."""
    services = write_back(platform)
    log = logger(platform, "write_back")
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    def attempt(request: NoteRequest) -> str:
        try:
            return services.write(request)
        except Retryable as exc:
            if not services.write.put_off(request, exc):
                raise
            return f"put off: {exc}"

    def note(record: SQSRecord) -> None:
        receives = int(record.attributes.approximate_receive_count or "1")
        try:
            request = services.read(record.body)
        except Rejected as exc:
            services.aside.put(record.body, str(exc))
            return
        told = {"customer": request.customer, "invoice": request.invoice}
        try:
            outcome = foreseen(lambda: attempt(request))
        except (Permanent, Rejected) as exc:
            log.exception("refused", extra=told)
            services.aside.put(record.body, str(exc))
            return
        except DunningError as exc:
            log.exception("not noted", extra=told)
            if not is_given_up(request, receives):
                services.hide(request, record.receipt_handle, wait_after(receives))
                raise
            services.give_up(request, str(exc))
            return
        log.info("noted", extra={**told, "outcome": outcome})

    def handle(event: dict[str, object], context: object) -> object:
        platform.time_left.begins(context)
        return process_partial_response(event, note, processor, cast("LambdaContext", context))

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
