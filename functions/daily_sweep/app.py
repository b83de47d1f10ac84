"""Once a day begin a sweep of every source, and send the digest; then, message by message, one page of the sweep at a time."""

from dataclasses import asdict
from datetime import datetime
from typing import cast

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from dunning.bootstrap import Handler, Platform, daily_sweep, entry_point, logger
from dunning.bootstrap.digest import daily_digest
from dunning.domain.errors import DunningError, Permanent, Rejected, Retryable
from dunning.storage.queues import read_sweep_stage
from dunning.workflow.send_digest import DIGEST
from dunning.workflow.unforeseen import foreseen

LAST_RECEIVES = 4


def build(platform: Platform) -> Handler:
    """The handler on a platform: the schedule's event, or its own continuation messages."""
    services, digest = daily_sweep(platform), daily_digest(platform)
    log = logger(platform, "daily_sweep")
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    def page(body: str) -> dict[str, object]:
        stage = read_sweep_stage(body)
        return {"stage": DIGEST, "digest": digest.again(stage)} if stage.stage == DIGEST else asdict(services.sweep.page(stage))

    def work_off(record: SQSRecord) -> None:
        is_last = int(record.attributes.approximate_receive_count or "1") >= LAST_RECEIVES
        try:
            done = foreseen(lambda: page(record.body))
        except Retryable:
            log.exception("page not done", extra={"message_id": record.message_id})
            if not is_last:
                raise
            # The source was down for hours: tomorrow's sweep begins anew, and no dead letter is due.
            return
        except (Permanent, Rejected) as exc:
            log.exception("put aside", extra={"message_id": record.message_id})
            services.aside.put(record.body, str(exc))
            return
        except DunningError as exc:
            log.exception("page not done", extra={"message_id": record.message_id})
            if not is_last:
                raise
            services.aside.put(record.body, str(exc))
            return
        log.info("page done", extra=done)

    def handle(event: dict[str, object], context: object) -> object:
        platform.time_left.begins(context)
        if "Records" in event:
            return process_partial_response(event, work_off, processor, cast("LambdaContext", context))
        at = datetime.fromisoformat(EventBridgeEvent(event).time)
        begun = services.sweep.start(at)
        log.info("begun", extra={"sources": begun, "digest": digest(at)})
        return {"sources": begun}

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
