"""Messages that say `look at this customer`: claim, load, check, decide, send, settle."""

from typing import cast

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from dunning.bootstrap import Handler, Platform, entry_point, logger
from dunning.bootstrap.running import run_step
from dunning.domain.errors import DunningError, Permanent, Rejected, Retryable
from dunning.storage.queues import read_wakeup
from dunning.workflow.unforeseen import foreseen

LAST_RECEIVES = 4


def build(platform: Platform) -> Handler:
    """The handler on a platform."""
    services = run_step(platform)
    log = logger(platform, "run_step")
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    def look_at(record: SQSRecord) -> None:
        is_last = int(record.attributes.approximate_receive_count or "1") >= LAST_RECEIVES
        try:
            wakeup = read_wakeup(record.body)
        except Rejected as exc:
            log.exception("put aside", extra={"message_id": record.message_id})
            services.aside.put(record.body, str(exc))
            return
        try:
            outcome = foreseen(lambda: services.run(wakeup))
        except (Permanent, Rejected) as exc:
            log.exception("put aside", extra={"customer": wakeup.customer})
            services.aside.put(record.body, str(exc))
            return
        except Retryable:
            log.exception("not done", extra={"customer": wakeup.customer})
            if not is_last:
                raise
            # The timer still stands in the table: the hourly wheel brings it back, and no dead letter is due.
            return
        except DunningError as exc:
            log.exception("not done", extra={"customer": wakeup.customer})
            if not is_last:
                raise
            services.aside.put(record.body, str(exc))
            return
        log.info("looked at", extra={"customer": wakeup.customer, "outcome": outcome})

    def handle(event: dict[str, object], context: object) -> object:
        platform.time_left.begins(context)
        return process_partial_response(event, look_at, processor, cast("LambdaContext", context))

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
