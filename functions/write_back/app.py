"""Messages that ask for a note at an invoice's source."""

from typing import cast

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from dunning.bootstrap import Handler, Platform, entry_point, logger
from dunning.bootstrap.feed import write_back
from dunning.domain.errors import Permanent, Rejected, Retryable
from dunning.workflow.write_back import wait_after


def build(platform: Platform) -> Handler:
    """The handler on a platform. What a source refuses is put aside at once; what it does not answer comes again, later each time."""
    services = write_back(platform)
    log = logger(platform, "write_back")
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    def note(record: SQSRecord) -> None:
        try:
            request = services.read(record.body)
        except Rejected as exc:
            services.aside.put(record.body, str(exc))
            return
        told = {"customer": request.customer, "invoice": request.invoice}
        try:
            log.info("noted", extra={**told, "outcome": services.write(request)})
        except (Permanent, Rejected) as exc:
            log.exception("refused", extra=told)
            services.aside.put(record.body, str(exc))
        except Retryable as exc:
            if services.write.put_off(request, exc):
                log.info("put off", extra={**told, "reason": str(exc)})
                return
            log.exception("not noted", extra=told)
            services.hide(request, record.receipt_handle, wait_after(int(record.attributes.approximate_receive_count or "1")))
            raise

    def handle(event: dict[str, object], context: object) -> object:
        platform.time_left.begins(context)
        return process_partial_response(event, note, processor, cast("LambdaContext", context))

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
