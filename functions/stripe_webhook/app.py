"""POST /webhooks/stripe: verify the raw body, normalise, record the invoice, set the timer."""

import base64
import json

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from dunning.bootstrap import Handler, Platform, entry_point, logger, stripe_webhook
from dunning.domain.errors import Permanent, Rejected, Retryable


def build(platform: Platform) -> Handler:
    """The handler on a platform. Stripe repeats what is not answered 2xx, for up to three days."""
    services = stripe_webhook(platform)
    log = logger(platform, "stripe_webhook")

    def handle(event: dict[str, object], _context: object) -> object:
        request = APIGatewayProxyEventV2(event)
        try:
            news = services.webhook.read(_raw(request), request.headers.get("stripe-signature"))
            outcome = services.record(news)
        except Rejected as exc:
            log.warning("refused", extra={"reason": str(exc)})
            return _answer(400, str(exc))
        except Retryable as exc:
            log.exception("not done, Stripe will repeat it")
            return _answer(503, f"try again: {type(exc).__name__}")
        except Permanent as exc:
            log.exception("cannot be recorded as it is")
            return _answer(422, f"cannot be recorded: {type(exc).__name__}")
        log.info("recorded", extra={"event": type(news).__name__, "outcome": outcome})
        return _answer(200, outcome)

    return handle


def _raw(request: APIGatewayProxyEventV2) -> bytes:
    """The bytes that were signed, as they came."""
    body = request.body or ""
    if not request.is_base64_encoded:
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except ValueError as exc:
        raise Rejected("the body is said to be base64 and is not") from exc


def _answer(status: int, outcome: str) -> dict[str, object]:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps({"outcome": outcome})}


def __getattr__(name: str) -> Handler:
    return entry_point(name, build)
