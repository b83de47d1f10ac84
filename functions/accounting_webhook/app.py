"""POST /webhooks/quickbooks and /webhooks/xero: verify the raw body, queue what changed, acknowledge; the providers are not asked.

Xero wants 200 or 401, without a body and without cookies, within 5 s; Intuit 200 within 3 s.
"""

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from dunning.bootstrap import Handler, Platform, accounting_webhook, entry_point, logger
from dunning.domain.errors import Rejected, Retryable, Unauthorised
from dunning.workflow.ports import SyncBatch


def build(platform: Platform) -> Handler:
    """The handler on a platform. Both providers repeat what is not answered 200."""
    services = accounting_webhook(platform)
    log = logger(platform, "accounting_webhook")

    def handle(event: dict[str, object], _context: object) -> object:
        request = APIGatewayProxyEventV2(event)
        source = request.raw_path.rpartition("/")[2]
        webhook = services.webhooks[source]
        try:
            signature = request.headers.get(webhook.signature_header)
            wanted = webhook.receive(request.body, signature, is_base64=bool(request.is_base64_encoded))
            if wanted:
                services.queue.send(SyncBatch(wanted))
        except services.forged as exc:
            log.warning("refused", extra={"source": source, "reason": str(exc)})
            return {"statusCode": 401}
        except Rejected as exc:
            # Signed, and yet no webhook: to repeat it would change nothing, and an endpoint that fails is switched off.
            log.error("not understood", extra={"source": source, "reason": str(exc)})
            return {"statusCode": 200 if source == "xero" else 400}
        except (Retryable, Unauthorised):
            log.exception("not taken, the provider will repeat it", extra={"source": source})
            return {"statusCode": 503}
        log.info("queued", extra={"source": source, "things": len(wanted)})
        return {"statusCode": 200}

    return handle


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
